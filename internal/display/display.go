// Package display is the customer's front end on a terminal: it shows the visits' screens, copies them to the accessible
// mirror, rings the bell, and turns keys, taps and scans into events. What a screen contains is decided by screen.View, and
// how it is drawn by package tui.
package display

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/evdev"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/mirror"
	"github.com/ciba-kiosk/ciba-kiosk/internal/plain"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// syncPeriod is how often the whole screen is redrawn, so that messages of the kernel or systemd on the console disappear.
const syncPeriod = 10 * time.Second

// touchTurns are the orientations of a touch panel, by KIOSK_TOUCH.
var touchTurns = map[string]evdev.Rotation{"90": 1, "180": 2, "270": 3}

// TerminalOptions returns how the settings want the terminal at path; an empty path is the controlling terminal.
func TerminalOptions(s *config.Settings, path string) tui.Options {
	o := tui.Options{Theme: s.Theme, Device: path, SyncEvery: syncPeriod, Font: s.Font, BlankAfter: s.BlankAfter}
	if s.Touch != "off" {
		o.Pointers = evdev.Dir
		o.Rotation = touchTurns[s.Touch]
	}
	return o
}

// ClosedInfo is what the daemon knows about being out of service.
type ClosedInfo interface {
	OutageText() string              // the operator's text
	StartingCause() screen.MessageID // why the device is not open yet
	Opens() time.Time                // when the opening hours begin
}

// Options describe a front end.
type Options struct {
	Terminal   *tui.Screen
	Catalogs   []screen.Catalog // by language
	Device     screen.Device
	ClosedInfo ClosedInfo
	Mirror     *mirror.Mirror // nil without one
	Sound      bool
	Desk       bool // Ctrl-C ends the program
}

// Frontend is the front end of a kiosk with a screen.
type Frontend struct {
	Options

	shown   kiosk.State // last, and when; used by Show only
	shownAt time.Duration

	mu     sync.Mutex // Show is called by the runner, Run by the terminal's goroutine
	phases map[uint64]kiosk.Phase
}

// keptPhases is the number of screens whose phase is remembered. A key typed before all of them was typed at Ready.
const keptPhases = 16

// New returns a front end.
func New(o Options) *Frontend { return &Frontend{Options: o, phases: map[uint64]kiosk.Phase{}} }

// Show implements kiosk.Display.
func (f *Frontend) Show(now time.Duration, s kiosk.State, p kiosk.Private) {
	device := f.Device
	if s.Phase == kiosk.Closed || s.Phase == kiosk.Menu {
		device.OutageText, device.StartingCause, device.Opens = f.ClosedInfo.OutageText(), f.ClosedInfo.StartingCause(), f.ClosedInfo.Opens()
		device.Address = host.LocalAddress() // for staff on the telephone; it can change while out of service
	}
	sc := screen.View(s, now, f.Catalogs[s.Language], p, device)
	f.mu.Lock()
	defer f.mu.Unlock()
	generation := f.Terminal.Show(sc)
	if f.Mirror != nil {
		f.Mirror.Show(now, plain.Say(sc))
	}
	if f.Sound {
		f.Terminal.Ring(int(screen.Sound(f.shown, f.shownAt, s, now)))
	}
	f.shown, f.shownAt = s, now
	f.phases[generation] = s.Phase
	delete(f.phases, generation-keptPhases)
}

// phase returns the phase that the screen of a generation showed.
func (f *Frontend) phase(generation uint64) kiosk.Phase {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p, ok := f.phases[generation]; ok {
		return p
	}
	return kiosk.Ready
}

// Alive returns after the terminal has accepted all output.
func (f *Frontend) Alive(ctx context.Context) error { return f.Terminal.Painted(ctx) }

// Go runs do in a goroutine whose panic leaves the terminal usable.
func (f *Frontend) Go(do func()) { f.Terminal.Go(do) }

// Run passes input on until ctx ends or the terminal is closed. A lost terminal is an error.
func (f *Frontend) Run(ctx context.Context, send func(kiosk.Event)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-f.Terminal.Events():
			if !ok {
				return nil
			}
			switch e := e.(type) {
			case tui.Press:
				if e.Key == tui.Interrupt && f.Desk {
					return nil
				}
				send(kiosk.Press{Key: keyName(e.Key), Rune: e.Rune, Seen: f.phase(e.Generation)})
			case tui.Tap:
				send(kiosk.Press{Key: e.Key, Rune: e.Rune, Seen: f.phase(e.Generation), Touch: true})
			case tui.Scan:
				send(kiosk.IdentifierEntered{Identifier: e.Text, Seen: f.phase(e.Generation)})
			case tui.Lost:
				return Lost(e.Err)
			}
		}
	}
}

// Lost returns the error of a lost terminal.
func Lost(err error) error {
	return kiosk.Fail(kiosk.Internal, "screen", fmt.Errorf("terminal: %w", err))
}

var keyNames = map[tui.Key]kiosk.KeyName{
	tui.Rune: kiosk.RuneKey, tui.Enter: kiosk.EnterKey, tui.Escape: kiosk.EscapeKey, tui.Backspace: kiosk.BackspaceKey,
	tui.Tab: kiosk.TabKey, tui.Up: kiosk.UpKey, tui.Down: kiosk.DownKey, tui.Left: kiosk.LeftKey, tui.Right: kiosk.RightKey,
	tui.PageUp: kiosk.PageUpKey, tui.PageDown: kiosk.PageDownKey, tui.F1: kiosk.HelpKey, tui.Technician: kiosk.TechnicianKey,
}

func keyName(k tui.Key) kiosk.KeyName {
	if n, ok := keyNames[k]; ok {
		return n
	}
	return kiosk.OtherKey
}
