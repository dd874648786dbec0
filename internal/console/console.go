// Package console locks and unlocks a Linux console: the keys that switch to another virtual terminal, reboot, freeze
// the output or print kernel state, the magic SysRq key, and kernel messages on the screen. These settings belong to
// the machine and need root, so the unit runs it before the kiosk starts and after it ends. The previous settings are
// kept in a file meanwhile, with the palette, which the kiosk sets itself: so it is restored even if the kiosk is killed.
package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/atomicfile"
)

// Keyboard is the console's key table, shared by all virtual terminals.
type Keyboard interface {
	// Key returns the action of a key in the table for some modifiers; ok is false if the table does not exist.
	Key(table, key uint8) (action uint16, ok bool, err error)
	// SetKey changes the action.
	SetKey(table, key uint8, action uint16) error
}

// Options configure Lock and Unlock.
type Options struct {
	Keys    Keyboard
	Colours Colours // nil if there is no palette
	Kernel  string  // folder of the kernel's settings, /proc/sys/kernel
	Saved   string  // file for the previous settings
}

// savedState is the content of the file.
type savedState struct {
	Settings map[string]string `json:"settings"`
	Keys     []binding         `json:"keys"`
	Palette  string            `json:"palette,omitempty"`
}

type binding struct {
	Table  uint8  `json:"table"`
	Key    uint8  `json:"key"`
	Action uint16 `json:"action"`
}

// lockedSettings are the kernel's settings while the console is locked.
var lockedSettings = map[string]string{
	"sysrq":  "0",       // no magic key
	"printk": "1 4 1 7", // only a panic is printed on the screen
}

// Actions of a key (linux/keyboard.h): the type in the upper byte, the value in the lower.
const (
	typeSpecial = 2
	typeConsole = 5      // switch to virtual terminal N
	nothing     = 0x0200 // K_HOLE
)

// escapeActions are the special actions that leave or disturb the screen.
var escapeActions = map[uint8]string{
	2:  "show registers",
	3:  "show memory",
	4:  "show state",
	6:  "last console",
	9:  "hold the output",
	10: "scroll forward",
	11: "scroll back",
	12: "reboot",
	15: "secure attention",
	16: "console before",
	17: "console after",
	18: "spawn a console",
}

// isEscape reports whether an action must be locked.
func isEscape(action uint16) bool {
	switch action >> 8 {
	case typeConsole:
		return true
	case typeSpecial:
		return escapeActions[uint8(action)] != ""
	}
	return false
}

// Lock locks the console. The previous settings are on disk before anything changes. If an earlier lock was not undone,
// its saved settings are kept and completed. A setting that cannot be changed does not stop the others; the error names
// each.
func Lock(o Options) error {
	kept, err := load(o.Saved)
	if err != nil {
		return err
	}
	var errs []error
	for name := range lockedSettings {
		if _, saved := kept.Settings[name]; saved {
			continue
		}
		was, err := os.ReadFile(filepath.Join(o.Kernel, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without it
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		kept.Settings[name] = strings.TrimSpace(string(was))
	}
	keys, err := escapeKeys(o.Keys)
	errs = append(errs, err)
	kept.Keys = append(kept.Keys, keys...)
	if kept.Palette == "" && o.Colours != nil {
		if p, err := o.Colours.Palette(); err == nil { // a serial console has none
			kept.Palette = p.String()
		}
	}
	if err := save(o.Saved, kept); err != nil {
		return errors.Join(append(errs, err)...)
	}
	for name := range kept.Settings {
		errs = append(errs, writeSetting(o.Kernel, name, lockedSettings[name]))
	}
	for _, b := range keys {
		errs = append(errs, o.Keys.SetKey(b.Table, b.Key, nothing))
	}
	return errors.Join(errs...)
}

// Unlock restores what Lock saved. It does nothing if nothing is locked.
func Unlock(o Options) error {
	kept, err := load(o.Saved)
	if err != nil {
		return err
	}
	var errs []error
	for name, was := range kept.Settings {
		if _, ours := lockedSettings[name]; ours {
			errs = append(errs, writeSetting(o.Kernel, name, was))
		}
	}
	for _, b := range kept.Keys {
		errs = append(errs, o.Keys.SetKey(b.Table, b.Key, b.Action))
	}
	if kept.Palette != "" && o.Colours != nil {
		p, err := parsePalette(kept.Palette)
		if err == nil {
			err = o.Colours.SetPalette(p)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err // the file stays for another attempt
	}
	if err := os.Remove(o.Saved); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// escapeKeys returns the keys with escape actions. It first asks each table for its first key: most of the 256 tables
// do not exist.
func escapeKeys(k Keyboard) ([]binding, error) {
	var out []binding
	for table := range 256 {
		for key := range 256 {
			action, ok, err := k.Key(uint8(table), uint8(key))
			if err != nil {
				return out, fmt.Errorf("keys: %w", err)
			}
			if !ok {
				break
			}
			if isEscape(action) {
				out = append(out, binding{uint8(table), uint8(key), action})
			}
		}
	}
	return out, nil
}

func writeSetting(folder, name, value string) error {
	if err := os.WriteFile(filepath.Join(folder, name), []byte(value+"\n"), 0); err != nil {
		return fmt.Errorf("kernel setting: %w", err)
	}
	return nil
}

func load(path string) (savedState, error) {
	b := savedState{Settings: map[string]string{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return b, fmt.Errorf("saved settings: %w", err)
	}
	if err := json.Unmarshal(data, &b); err != nil {
		return b, fmt.Errorf("saved settings: %s: %w", path, err)
	}
	if b.Settings == nil {
		b.Settings = map[string]string{}
	}
	return b, nil
}

// save replaces the file at path, which is in memory (/run) and vanishes with the boot that it describes.
func save(path string, b savedState) error {
	data, err := json.Marshal(b)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = atomicfile.Write(path, data, 0o600, nil)
	}
	if err != nil {
		return fmt.Errorf("saved settings: %w", err)
	}
	return nil
}
