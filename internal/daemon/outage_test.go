package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestOutageEndsByItself(t *testing.T) {
	d := newDaemon(t, nil)
	closed := make(chan bool, 10)
	d.send = func(e kiosk.Event) { closed <- e.(kiosk.ClosureChanged).On }
	file := filepath.Join(d.Settings.StateDir, OutageFile)
	if err := d.setOutage(control.Request{Off: true, For: "2h", Text: "Back\x1b[2J\n soon"}); err != nil {
		t.Fatal(err)
	}
	if d.OutageText() != "Back[2J soon" || d.closures()&kiosk.Maintenance == 0 {
		t.Errorf("text %q, closures %b", d.OutageText(), d.closures())
	}
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), `"off":true`) {
		t.Errorf("file: %s, %v", b, err)
	}
	<-d.outage.changed
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); d.watchOutage(ctx) }()
	if !<-closed {
		t.Error("the outage does not close the kiosk")
	}
	if err := d.setOutage(control.Request{Off: true, For: "50ms"}); err != nil {
		t.Fatal(err)
	}
	for <-closed { // until it opens
	}
	stop()
	<-ended
	if d.OutageText() != "" || d.closures()&kiosk.Maintenance != 0 {
		t.Errorf("afterwards: text %q, closures %b", d.OutageText(), d.closures())
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the file of an outage that has ended is still there")
	}
	for _, duration := range []string{"-1h", "0s", "169h", "soon"} {
		if d.setOutage(control.Request{Off: true, For: duration}) == nil {
			t.Errorf("an outage for %s is accepted", duration)
		}
	}
}

// TestOutageSurvivesRestart: but a clock that was set back must not prolong it beyond the limit.
func TestOutageSurvivesRestart(t *testing.T) {
	o := newOutage(t.TempDir())
	wall := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, file string
		left       time.Duration
		fails      bool
	}{
		{"none", "", 0, false},
		{"two hours left", `{"off":true,"until":"2030-01-01T14:00:00Z"}`, 2 * time.Hour, false},
		{"ended", `{"off":true,"until":"2030-01-01T11:00:00Z"}`, 0, false},
		{"clock set back", `{"off":true,"until":"2040-01-01T14:00:00Z"}`, maxOutage, false},
		{"without an end", `{"off":true}`, 0, false},
		{"damaged", `{"off`, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o.set(o.order, 0)
			if c.file != "" {
				if err := os.WriteFile(o.path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			const uptime = time.Minute
			if err := o.load(wall, uptime); (err != nil) != c.fails {
				t.Errorf("load: %v", err)
			}
			if _, left := o.now(uptime); left != c.left {
				t.Errorf("%v left, want %v", left, c.left)
			}
		})
	}
}
