//go:build linux

package console

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ioctl"
)

// Requests of linux/kd.h and linux/vt.h, the same on every processor.
const (
	kdGetKey   = 0x4B46 // KDGKBENT
	kdSetKey   = 0x4B47 // KDSKBENT
	vtActivate = 0x5606 // VT_ACTIVATE
	getPalette = 0x4B70 // GIO_CMAP
	setPalette = 0x4B71 // PIO_CMAP

	noSuchTable = typeSpecial<<8 | 127 // K_NOSUCHMAP, the answer for the first key of a missing table
)

// entry is struct kbentry.
type entry struct {
	table, key uint8
	action     uint16
}

// Terminal is a virtual terminal of this machine.
type Terminal struct{ f *os.File }

// OpenTerminal opens a virtual terminal, such as /dev/tty1, without making it the controlling terminal.
func OpenTerminal(path string) (*Terminal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return &Terminal{f}, nil
}

// Close closes the terminal.
func (t *Terminal) Close() error { return t.f.Close() }

// Activate switches to virtual terminal n.
func (t *Terminal) Activate(n int) error {
	if err := unix.IoctlSetInt(int(t.f.Fd()), vtActivate, n); err != nil {
		return fmt.Errorf("switch terminal: %w", err)
	}
	return nil
}

// Key implements Keyboard.
func (t *Terminal) Key(table, key uint8) (action uint16, ok bool, err error) {
	e := entry{table: table, key: key}
	if err := t.ioctl(kdGetKey, &e); err != nil {
		return 0, false, err
	}
	return e.action, e.action != noSuchTable, nil
}

// SetKey implements Keyboard.
func (t *Terminal) SetKey(table, key uint8, action uint16) error {
	return t.ioctl(kdSetKey, &entry{table, key, action})
}

func (t *Terminal) ioctl(what uintptr, e *entry) error {
	if err := ioctl.Do(t.f, what, unsafe.Pointer(e)); err != nil {
		return fmt.Errorf("key table: %w", err)
	}
	return nil
}

// Palette returns the palette of the machine's virtual terminals. It fails on any other device.
func (t *Terminal) Palette() (Palette, error) {
	var raw [48]byte
	if err := ioctl.Do(t.f, getPalette, unsafe.Pointer(&raw)); err != nil {
		return Palette{}, fmt.Errorf("read palette: %w", err)
	}
	return unpackPalette(raw), nil
}

// SetPalette sets the palette of the machine's virtual terminals. It needs one of them as the controlling terminal, or root.
func (t *Terminal) SetPalette(p Palette) error {
	raw := p.packed()
	if err := ioctl.Do(t.f, setPalette, unsafe.Pointer(&raw)); err != nil {
		return fmt.Errorf("set palette: %w", err)
	}
	return nil
}
