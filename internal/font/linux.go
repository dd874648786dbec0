package font

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ioctl"
)

// Requests of linux/kd.h, the same on every processor.
const (
	gioUnimap    = 0x4B66 // reads which characters the font has
	pioUnimap    = 0x4B67 // sets that
	pioUnimapClr = 0x4B68
	kdFontOp     = 0x4B72
)

// Operations of KDFONTOP, and the rows that it stores for each glyph of any height.
const (
	opSet = 0
	opGet = 1
	pitch = 32
)

type (
	// fontOp is struct console_font_op, unimap struct unimapdesc, unipair struct unipair.
	fontOp struct {
		op, flags, width, height, count uint32
		data                            *byte
	}
	unimap struct {
		count   uint16
		entries *unipair
	}
	unipair struct{ unicode, position uint16 }
)

// Console is an open terminal, which may or may not be a console.
type Console struct{ f *os.File }

// OpenConsole opens the terminal at path.
func OpenConsole(path string) (*Console, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return &Console{f}, nil
}

// Close closes the terminal.
func (c *Console) Close() error { return c.f.Close() }

// Characters returns what the console can draw; ok is false if the terminal is not a console.
func (c *Console) Characters() (has map[rune]bool, ok bool) {
	pairs, ok := c.pairs()
	if !ok {
		return nil, false
	}
	has = make(map[rune]bool, len(pairs))
	for _, p := range pairs {
		has[rune(p.unicode)] = true
	}
	return has, true
}

func (c *Console) pairs() ([]unipair, bool) {
	// The count has 16 bits; a table of 512 glyphs has a few thousand entries at most.
	for _, room := range []int{4096, 65535} {
		pairs := make([]unipair, room)
		arg := &unimap{count: uint16(room), entries: &pairs[0]}
		var pin runtime.Pinner
		pin.Pin(&pairs[0])
		err := ioctl.Do(c.f, gioUnimap, unsafe.Pointer(arg))
		pin.Unpin()
		if err == nil {
			return pairs[:arg.count], true
		}
		if err != unix.ENOMEM {
			break
		}
	}
	return nil, false
}

// Get returns the loaded font. Not every console provides it.
func (c *Console) Get() (*Font, error) {
	data := make([]byte, maxGlyphs*pitch*maxWidth/8)
	op := &fontOp{op: opGet, width: maxWidth, height: maxHeight, count: maxGlyphs, data: &data[0]}
	if err := c.fontOp(op); err != nil {
		return nil, fmt.Errorf("console font: %w", err)
	}
	pairs, ok := c.pairs()
	if !ok || op.width < 1 || op.width > maxWidth || op.height < 1 || op.height > maxHeight || op.count > maxGlyphs {
		return nil, fmt.Errorf("console font: the console has %d glyphs of %dx%d", op.count, op.width, op.height)
	}
	f := &Font{Width: int(op.width), Height: int(op.height), Runes: map[rune]int{}}
	row := (f.Width + 7) / 8
	for i := range int(op.count) {
		f.Glyphs = append(f.Glyphs, slices.Clone(data[i*pitch*row:][:f.size()]))
	}
	for _, p := range pairs {
		if int(p.position) < len(f.Glyphs) {
			f.Runes[rune(p.unicode)] = int(p.position)
		}
	}
	return f, nil
}

// Set loads a font. The kernel allows it to root and to processes whose controlling terminal is the console.
func (c *Console) Set(f *Font) error {
	row := (f.Width + 7) / 8
	data := make([]byte, len(f.Glyphs)*pitch*row)
	for i, g := range f.Glyphs {
		copy(data[i*pitch*row:], g)
	}
	op := &fontOp{op: opSet, width: uint32(f.Width), height: uint32(f.Height), count: uint32(len(f.Glyphs)), data: &data[0]}
	if err := c.fontOp(op); err != nil {
		return fmt.Errorf("console font: %w", err)
	}
	return c.SetCharacters(f)
}

// SetCharacters sets the glyph of each character.
func (c *Console) SetCharacters(f *Font) error {
	var pairs []unipair
	for r, i := range f.Runes {
		if r <= 0xffff {
			pairs = append(pairs, unipair{uint16(r), uint16(i)})
		}
	}
	slices.SortFunc(pairs, func(a, b unipair) int {
		return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.unicode, b.unicode))
	})
	if len(pairs) == 0 {
		return nil
	}
	var fresh struct{ size, step, level uint16 } // struct unimapinit; 0: the kernel decides
	if err := ioctl.Do(c.f, pioUnimapClr, unsafe.Pointer(&fresh)); err != nil {
		return fmt.Errorf("console font: table: %w", err)
	}
	var pin runtime.Pinner
	pin.Pin(&pairs[0])
	defer pin.Unpin()
	if err := ioctl.Do(c.f, pioUnimap, unsafe.Pointer(&unimap{count: uint16(len(pairs)), entries: &pairs[0]})); err != nil {
		return fmt.Errorf("console font: table: %w", err)
	}
	return nil
}

func (c *Console) fontOp(op *fontOp) error {
	var pin runtime.Pinner
	pin.Pin(op.data)
	defer pin.Unpin()
	return ioctl.Do(c.f, kdFontOp, unsafe.Pointer(op))
}

// Size returns the size of the terminal in columns and rows.
func (c *Console) Size() (columns, rows int, err error) {
	conn, err := c.f.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	var ws *unix.Winsize
	var inner error
	if err := conn.Control(func(fd uintptr) { ws, inner = unix.IoctlGetWinsize(int(fd), unix.TIOCGWINSZ) }); err != nil {
		return 0, 0, err
	}
	if inner != nil {
		return 0, 0, inner
	}
	return int(ws.Col), int(ws.Row), nil
}
