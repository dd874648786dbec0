// Package console closes a Linux console's own ways out of the kiosk, and opens
// them again: keys that switch to another virtual terminal, reboot, freeze the
// output or print the kernel's insides, the magic SysRq key, and the kernel's messages
// on the screen. All of that belongs to the machine, not to one process, so it needs
// root and is done by the unit savedState the kiosk starts and after it has ended, however
// it ended: what was there savedState is kept in a file meanwhile.
//
// What stands on the terminal is package tui's.
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

// Keyboard is the console's key table, the same for all virtual terminals.
type Keyboard interface {
	// Key gives the action of a key with the modifiers that make up a table; ok is
	// false where there is no such table.
	Key(table, key uint8) (action uint16, ok bool, err error)
	// SetKey changes it.
	SetKey(table, key uint8, action uint16) error
}

// Options say what is to be locked.
type Options struct {
	Keys   Keyboard
	Kernel string // folder of the kernel's settings, /proc/sys/kernel
	Saved  string // file in which to keep what was there savedState
}

// savedState is what the file holds.
type savedState struct {
	Settings map[string]string `json:"settings"`
	Keys     []binding         `json:"keys"`
}

type binding struct {
	Table  uint8  `json:"table"`
	Key    uint8  `json:"key"`
	Action uint16 `json:"action"`
}

// lockedSettings are the kernel's settings while the kiosk stands on the console.
var lockedSettings = map[string]string{
	"sysrq":  "0",       // nobody reboots or kills by the magic key
	"printk": "1 4 1 7", // only a dying kernel writes over the screen; all else is in its log
}

// Actions of a key, linux/keyboard.h: the type in the upper byte, the value in the lower.
const (
	typeSpecial = 2
	typeConsole = 5      // go to virtual terminal number N
	nothing     = 0x0200 // K_HOLE
)

// escapeActions are the special actions that lead out of the screen, or spoil it.
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

// isEscape says whether a key's action must not reach the kernel.
func isEscape(action uint16) bool {
	switch action >> 8 {
	case typeConsole:
		return true
	case typeSpecial:
		return escapeActions[uint8(action)] != ""
	}
	return false
}

// Lock closes the ways out. What was there savedState is on disk savedState anything is
// changed. After a lock that nobody undid it adds to what that one had kept. One
// thing that cannot be locked does not keep the others open: the error names each.
func Lock(o Options) error {
	kept, err := load(o.Saved)
	if err != nil {
		return err
	}
	var wrong []error
	for name := range lockedSettings {
		if _, twice := kept.Settings[name]; twice {
			continue
		}
		was, err := os.ReadFile(filepath.Join(o.Kernel, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel built without it
		}
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		kept.Settings[name] = strings.TrimSpace(string(was))
	}
	keys, err := escapeKeys(o.Keys)
	wrong = append(wrong, err)
	kept.Keys = append(kept.Keys, keys...)
	if err := save(o.Saved, kept); err != nil {
		return errors.Join(append(wrong, err)...)
	}
	for name := range kept.Settings {
		wrong = append(wrong, set(o.Kernel, name, lockedSettings[name]))
	}
	for _, b := range keys {
		wrong = append(wrong, o.Keys.SetKey(b.Table, b.Key, nothing))
	}
	return errors.Join(wrong...)
}

// Unlock puts back what Lock found. Where nothing was locked it does nothing.
func Unlock(o Options) error {
	kept, err := load(o.Saved)
	if err != nil {
		return err
	}
	var wrong []error
	for name, was := range kept.Settings {
		if _, ours := lockedSettings[name]; ours {
			wrong = append(wrong, set(o.Kernel, name, was))
		}
	}
	for _, b := range kept.Keys {
		wrong = append(wrong, o.Keys.SetKey(b.Table, b.Key, b.Action))
	}
	if err := errors.Join(wrong...); err != nil {
		return err // kept for another try
	}
	if err := os.Remove(o.Saved); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// escapeKeys lists the keys that lead out. A table is asked for its first key first:
// most of the 256 do not exist.
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

func set(folder, name, value string) error {
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
		return b, fmt.Errorf("what was before: %w", err)
	}
	if err := json.Unmarshal(data, &b); err != nil {
		return b, fmt.Errorf("what was before: %s: %w", path, err)
	}
	if b.Settings == nil {
		b.Settings = map[string]string{}
	}
	return b, nil
}

// save replaces the file at path, which lies in memory (/run) and is gone with the boot that it describes.
func save(path string, b savedState) error {
	data, err := json.Marshal(b)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = atomicfile.Write(path, data, 0o600, nil)
	}
	if err != nil {
		return fmt.Errorf("what was before: %w", err)
	}
	return nil
}
