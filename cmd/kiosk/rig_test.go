package main

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
	phonepage "github.com/ciba-kiosk/ciba-kiosk/internal/devserver/phone"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// limit is how long a step may take before a test fails. It is much more than needed, since the machine may be busy.
// TEST_PATIENCE multiplies it on emulated machines (scripts/test-arm).
var limit = 75 * time.Second * patience()

func patience() time.Duration {
	if n, err := strconv.Atoi(os.Getenv("TEST_PATIENCE")); err == nil && n > 0 {
		return time.Duration(n)
	}
	return 1
}

// requestLifetime is the lifetime of a request in seconds unless a test sets another: short enough for a test, longer
// than any visit here.
var requestLifetime = 60 * int(patience())

// pollTolerance is how much too early a poll may arrive, because the time to the server varies. On an emulated
// processor that is an interval and more; there only the tests in virtual time check the interval (package kiosk).
var pollTolerance = 200 * time.Millisecond * patience()

// rig is one device with an authorization server of its own.
type rig struct {
	t     testing.TB
	dev   *provider.Server
	tap   *recorder
	url   string // the issuer
	dir   string // everything of this device
	state string // its state folder
	env   map[string]string
	path  string // the program; empty is this test binary
	cut   bool   // the power is cut: the server's last word may be lost before it is on record
}

// newRig starts a server and configures a device for it; settings are NAME=value. Requests expire soon, and the
// interval is the shortest possible.
func newRig(t testing.TB, settings ...string) *rig {
	t.Helper()
	return newRigBehind(t, nil, settings...)
}

// newRigWithFile is newRig with the name of the site in a file of settings, for tests that change the file.
func newRigWithFile(t testing.TB, content string) *rig {
	t.Helper()
	r := newRig(t)
	delete(r.env, "KIOSK_SITE")
	r.write("kiosk.env", content)
	return r
}

// newRigBehind is newRig with a server that is reached only through a gate.
func newRigBehind(t testing.TB, d *gate, settings ...string) *rig {
	t.Helper()
	dev, err := provider.New(provider.Options{Interval: 1, Expires: requestLifetime, PollTolerance: pollTolerance})
	if err != nil {
		t.Fatal(err)
	}
	phonepage.Register(dev)
	r := &rig{t: t, dev: dev, tap: &recorder{next: dev.Handler()}, dir: t.TempDir()}
	server := httptest.NewServer(r.tap)
	t.Cleanup(func() {
		dev.Close()
		server.CloseClientConnections()
		server.Close()
	})
	r.url = server.URL
	if d != nil {
		d.connectTo(server.Listener.Addr().String())
		r.url = d.url
	}
	if err := dev.SetIssuer(r.url); err != nil {
		t.Fatal(err)
	}
	client, err := dev.Client("kiosk-basic")
	if err != nil {
		t.Fatal(err)
	}
	r.tap.addSecret(client.Secret)
	r.state = filepath.Join(r.dir, "state")
	r.env = map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": r.dir, "TERM": "linux", "LANG": "C.UTF-8",
		"KIOSK_ISSUER": r.url, "KIOSK_CLIENT_ID": client.ID,
		"KIOSK_CLIENT_SECRET_FILE": r.write("client-secret", client.Secret),
		"KIOSK_API_URL":            r.url + "/api/customer",
		"KIOSK_STATE_DIR":          r.state, "KIOSK_SITE": "Test shop", "KIOSK_REQUESTED_EXPIRY": strconv.Itoa(requestLifetime),
		"KIOSK_LOG_LEVEL": "debug", // what is secret stays out of the logs at every level
	}
	r.write("kiosk.env", "# nothing: the environment has it all\n")
	for _, s := range settings {
		r.set(s)
	}
	return r
}

func (r *rig) program() string {
	if r.path != "" {
		return r.path
	}
	return kioskPath(r.t)
}

func (r *rig) set(setting string) {
	name, value, _ := strings.Cut(setting, "=")
	r.env[name] = value
}

// write writes a private file of the device and returns its path.
func (r *rig) write(name, text string) string {
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

func (r *rig) environ() []string {
	all := []string{"CREDENTIALS_DIRECTORY=" + filepath.Join(r.dir, "none")} // not those of this machine's own kiosk
	for name, value := range r.env {
		all = append(all, name+"="+value)
	}
	slices.Sort(all)
	return all
}

// args adds the flag that keeps the settings of the test machine out.
func (r *rig) args(args []string) []string {
	return append(slices.Clone(args), "--env-file", filepath.Join(r.dir, "kiosk.env"))
}

// auto lets the phone answer by itself.
func (r *rig) auto(mode string, delay time.Duration, as string) {
	r.t.Helper()
	if err := r.dev.SetAuto(mode, delay, as); err != nil {
		r.t.Fatal(err)
	}
}

// faults sets the server's faults.
func (r *rig) faults(list ...faults.Fault) {
	r.t.Helper()
	if err := r.dev.SetFaults(list); err != nil {
		r.t.Fatal(err)
	}
}

// arrivals returns the requests of one kind that have reached the server.
func (r *rig) arrivals(kind string) []provider.Arrival {
	var of []provider.Arrival
	for _, a := range r.dev.Requests() {
		if a.Kind == kind {
			of = append(of, a)
		}
	}
	return of
}

func (r *rig) count(kind string) int { return len(r.arrivals(kind)) }

// visits reads the record, oldest first. No kiosk may be running.
func (r *rig) visits() []store.Visit {
	r.t.Helper()
	st, err := store.Open(store.Options{Dir: r.state, Process: "test", ReadOnly: true})
	if err != nil {
		r.t.Fatalf("journal: %v", err)
	}
	defer st.Close()
	all, err := st.List(0, 10_000)
	if err != nil {
		r.t.Fatalf("journal: %v", err)
	}
	slices.Reverse(all)
	return all
}

// lastVisit returns the newest visit on record.
func (r *rig) lastVisit() store.Visit {
	r.t.Helper()
	all := r.visits()
	if len(all) == 0 {
		r.t.Fatal("the journal is empty")
	}
	return all[len(all)-1]
}

// hasPendingRevocations reports whether tokens on disk still have to be revoked. No kiosk may be running.
func (r *rig) hasPendingRevocations() bool {
	r.t.Helper()
	st, err := store.Open(store.Options{Dir: r.state, Process: "test", ReadOnly: true})
	if err != nil {
		return false // no visit has come as far as a record
	}
	defer st.Close()
	pending, err := st.PendingRevocations()
	if err != nil {
		r.t.Fatalf("journal: %v", err)
	}
	for _, d := range pending {
		d.Tokens.Zero()
	}
	return len(pending) > 0
}

// withoutSlowerPolling drops the records that only say that the server demanded a longer interval.
func withoutSlowerPolling(steps []store.Step) []store.Step {
	return slices.CompactFunc(slices.Clone(steps), func(a, b store.Step) bool {
		return a.Stage == kiosk.StageAcknowledged && b.Stage == kiosk.StageAcknowledged
	})
}

// checkRecord checks one visit on record: the order of the stages, and that no time runs backwards.
func checkRecord(t testing.TB, v store.Visit) {
	t.Helper()
	order := []kiosk.Stage{kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageGranted, kiosk.StageShown}
	steps := withoutSlowerPolling(v.Steps)
	for i, s := range steps {
		last := i == len(steps)-1
		if !(last && i > 0 && s.Stage.Final()) && (i >= len(order) || s.Stage != order[i]) {
			t.Errorf("visit %d: stage %v in place %d", v.Number, s.Stage, i)
		}
		if i > 0 && (s.Uptime < steps[i-1].Uptime || s.Time.Before(steps[i-1].Time)) {
			t.Errorf("visit %d: stage %v is older than the one before", v.Number, s.Stage)
		}
	}
	if v.Stage == kiosk.StageEnded && v.Reason == kiosk.NoReason {
		t.Errorf("visit %d ended for no reason", v.Number)
	}
}

// noJSON are the faults after which a token response is no JSON or too long, as the page of a hotspot; polls go on.
var noJSON = []string{"garbage", "not_json", "empty", "gzip", "huge", "endless", "trailing", "deep_nesting"}

// checkRequests checks what reached the server: no two polls of one request at once, none too early, none after a final
// answer, no additional API call.
func (r *rig) checkRequests(t testing.TB) {
	t.Helper()
	final, again, dropped := map[int]string{}, map[int]int{}, map[int]bool{}
	api := map[int]int{}
	for _, a := range r.dev.Requests() {
		switch a.Kind {
		case "poll":
			// A poll without a response on a kept connection is repeated at once.
			early := a.Early && !dropped[a.Request]
			dropped[a.Request] = a.Outcome == "dropped"
			if early || a.Overlap {
				t.Errorf("poll of request %d: early %v, at once with another %v", a.Request, a.Early, a.Overlap)
			}
			was := final[a.Request]
			// If the power is cut between a final answer and its record, the next start polls once
			// more, and the server does not know the request any more. A second cut may happen
			// there again; a third one was never seen.
			lost := r.cut && a.Outcome == "invalid_grant" && again[a.Request] < 2
			if was != "" {
				again[a.Request]++
			}
			if was != "" && a.Request != 0 && !lost {
				t.Errorf("request %d was polled again after %q", a.Request, was)
			}
			whole := a.Outcome != "truncated" && a.Fault != "informational" && a.Status/100 != 3 && !slices.Contains(noJSON, a.Fault) // else it did not arrive, or was none
			if whole && a.Status != 0 && a.Status < 500 && a.Outcome != "authorization_pending" && a.Outcome != "slow_down" {
				final[a.Request] = a.Outcome
			}
		case "api":
			if api[a.Request]++; api[a.Request] > 1 {
				t.Errorf("the API was called %d times for request %d", api[a.Request], a.Request)
			}
		}
	}
}

// checkState checks the state folder: private, and without secrets.
func (r *rig) checkState(t testing.TB, also ...string) {
	t.Helper()
	r.checkPrivate(t)
	err := filepath.WalkDir(r.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		r.checkSecrets(t, filepath.Base(path), string(data), also...)
		return nil
	})
	if err != nil {
		t.Errorf("state folder: %v", err)
	}
}

func (r *rig) checkPrivate(t testing.TB) {
	t.Helper()
	_ = filepath.WalkDir(r.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // gone meanwhile
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if d.Type() == fs.ModeSocket {
			return nil // for the group kiosk, too, if it can enter the folder
		}
		if info, err := d.Info(); err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o", filepath.Base(path), info.Mode().Perm())
		}
		return nil
	})
}

// checkSecrets searches an output for secrets, also in the encodings of canary.
func (r *rig) checkSecrets(t testing.TB, where, text string, also ...string) {
	t.Helper()
	c := r.canaries(t)
	for _, s := range also {
		if len(s) >= 6 {
			if err := c.Add(s, s); err != nil {
				t.Fatal(err)
			}
		} else if strings.Contains(text, s) { // too short for disguises
			t.Errorf("%s holds %q", where, s)
		}
	}
	noFindings(t, c.Find(where, []byte(text)))
}

// recorder is a proxy in front of the server that remembers the secrets in responses.
type recorder struct {
	next http.Handler

	mu   sync.Mutex
	seen []string
}

// maxRecorded is larger than any acknowledgement or token response.
const maxRecorded = 64 << 10

func (p *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if at := strings.TrimPrefix(r.URL.Path, "/mtls"); at != "/bc-authorize" && at != "/token" {
		p.next.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRecorded))
	p.addRequestSecrets(r.Header.Get("Authorization"), body)
	if err == nil {
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
	}
	// The secrets are in the list before the response reaches the kiosk.
	p.next.ServeHTTP(&recordedResponse{ResponseWriter: w, tap: p}, r)
}

func (p *recorder) addSecret(secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, secret)
}

func (p *recorder) secrets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func (p *recorder) addResponse(body []byte) {
	var answer map[string]any
	if json.Unmarshal(body, &answer) != nil {
		return
	}
	for _, name := range []string{"auth_req_id", "access_token", "id_token", "refresh_token"} {
		if s, _ := answer[name].(string); len(s) >= 16 {
			p.addSecret(s)
		}
	}
}

type recordedResponse struct {
	http.ResponseWriter
	tap *recorder
}

func (w *recordedResponse) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recordedResponse) Write(b []byte) (int, error) {
	if len(b) < maxRecorded {
		w.tap.addResponse(b)
	}
	return w.ResponseWriter.Write(b)
}
