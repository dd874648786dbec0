package support

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/daemon"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/enrol"
	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
)

// unitNames are the units that run for longer than a moment.
var unitNames = []string{"kiosk.service", "kiosk-headless.service", "kiosk-fallback.service", "kiosk-console.service"}

// stateFiles are the files with fixed names in the state folder. Other files there do not belong to the kiosk.
var stateFiles = slices.Concat(store.Files(), enrol.Files(), []string{config.ProvisionedFile, daemon.OutageFile})

// report is a list of labelled lines.
type report struct{ strings.Builder }

func (r *report) add(label, format string, args ...any) {
	fmt.Fprintf(r, "%-9s %s\n", label, sanitize.Line(fmt.Sprintf(format, args...)))
}

// machine describes kernel, board, memory, disk, console and units, as far as files tell. It starts no program.
func machine(o doctor.Options) string {
	var r report
	root := o.Machine.Root
	for _, f := range []struct {
		label, path string
		lines       int
	}{
		{"kernel", "/proc/version", 1}, {"board", "/proc/device-tree/model", 1}, {"system", "/etc/os-release", 1},
		{"memory", "/proc/meminfo", 3}, {"uptime", "/proc/uptime", 1}, {"load", "/proc/loadavg", 1},
	} {
		for _, line := range firstLines(root+f.path, f.lines) {
			r.add(f.label, "%s", line)
		}
	}
	if free, all, err := host.FreeSpace(o.Settings.StateDir); err == nil {
		r.add("disk", "%s: %d of %d MB free", o.Settings.StateDir, free>>20, all>>20)
	}
	for _, name := range stateFiles {
		if info, err := os.Stat(filepath.Join(o.Settings.StateDir, name)); err == nil {
			r.add("state", "%s: %d bytes, mode %04o, of %s", name, info.Size(), info.Mode().Perm(), info.ModTime().UTC().Format(time.DateTime))
		}
	}
	if o.Terminal != "" {
		if t, err := font.ReadTerminal(o.Terminal); err == nil {
			r.add("terminal", "%s: %dx%d cells, %d characters", o.Terminal, t.Columns, t.Rows, len(t.Characters))
		}
	}
	r.addUnits(root)
	return r.String()
}

// addUnits lists the kiosk's unit files, without their content, which may contain secrets (Environment=), and the memory of
// the units that run.
func (r *report) addUnits(root string) {
	for _, dir := range host.UnitFolders {
		for _, pattern := range []string{"kiosk*.service", "kiosk*.timer", "kiosk*.service.d/*.conf", "*.wants/kiosk*"} {
			files, _ := filepath.Glob(filepath.Join(root, dir, pattern))
			for _, f := range files {
				r.add("unit", "%s", strings.TrimPrefix(f, root))
			}
		}
	}
	for _, name := range unitNames {
		group := filepath.Join(root, "/sys/fs/cgroup/system.slice", name)
		if _, err := os.Stat(group); err != nil {
			continue // the unit does not run, or there is no systemd
		}
		r.add("running", "%s: %s bytes of memory, peak %s; %s", name, strings.Join(firstLines(group+"/memory.current", 1), ""),
			strings.Join(firstLines(group+"/memory.peak", 1), ""), strings.Join(firstLines(group+"/memory.events", 6), ", "))
	}
}

// firstLines returns the first lines of a short file of the kernel or the system.
func firstLines(path string, limit int) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, 1024)
	n, _ := io.ReadFull(f, b) // most files are shorter
	lines := strings.Split(strings.Trim(string(b[:n]), "\x00\n"), "\n")
	return lines[:min(limit, len(lines))]
}
