package host

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
)

// UnitFolders are the folders in which systemd looks for units, in order of precedence.
var UnitFolders = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// Units examines how systemd starts the kiosk.
type Units struct {
	Root string // prefix of all paths; empty except in tests
	// Show replaces ReadUnitState in tests; nil otherwise.
	Show func(ctx context.Context, unit string) (UnitState, error)
}

// isBooted reports whether systemd runs this machine (sd_booted(3)).
func (u Units) isBooted() bool {
	_, err := os.Stat(u.Root + "/run/systemd/system")
	return err == nil
}

// CheckEnabled examines whether the kiosk starts with the machine.
func (u Units) CheckEnabled() check.Outcome {
	if !u.isBooted() {
		return check.Skip("systemd is not running here")
	}
	unit, ok := u.kiosk()
	switch {
	case !ok:
		return check.Skip("the units are not installed")
	case !unit.enabled:
		return check.Warn(unit.name+" is not enabled: the kiosk does not start after a reboot", "sudo systemctl enable --now "+unit.name)
	}
	return check.Pass("%s is enabled", unit.name)
}

// CheckWatchdog examines whether systemd restarts a kiosk that hangs.
func (u Units) CheckWatchdog() check.Outcome {
	unit, ok := u.kiosk()
	if !ok {
		return check.Skip("the units are not installed")
	}
	limit := ""
	for line := range strings.Lines(unit.text) { // the last one is in force
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "WatchdogSec="); ok {
			limit = v
		}
	}
	if n, err := strconv.Atoi(limit); limit == "" || err == nil && n == 0 {
		return check.Warn(unit.name+" has no watchdog: systemd does not restart a kiosk that hangs", "remove WatchdogSec= from the unit's drop-ins: systemctl edit "+unit.name)
	}
	return check.Pass("%s: WatchdogSec=%s", unit.name, limit)
}

type unit struct {
	name    string
	text    string // of the unit's file and its drop-ins
	enabled bool
}

// kiosk returns the unit that starts the kiosk: the enabled one, otherwise that with a screen.
func (u Units) kiosk() (found unit, ok bool) {
	for _, name := range []string{"kiosk-headless.service", "kiosk.service"} {
		text, ok := u.read(name)
		if !ok {
			continue
		}
		if links, _ := filepath.Glob(u.Root + "/etc/systemd/system/*.wants/" + name); len(links) > 0 {
			return unit{name, text, true}, true
		}
	}
	text, ok := u.read("kiosk.service")
	return unit{name: "kiosk.service", text: text}, ok
}

// read returns the text of a unit's file, followed by that of its drop-ins.
func (u Units) read(name string) (text string, ok bool) {
	for _, dir := range UnitFolders {
		if b, err := os.ReadFile(filepath.Join(u.Root, dir, name)); err == nil && !ok {
			text, ok = string(b), true
		}
	}
	for _, dir := range UnitFolders {
		dropIns, _ := filepath.Glob(filepath.Join(u.Root, dir, name+".d", "*.conf"))
		for _, d := range dropIns {
			b, _ := os.ReadFile(d)
			text += "\n" + string(b)
		}
	}
	return text, ok
}
