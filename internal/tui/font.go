package tui

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// gioUnimap is GIO_UNIMAP of linux/kd.h: which characters the console's font has.
// The number is the same on every processor.
const gioUnimap = 0x4B66

// unimap is struct unimapdesc, unipair is struct unipair.
type (
	unimap struct {
		count   uint16
		entries *unipair
	}
	unipair struct{ unicode, _ uint16 } // the other is the position in the font
)

// HasHalfBlocks asks whether the terminal at path can draw U+2580 and U+2584. Most
// of Debian's console fonts cannot, and which font is loaded can differ from boot
// to boot. Only a Linux console answers the question; what is no console is taken
// for a terminal emulator, which can.
func HasHalfBlocks(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return true
	}
	defer f.Close()
	glyphs, ok := fontOf(f)
	return !ok || glyphs['▀'] && glyphs['▄']
}

// fontOf lists the characters of a console's font; ok is false if f is no console.
func fontOf(f *os.File) (glyphs map[rune]bool, ok bool) {
	// 65535 pairs are what the count can say; a font of 512 has a few thousand at most.
	pairs := make([]unipair, 65535)
	arg := &unimap{count: uint16(len(pairs)), entries: &pairs[0]}
	var pin runtime.Pinner
	pin.Pin(&pairs[0])
	defer pin.Unpin()
	if ioctl(f, gioUnimap, unsafe.Pointer(arg)) != nil {
		return nil, false
	}
	glyphs = make(map[rune]bool, arg.count)
	for _, p := range pairs[:arg.count] {
		glyphs[rune(p.unicode)] = true
	}
	return glyphs, true
}

// ioctl asks a terminal's driver something.
func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno unix.Errno
	if err := conn.Control(func(fd uintptr) { _, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg)) }); err != nil {
		return err
	}
	if errno != 0 {
		return errno
	}
	return nil
}
