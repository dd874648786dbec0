//go:build bench

package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/daemon"
	"github.com/ciba-kiosk/ciba-kiosk/internal/headless"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestBenchVisits is the kiosk's half of scripts/bench. It runs BENCH_VISITS visits for BENCH_USER at BENCH_ISSUER, BENCH_APART
// seconds apart, as kiosk run --headless does, and writes one line of JSON to BENCH_OUT. One more visit before them warms up.
// With BENCH_JOURNAL visits are recorded on disk, sealed, and memory is scrubbed after them; other clients, with which the
// kiosk is compared, do neither. With BENCH_PING the server sends pings.
func TestBenchVisits(t *testing.T) {
	visits, err := strconv.Atoi(os.Getenv("BENCH_VISITS"))
	if err != nil {
		t.Fatal("BENCH_VISITS is not a number; run make bench")
	}
	apart, err := strconv.Atoi(os.Getenv("BENCH_APART"))
	if err != nil {
		t.Fatal("BENCH_APART is not a number of seconds")
	}
	host.UseOneProcessor() // as main does
	var log bytes.Buffer
	settings := []string{
		"KIOSK_ISSUER", os.Getenv("BENCH_ISSUER"), "KIOSK_CA_FILE", os.Getenv("BENCH_CA"), "KIOSK_CLIENT_ID", "kiosk-jwt",
		"KIOSK_CLIENT_KEY_FILE", os.Getenv("BENCH_KEY"), "KIOSK_GUARD_PERSON", "1000/10m", "KIOSK_GUARD_DEVICE", "1000/10m",
	}
	if os.Getenv("BENCH_PING") != "" {
		settings = append(settings, pingSettings(t)...)
	}
	a := openWithLevel(t, slog.LevelWarn, &log, settings...) // the client compared with logs nothing
	result := struct {
		CPU  float64   `json:"cpu_ms"` // per visit, without the first
		All  float64   `json:"all_ms"` // of the whole process, per visit
		RSS  int       `json:"rss_kib"`
		Done []float64 `json:"done_ms"` // when each result was written, Unix time
	}{}
	run, stop := context.WithCancel(t.Context())
	defer stop()
	at := &benchDisplay{free: make(chan struct{}, 1)}
	r := a.runner()
	r.Display = at
	r.Rules.NoScreen = true
	if os.Getenv("BENCH_JOURNAL") != "" {
		r.Observers = append(r.Observers, daemon.NewScrubber())
	} else {
		r.Journal, r.Guard, r.Revocations = noRecord{}, noRecord{}, nil
	}
	events, ended := make(chan kiosk.Event), make(chan struct{})
	go func() { defer close(ended); r.Run(run, events) }()
	<-at.free
	var before time.Duration
	for i := range visits + 1 {
		if i == 1 {
			before = cpuTime(t)
			result.Done = nil
		}
		time.Sleep(time.Duration(apart) * time.Second)
		done, over := &resultTime{}, make(chan struct{})
		l := a.texts().Lines(true, done, func() { close(over) })
		at.attach(l)
		events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(os.Getenv("BENCH_USER")), Seen: kiosk.Ready}
		<-over
		if l.Reason != kiosk.NoReason {
			t.Fatalf("%v\n%s", l.Reason, log.String())
		}
		select {
		case <-at.free: // the previous visit was still revoking tokens
		default:
		}
		events <- kiosk.Press{Key: kiosk.EscapeKey, Seen: kiosk.Shown}
		<-at.free
		result.Done = append(result.Done, float64(done.at.UnixMicro())/1000)
	}
	stop()
	<-ended // all tokens are revoked
	result.CPU = float64((cpuTime(t) - before).Microseconds()) / 1000 / float64(visits)
	result.All = float64(cpuTime(t).Microseconds()) / 1000 / float64(visits+1)
	result.RSS = residentKiB(t)
	line, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv("BENCH_OUT"), append(line, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// benchDisplay passes states on to the lines of the visit in progress, and tells when the next one can begin.
type benchDisplay struct {
	free chan struct{}

	mu    sync.Mutex // the runner calls Show, the test attach
	lines *headless.Lines
}

func (d *benchDisplay) attach(l *headless.Lines) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = l
}

// Show implements kiosk.Display.
func (d *benchDisplay) Show(now time.Duration, s kiosk.State, p kiosk.Private) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lines != nil {
		d.lines.Show(now, s, p)
	}
	if s.Phase == kiosk.Ready {
		select {
		case d.free <- struct{}{}:
		default:
		}
	}
}

// pingSettings returns the settings of ping mode at a free address, and registers that address at the development server.
func pingSettings(t *testing.T) []string {
	key, chain := testkit.Certificate(t, time.Hour)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	ca, err := os.ReadFile(os.Getenv("BENCH_CA"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	server := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	where := os.Getenv("BENCH_ISSUER") + "/dev/ping?client=kiosk-jwt&endpoint=" + url.QueryEscape("https://"+address+"/ping")
	answer, err := server.Post(where, "application/x-pem-file", bytes.NewReader(chain))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("registering the ping address: status %d", answer.StatusCode)
	}
	return []string{
		"KIOSK_DELIVERY", "ping", "KIOSK_PING_LISTEN", address, "KIOSK_PING_CERT_FILE", testkit.SecretFile(t, string(chain)),
		"KIOSK_PING_KEY_FILE", testkit.SecretFile(t, string(key)),
	}
}

// noRecord is a record that keeps nothing, and a guard that permits everything.
type noRecord struct{}

func (noRecord) Append(kiosk.Record) error                        { return nil }
func (noRecord) Unfinished() ([]kiosk.Record, error)              { return nil, nil }
func (noRecord) Allow(kiosk.Secret, bool) (kiosk.Throttle, error) { return kiosk.Throttle{}, nil }

// resultTime notes when the result was written.
type resultTime struct{ at time.Time }

func (m *resultTime) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(`"shown"`)) {
		m.at = time.Now()
	}
	return len(b), nil
}

// cpuTime returns the processor time of this process, in user and kernel mode.
func cpuTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// residentKiB returns the resident memory of this process, in KiB.
func residentKiB(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	n, err := strconv.Atoi(strings.Fields(rest + " x")[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
