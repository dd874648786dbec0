package app

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/api"
	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/guard"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/internal/vault"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/runner"
)

// The soak test runs months of visits in one process. Only the network (in memory) and the time (virtual) are not real. The
// development server injects every fault it can; customers decline, leave, do nothing, ask again, or are unknown; now and
// then the kiosk is stopped during a visit and started again. Memory, files and goroutines must not grow. scripts/soak runs
// ten thousand visits and plots them.
var (
	soakVisits = flag.Int("visits", soakShort, "number of visits")
	soakPlot   = flag.String("plot", "", "file for a plot (SVG)")
	soakSeed   = flag.Uint64("seed", 1, "seed of the random decisions")
)

const (
	retention  = 12 * time.Hour // short, so that the file reaches its final size
	soakExpiry = time.Minute
)

// sample is one measurement.
type sample struct {
	visits, goroutines, files int
	heap, file                int64 // bytes
	days                      float64
}

// soak is a device with its server.
type soak struct {
	t       testing.TB
	dice    *rand.Rand
	dev     *provider.Server
	client  *ciba.Client
	api     *api.Resource
	dir     string
	started time.Time
	boots   int

	store  *store.Store
	events chan kiosk.Event
	stop   func()

	mu    sync.Mutex
	state kiosk.State
	ends  map[string]int
}

// The soak is the device's clock, which a time service keeps right.
func (k *soak) Now() time.Duration              { return time.Since(k.started) }
func (k *soak) Wall() time.Time                 { return wallNow() }
func (k *soak) Boot() string                    { return "boot" }
func (k *soak) Synchronised() (yes, known bool) { return true, true }

// wallNow: a bubble's time begins in 2000, when no visit can have been.
func wallNow() time.Time { return time.Now().Round(0).AddDate(27, 0, 0) }

// Show implements kiosk.Display.
func (k *soak) Show(_ time.Duration, s kiosk.State, _ kiosk.Private) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.Phase != k.state.Phase {
		switch s.Phase {
		case kiosk.Ended:
			k.ends[s.Ending.Reason.String()]++
		case kiosk.Shown:
			k.ends["shown"]++
		}
	}
	k.state = s
}

func (k *soak) now() kiosk.State {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state
}

func (k *soak) chance(percent int) bool { return k.dice.IntN(100) < percent }

func TestSoak(t *testing.T) {
	// In memory: the speed of the disk does not matter here.
	dir := t.TempDir()
	if shm, err := os.MkdirTemp("/dev/shm", "kiosk-soak-"); err == nil {
		dir = shm
		t.Cleanup(func() { os.RemoveAll(shm) })
	}
	var samples []sample
	ends := map[string]int{}
	synctest.Test(t, func(t *testing.T) {
		k, end := newSoak(t, filepath.Join(dir, "state"))
		defer end()
		k.ends = ends
		every := max(*soakVisits/100, 1)
		for i := range *soakVisits {
			if i%every == 0 {
				samples = append(samples, k.measure(i))
			}
			k.visit()
			if i%7 == 0 {
				k.dev.ForgetRequests() // the server's list of requests is not measured
			}
			if i%50 == 49 {
				k.prune()
			}
			if i%100 == 33 {
				k.restart()
			}
		}
		samples = append(samples, k.measure(*soakVisits))
		k.checkRecord()
	})
	t.Logf("%d visits in %.0f days: %v", *soakVisits, samples[len(samples)-1].days, ends)
	if *soakPlot != "" {
		if err := os.WriteFile(*soakPlot, plot(samples), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, g := range growth(samples) {
		t.Error(g)
	}
	for _, must := range []kiosk.Reason{kiosk.Declined, kiosk.Expired, kiosk.Cancelled, kiosk.Unreachable, kiosk.Refused, kiosk.Untrusted, kiosk.WrongPerson, kiosk.NoAccess, kiosk.ServiceDown, kiosk.HeldBack} {
		if ends[must.String()] == 0 {
			t.Errorf("no visit ended as %s: the soak does not test it", must)
		}
	}
	if ends["shown"] < *soakVisits/10 {
		t.Errorf("only %d visits were shown", ends["shown"])
	}
}

// growth reports what visits leave behind: the largest values of the first third, when caches are warm and the first visits
// have been pruned, must suffice for the rest, with a tolerance of a quarter and a little.
func growth(all []sample) (problems []string) {
	from := len(all) / 3
	for _, c := range []struct {
		name  string
		of    func(sample) int64
		slack int64
	}{
		{"goroutines", func(s sample) int64 { return int64(s.goroutines) }, 10},
		{"open files", func(s sample) int64 { return int64(s.files) }, 3},
		{"heap bytes", func(s sample) int64 { return s.heap }, 1 << 20},
		{"store bytes", func(s sample) int64 { return s.file }, 256 << 10},
	} {
		var before, after int64
		for i, s := range all {
			if i <= from {
				before = max(before, c.of(s))
			} else {
				after = max(after, c.of(s))
			}
		}
		if after > before+before/4+c.slack {
			problems = append(problems, fmt.Sprintf("%s grow from %d to %d", c.name, before, after))
		}
	}
	return problems
}

// TestGrowth: leaks of one goroutine or file in a hundred visits, or of one KiB of memory or store in each visit.
func TestGrowth(t *testing.T) {
	leaks := []func(*sample){
		func(s *sample) {},
		func(s *sample) { s.goroutines += s.visits / 100 },
		func(s *sample) { s.files += s.visits / 100 },
		func(s *sample) { s.heap += int64(s.visits) << 10 },
		func(s *sample) { s.file += int64(s.visits) << 10 },
	}
	for i, leak := range leaks {
		var all []sample
		for n := 0; n <= 10_000; n += 100 {
			s := sample{visits: n, goroutines: 6, files: 11, heap: 650_000, file: 524_288}
			leak(&s)
			all = append(all, s)
		}
		if got := growth(all); len(got) != min(i, 1) {
			t.Errorf("leak %d: %v", i, got)
		}
	}
}

func newSoak(t *testing.T, dir string) (k *soak, end func()) {
	network := testkit.NewNetwork()
	const issuer = "http://localhost:8765"
	dev, err := provider.New(provider.Options{Issuer: issuer, Now: wallNow})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: dev.Handler()}
	go server.Serve(network)
	client, err := dev.Client("kiosk-basic")
	if err != nil {
		t.Fatal(err)
	}
	k = &soak{t: t, dice: rand.New(rand.NewPCG(*soakSeed, 5)), dev: dev, dir: dir, started: time.Now().Add(-time.Hour)}
	auth, err := oidc.NewClientAuth(oidc.AuthOptions{ClientID: client.ID, Secret: kiosk.Secret(client.Secret), Now: k.Wall})
	if err != nil {
		t.Fatal(err)
	}
	transport := oidc.NewTransport(oidc.TransportOptions{Dial: network.Dial})
	k.client, err = ciba.New(ciba.Config{Issuer: issuer, ClientID: client.ID, Auth: auth, Transport: transport, Now: k.Wall, Uptime: k.Now,
		Scope: "openid profile", RequestedExpiry: soakExpiry, SubjectClaim: "preferred_username"})
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(issuer + "/api/customer")
	if err != nil {
		t.Fatal(err)
	}
	if k.api, err = api.New(api.Options{URL: address, Transport: transport}); err != nil {
		t.Fatal(err)
	}
	k.start()
	return k, func() {
		k.stop()
		dev.Close()
		transport.CloseIdleConnections()
		server.Close()
		synctest.Wait()
	}
}

// start starts the kiosk, which recovers the visits on record.
func (k *soak) start() {
	st, err := store.Open(store.Options{Dir: k.dir, Process: "soak"})
	if err != nil {
		k.t.Fatal(err)
	}
	k.boots++
	k.store, k.events = st, make(chan kiosk.Event)
	// High rates: with few names, the defaults would hold back most visits.
	g := guard.New(guard.Limits{Person: guard.Rate{Count: 20, Per: time.Minute}, Device: guard.Rate{Count: 60, Per: 10 * time.Minute}, Lifetime: soakExpiry}, st, k)
	r := &runner.Runner{Rules: kiosk.DefaultRules(), Authorizer: k.client, Resource: k.api, Journal: st, Vault: vault.New(), Guard: g,
		Display: k, Clock: k, NewVisit: newVisit, Log: slog.New(slog.DiscardHandler), Trusted: true, Resume: true}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { r.Run(ctx, k.events); close(ended) }()
	k.stop = func() {
		cancel()
		<-ended
		if err := st.Close(); err != nil {
			k.t.Error(err)
		}
	}
}

// restart stops the kiosk during a visit and starts it again.
func (k *soak) restart() {
	_ = k.dev.SetAuto("approve", 10*time.Second, "")
	k.send(kiosk.IdentifierEntered{Identifier: kiosk.Secret("alice")})
	time.Sleep(time.Duration(k.dice.IntN(12_000)) * time.Millisecond)
	k.stop()
	k.start()
}

func (k *soak) send(e kiosk.Event) {
	k.events <- e
	synctest.Wait()
}

func (k *soak) press(key kiosk.KeyName, r rune) {
	k.send(kiosk.Press{Key: key, Rune: r, Seen: k.now().Phase})
}

// soakNames are the customers' names. Unknown customers get names of their own.
var soakNames = []string{"alice", "bob", "carol", "alice", "bob", "carol", "bob@shop.example", "dave"}

// soakFaults are the faults; most visits have none.
var soakFaults = []faults.Fault{
	{At: "bc", Kind: "drop", On: "success"}, {At: "bc", Kind: "server_error"}, {At: "bc", Kind: "hang"}, {At: "bc", Kind: "garbage"}, {At: "bc", Kind: "slow", Value: json.RawMessage(`7`)},
	{At: "token", Kind: "drop", On: "success", Times: 1}, {At: "token", Kind: "server_error", Times: 2}, {At: "token", Kind: "hang", Times: 1}, {At: "token", Kind: "slow_down", Times: 2},
	{At: "token", Kind: "retry_after", Value: json.RawMessage(`"9"`), Times: 1}, {At: "token", Kind: "not_json"}, {At: "token", Kind: "drop"},
	{At: "token", Kind: "bad_signature"}, {At: "token", Kind: "wrong_issuer"}, {At: "token", Kind: "wrong_person"}, {At: "token", Kind: "no_id_token"}, {At: "token", Kind: "scope_reduced"},
	{At: "api", Kind: "server_error"}, {At: "api", Kind: "unauthorized"}, {At: "api", Kind: "hang"}, {At: "api", Kind: "huge"}, {At: "api", Kind: "truncate"}, {At: "api", Kind: "drop"},
	{At: "revoke", Kind: "server_error"}, {At: "revoke", Kind: "hang"}, {At: "jwks", Kind: "server_error", Times: 1}, {At: "discovery", Kind: "hang", Times: 1},
}

// visit plays one customer until the kiosk is ready for the next.
func (k *soak) visit() {
	mode, as := "approve", ""
	switch p := k.dice.IntN(100); {
	case p < 12:
		mode = "deny"
	case p < 24:
		mode = "none"
	case p < 27:
		as = "carol"
	}
	var list []faults.Fault
	if k.chance(35) {
		list = []faults.Fault{soakFaults[k.dice.IntN(len(soakFaults))]}
	}
	if err := k.dev.SetAuto(mode, time.Duration(k.dice.IntN(40_000))*time.Millisecond, as); err != nil {
		k.t.Fatal(err)
	}
	if err := k.dev.SetFaults(list); err != nil {
		k.t.Fatal(err)
	}
	who := soakNames[k.dice.IntN(len(soakNames))]
	if k.chance(8) {
		who = fmt.Sprintf("nobody-%d", k.dice.IntN(1_000_000))
	}
	if k.chance(30) {
		for _, r := range who {
			k.press(kiosk.RuneKey, r)
		}
		k.press(kiosk.EnterKey, 0)
	} else {
		k.send(kiosk.IdentifierEntered{Identifier: kiosk.Secret(who)})
	}
	passive := k.chance(30) // the customer does nothing
	for turns := 0; ; turns++ {
		s := k.now()
		if !s.Busy() {
			if s != s.Fresh() {
				k.t.Fatalf("ready, but not a fresh state: %+v", s)
			}
			break
		}
		if turns > 3000 {
			k.t.Fatalf("the visit does not end: %+v", s)
		}
		switch {
		case s.Phase == kiosk.Waiting && k.dice.IntN(300) == 0, s.Phase == kiosk.Asking && k.chance(2):
			k.press(kiosk.EscapeKey, 0)
		case passive || !k.chance(30):
		case s.Phase == kiosk.Shown && k.chance(50):
			k.press(kiosk.DownKey, 0)
		case s.Phase == kiosk.Ended && s.CanAskAgain() && k.chance(50):
			k.press(kiosk.RuneKey, '1')
		case s.Phase == kiosk.Shown, s.Phase == kiosk.Ended, s.Phase == kiosk.Identify:
			k.press(kiosk.EscapeKey, 0)
		}
		time.Sleep(time.Second)
	}
	time.Sleep(time.Duration(k.dice.IntN(400)) * time.Second)
}

func (k *soak) prune() {
	if _, err := k.store.Prune(k.Wall().Add(-retention)); err != nil {
		k.t.Fatal(err)
	}
}

// checkRecord checks that every visit on record has ended, and the chain of records.
func (k *soak) checkRecord() {
	time.Sleep(2*soakExpiry + time.Minute)
	synctest.Wait()
	open, err := k.store.Unfinished()
	if err != nil || len(open) > 0 {
		k.t.Errorf("%d visits are still open, %v", len(open), err)
	}
	if _, err := k.store.Verify(); err != nil {
		k.t.Errorf("journal: %v", err)
	}
}

func (k *soak) measure(visits int) sample {
	k.t.Helper()
	synctest.Wait()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s := sample{visits: visits, heap: int64(m.HeapAlloc), goroutines: runtime.NumGoroutine(), days: time.Since(k.started).Hours() / 24}
	if all, err := os.ReadDir("/proc/self/fd"); err == nil {
		s.files = len(all)
	}
	if f, err := os.Stat(filepath.Join(k.dir, "kiosk.db")); err == nil {
		s.file = f.Size()
	} else {
		k.t.Fatal(err)
	}
	return s
}
