package evdev

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ioctl"
)

// Dir contains the kernel's input devices.
const Dir = "/dev/input"

// scanInterval is how soon a device that was plugged in is found.
const scanInterval = 5 * time.Second

// Watch follows all touch screens and mice in dir, also those that appear later, until ctx ends. give is called from
// one goroutine at a time. All other devices are ignored.
func Watch(ctx context.Context, dir string, turn Rotation, give func(Contact)) {
	w := watcher{open: map[string]bool{}, give: give}
	again := time.NewTicker(scanInterval)
	defer again.Stop()
	for {
		w.scan(ctx, dir, turn)
		select {
		case <-ctx.Done():
			w.readers.Wait()
			return
		case <-again.C:
		}
	}
}

type watcher struct {
	mu      sync.Mutex // one reader goroutine for each device
	open    map[string]bool
	give    func(Contact)
	readers sync.WaitGroup
}

func (w *watcher) scan(ctx context.Context, dir string, turn Rotation) {
	names, _ := filepath.Glob(filepath.Join(dir, "event*")) // the pattern is valid
	for _, name := range names {
		w.mu.Lock()
		known := w.open[name]
		w.mu.Unlock()
		if known {
			continue
		}
		f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		d, ok := describe(f)
		if !ok {
			_ = f.Close()
			continue
		}
		d.Rotation = turn
		w.mu.Lock()
		w.open[name] = true
		w.mu.Unlock()
		w.readers.Go(func() {
			stop := context.AfterFunc(ctx, func() { _ = f.Close() })
			w.read(f, d)
			stop()
			_ = f.Close()
			w.mu.Lock()
			delete(w.open, name)
			w.mu.Unlock()
		})
	}
}

// read decodes until the device is unplugged.
func (w *watcher) read(f io.Reader, d Decoder) {
	b := make([]byte, 64*eventSize)
	for {
		n, err := f.Read(b)
		if n > 0 {
			w.mu.Lock()
			d.Decode(b[:n], w.give)
			w.mu.Unlock()
		}
		if err != nil {
			w.mu.Lock()
			w.give(Contact{Lost: true, Mouse: d.Kind == Mouse})
			w.mu.Unlock()
			return
		}
	}
}

// describe asks a device for its kind and axes; false if it is no pointer.
func describe(f *os.File) (Decoder, bool) {
	var keys, rels, abss bits
	if !keys.read(f, evKey) {
		return Decoder{}, false
	}
	rels.read(f, evRel)
	abss.read(f, evAbs)
	return describeBits(keys, rels, abss, func(axis uint16) Range { return axisOf(f, axis) })
}

// describeBits decides by what a device can send. A touchpad reports fingers as well, but not positions on the screen:
// it has BTN_TOOL_FINGER, touch screens do not.
func describeBits(keys, rels, abss bits, axis func(uint16) Range) (Decoder, bool) {
	const toolFinger = 0x145
	switch {
	case keys.has(toolFinger):
		return Decoder{}, false
	case abss.has(mtX) && abss.has(mtY) && abss.has(mtSlot):
		return Decoder{Kind: Multi, X: axis(mtX), Y: axis(mtY)}, true
	case abss.has(absX) && abss.has(absY) && (keys.has(btnTouch) || keys.has(btnLeft)):
		return Decoder{Kind: Single, X: axis(absX), Y: axis(absY)}, true
	case rels.has(relX) && rels.has(relY) && keys.has(btnLeft):
		return Decoder{Kind: Mouse, posX: 0.5, posY: 0.5}, true
	}
	return Decoder{}, false
}

// bits are the codes that a device can send of one type. KEY_MAX (0x2ff) is the longest list.
type bits [0x300 / 8]byte

func (b *bits) has(code uint16) bool { return b[code/8]&(1<<(code%8)) != 0 }

// read asks for the codes of one type (EVIOCGBIT); false if the file is not an input device.
func (b *bits) read(f *os.File, kind uint16) bool {
	return ioctl.Do(f, request(0x20+uintptr(kind), unsafe.Sizeof(*b)), unsafe.Pointer(b)) == nil
}

// axisOf returns the range of an axis (EVIOCGABS, struct input_absinfo: value, minimum, maximum, fuzz, flat, resolution).
func axisOf(f *os.File, axis uint16) Range {
	var info [6]int32
	if ioctl.Do(f, request(0x40+uintptr(axis), unsafe.Sizeof(info)), unsafe.Pointer(&info)) != nil {
		return Range{}
	}
	return Range{Min: info[1], Max: info[2]}
}

// request returns _IOC(_IOC_READ, 'E', number, size), which is the same on x86 and ARM.
func request(number, size uintptr) uintptr { return 2<<30 | size<<16 | 'E'<<8 | number }
