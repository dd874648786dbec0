//go:build linux

package console

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ioctl"
)

// Requests of linux/kd.h and linux/vt.h, the same on every processor.
const (
	kdGetKey   = 0x4B46 // KDGKBENT
	kdSetKey   = 0x4B47 // KDSKBENT
	vtActivate = 0x5606 // VT_ACTIVATE
	ttyHangUp  = 0x5437 // TIOCVHANGUP of asm-generic/ioctls.h
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

// Take opens a terminal for a program that begins on it: with hangUp, all programs that have it open lose it, whatever they
// are. It is reset and cleared. It needs root.
func Take(path string, hangUp bool) (*Terminal, error) {
	signal.Ignore(syscall.SIGHUP) // this process may have it open, too
	t, err := OpenTerminal(path)
	if err != nil {
		return nil, err
	}
	if hangUp {
		if err := unix.IoctlSetInt(int(t.f.Fd()), ttyHangUp, 0); err != nil {
			_ = t.Close()
			return nil, fmt.Errorf("hang up terminal: %w", err)
		}
		_ = t.Close() // it is dead
		if t, err = OpenTerminal(path); err != nil {
			return nil, err
		}
	}
	if err := t.reset(); err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

// resetSequence resets a terminal and clears the screen and what has scrolled off it: \x1bc is RIS, \x1b[3J clears both (console_codes(4)).
const resetSequence = "\x1bc\x1b[3J"

// reset gives a terminal the modes of a login prompt: a program that was killed leaves its own.
func (t *Terminal) reset() error {
	mode, err := unix.IoctlGetTermios(int(t.f.Fd()), unix.TCGETS)
	if err != nil {
		return fmt.Errorf("reset terminal: %w", err)
	}
	mode.Iflag = unix.BRKINT | unix.ICRNL | unix.IXON | unix.IUTF8
	mode.Oflag = unix.OPOST | unix.ONLCR
	mode.Lflag = unix.ISIG | unix.ICANON | unix.IEXTEN | unix.ECHO | unix.ECHOE | unix.ECHOK | unix.ECHOCTL | unix.ECHOKE
	if err := unix.IoctlSetTermios(int(t.f.Fd()), unix.TCSETS, mode); err != nil {
		return fmt.Errorf("reset terminal: %w", err)
	}
	if _, err := t.f.WriteString(resetSequence); err != nil {
		return fmt.Errorf("clear terminal: %w", err)
	}
	return nil
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
