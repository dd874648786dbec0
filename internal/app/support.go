package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/enrol"
	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Support writes a bundle (tar, gzip) for whoever helps from afar: which program, which
// settings, what the doctor finds, how the kiosk that runs is, how visits ended, which
// machine. It is made of what is named here and of nothing else: no file of the device is
// copied, so that what somebody has put into one cannot get in. version is any facts
// about the program.
func Support(ctx context.Context, to io.Writer, version any, o doctor.Options) error {
	now := host.NewClock().Wall()
	packed := gzip.NewWriter(to)
	archive := tar.NewWriter(packed)
	var failed error
	add := func(name string, data []byte) {
		if failed != nil {
			return
		}
		failed = archive.WriteHeader(&tar.Header{Name: "kiosk-support/" + name, Mode: 0o600, Size: int64(len(data)), ModTime: now.Truncate(time.Second), Format: tar.FormatUSTAR})
		if failed == nil {
			_, failed = archive.Write(data)
		}
	}
	addJSON := func(name string, v any) {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil && failed == nil {
			failed = err
		}
		add(name, b.Bytes())
	}
	addJSON("version.json", version)
	addJSON("settings.json", settled(o))
	addJSON("doctor.json", Doctor(ctx, o, nil))
	if o.Status != nil {
		if s, err := o.Status(ctx); err == nil {
			addJSON("status.json", told(s))
		}
	}
	addJSON("visits.json", endings(o.Settings))
	add("machine.txt", []byte(machine(o)))
	if err := errors.Join(failed, archive.Close(), packed.Close()); err != nil {
		return fmt.Errorf("support: %w", err)
	}
	return nil
}

// settled are the settings as config show has them, without the values that are wrong:
// what stands in the wrong place is often a secret.
func settled(o doctor.Options) []config.Row {
	rows := o.Settings.Rows()
	var all config.Problems
	errors.As(o.LoadErr, &all)
	for i := range rows {
		for _, p := range all {
			if p.Setting == rows[i].Name && rows[i].Value != "" {
				rows[i].Value = "[wrong]"
			}
		}
	}
	return rows
}

// told is a status without what people wrote.
func told(s status.Status) status.Status {
	if s.Service.Text != "" {
		s.Service.Text = "[a text]"
	}
	if s.SetUp != nil {
		on := *s.SetUp
		if s.SetUp = &on; on.Code != "" { // it is good for a while yet
			on.Code, on.Complete = "[a code]", "[with a code]"
		}
	}
	if s.Settings != "" {
		s.Settings = "[refused]"
	}
	return s
}

// visitFigures are how visits on record ended.
type visitFigures struct {
	Number int            `json:"number"`
	From   time.Time      `json:"from,omitzero"`
	To     time.Time      `json:"to,omitzero"`
	Stages map[string]int `json:"stages,omitempty"`
	Ended  map[string]int `json:"ended,omitempty"` // by reason
	Notes  int            `json:"notes,omitempty"` // about the record itself
	Chain  *chain         `json:"chain,omitempty"` // whether the record was tampered with
	Error  string         `json:"error,omitempty"`
}

// chain is what kiosk journal verify finds. Who keeps the head can tell from a later one
// whether the file was put back as it once was.
type chain struct {
	Whole bool `json:"whole"`
	store.Report
}

func endings(s *config.Settings) visitFigures {
	f := visitFigures{Stages: map[string]int{}, Ended: map[string]int{}}
	st, err := OpenStore(s, "kiosk support", true)
	if err != nil {
		f.Error = sanitize.Line(err.Error())
		return f
	}
	defer st.Close()
	r, err := st.Verify()
	if err != nil {
		f.Error = sanitize.Line(err.Error())
		return f
	}
	for i := range r.Problems {
		r.Problems[i] = sanitize.Line(r.Problems[i])
	}
	f.Chain = &chain{r.Whole(), r}
	for v, err := range st.Visits() {
		switch {
		case err != nil:
			f.Error = sanitize.Line(err.Error())
			return f
		case v.Note != "":
			f.Notes++
			continue
		}
		f.Number++
		f.Stages[v.Stage.String()]++
		if v.Reason != kiosk.NoReason {
			f.Ended[v.Reason.String()]++
		}
		if f.From.IsZero() || v.Began.Before(f.From) {
			f.From = v.Began
		}
		if v.Last.After(f.To) {
			f.To = v.Last
		}
	}
	return f
}

// machine is the kernel, the board, its memory and disk, the console, the units, and
// which of them run, as far as files say so: no program is started.
func machine(o doctor.Options) string {
	var b strings.Builder
	say := func(what, text string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", what, sanitize.Line(fmt.Sprintf(text, args...)))
	}
	for _, f := range []struct {
		what, path string
		lines      int
	}{
		{"kernel", "/proc/version", 1}, {"board", "/proc/device-tree/model", 1}, {"system", "/etc/os-release", 1},
		{"memory", "/proc/meminfo", 3}, {"uptime", "/proc/uptime", 1}, {"load", "/proc/loadavg", 1},
	} {
		for _, line := range firstLines(o.Machine.Root+f.path, f.lines) {
			say(f.what, "%s", line)
		}
	}
	if free, all, err := health.Room(o.Settings.StateDir); err == nil {
		say("disk", "%s: %d of %d MB are free", o.Settings.StateDir, free>>20, all>>20)
	}
	for _, name := range stateFiles { // by name: what else lies there is not ours to tell
		if info, err := os.Stat(filepath.Join(o.Settings.StateDir, name)); err == nil {
			say("state", "%s: %d bytes, mode %04o, of %s", name, info.Size(), info.Mode().Perm(), info.ModTime().UTC().Format(time.DateTime))
		}
	}
	if t, err := font.ReadTerminal(o.Terminal); o.Terminal != "" && err == nil {
		say("terminal", "%s: %dx%d cells, %d characters", o.Terminal, t.Columns, t.Rows, len(t.Characters))
	}
	for _, dir := range host.UnitFolders {
		for _, pattern := range []string{"kiosk*.service", "kiosk*.timer", "kiosk*.service.d/*.conf", "*.wants/kiosk*"} {
			files, _ := filepath.Glob(filepath.Join(o.Machine.Root, dir, pattern))
			for _, f := range files { // what is in them is not told: an Environment= can hold anything
				say("unit", "%s", strings.TrimPrefix(f, o.Machine.Root))
			}
		}
	}
	for _, name := range unitNames {
		group := filepath.Join(o.Machine.Root, "/sys/fs/cgroup/system.slice", name)
		if _, err := os.Stat(group); err != nil {
			continue // it does not run, or there is no systemd
		}
		say("running", "%s: %s bytes of memory, %s at the most; %s", name, strings.Join(firstLines(group+"/memory.current", 1), ""),
			strings.Join(firstLines(group+"/memory.peak", 1), ""), strings.Join(firstLines(group+"/memory.events", 6), ", "))
	}
	return b.String()
}

// unitNames are the units that run for longer than a moment.
var unitNames = []string{"kiosk.service", "kiosk-headless.service", "kiosk-fallback.service"}

// stateFiles are those of the README's table that have fixed names.
var stateFiles = slices.Concat(store.Files(), enrol.Files(), []string{config.ProvisionedFile, orderFile})

// firstLines are those of a short file of the kernel's or the system's.
func firstLines(path string, most int) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, 1024)
	n, _ := io.ReadFull(f, b) // a shorter one is what is expected
	lines := strings.Split(strings.Trim(string(b[:n]), "\x00\n"), "\n")
	return lines[:min(most, len(lines))]
}
