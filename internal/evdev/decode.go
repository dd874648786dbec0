// Package evdev reads touch screens and mice on a Linux console, where the terminal does not report them. It turns the
// kernel's event streams (/dev/input/event*, linux/input.h) into contacts. Positions are fractions of the screen; which
// key is there is left to package tui. It is our own code: libraries for evdev deliver raw events, and the decoding of
// contacts is the larger part.
package evdev

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Contact is the position of a finger or the mouse.
type Contact struct {
	X, Y float64 // 0 is the left or upper edge of the screen, 1 the right or lower one
	Down bool    // the finger touches, or the left button is pressed
	// Lost says that events were lost: a contact in progress does not count.
	Lost  bool
	Mouse bool // it moves without touching, so it needs an arrow
}

// Rotation is how a touch screen is mounted: the number of quarter turns, clockwise, of its upper edge relative to the
// picture's.
type Rotation uint8

// Range is the least and the greatest value of an axis. An empty range gives 0.
type Range struct{ Min, Max int32 }

func (r Range) fraction(v int32) float64 {
	if r.Max <= r.Min {
		return 0
	}
	return clamp((float64(v) - float64(r.Min)) / (float64(r.Max) - float64(r.Min)))
}

func clamp(v float64) float64 { return math.Min(math.Max(v, 0), 1) }

// Kind is how a device reports positions.
type Kind uint8

// The kinds.
const (
	Multi  Kind = iota // several fingers, each in a slot (multi-touch protocol B)
	Single             // one position: old touch screens, tablets, virtual machines
	Mouse              // relative movements
)

// Decoder decodes the events of one device.
type Decoder struct {
	Kind     Kind
	X, Y     Range
	Rotation Rotation

	incomplete []byte  // the first bytes of an event
	dropped    bool    // until the next report: the kernel's buffer overflowed
	rawX       int32   // last position, in the device's units
	rawY       int32   //
	posX       float64 // position of a mouse
	posY       float64
	down       bool
	slot       int32
	finger     int32 // slot of the first finger while down; others are ignored
	changed    bool  // something has changed since the last report
}

// Event types and codes of linux/input-event-codes.h.
const (
	evSyn, evKey, evRel, evAbs = 0, 1, 2, 3

	synReport, synDropped = 0, 3

	btnLeft, btnTouch = 0x110, 0x14a

	relX, relY = 0, 1

	absX, absY                   = 0x00, 0x01
	mtSlot, mtX, mtY, mtTracking = 0x2f, 0x35, 0x36, 0x39
)

// A mouse crosses the screen with so many counts: about ten centimetres.
const countsAcross, countsDown float64 = 1000, 600

// eventSize is sizeof(struct input_event): two longs, then type, code and value.
const eventSize = 2*strconv.IntSize/8 + 8

// Decode decodes bytes read from the device, in pieces of any size, and calls give for each report in which something
// has changed.
func (d *Decoder) Decode(b []byte, give func(Contact)) {
	d.incomplete = append(d.incomplete, b...)
	for len(d.incomplete) >= eventSize {
		e := d.incomplete[eventSize-8 : eventSize]
		d.event(binary.NativeEndian.Uint16(e), binary.NativeEndian.Uint16(e[2:]), int32(binary.NativeEndian.Uint32(e[4:])), give)
		d.incomplete = d.incomplete[eventSize:]
	}
	d.incomplete = append([]byte(nil), d.incomplete...) // keep at most one event, not the whole buffer
}

func (d *Decoder) event(kind, code uint16, value int32, give func(Contact)) {
	switch {
	case kind == evSyn && code == synDropped:
		d.dropped = true
	case kind == evSyn && code == synReport:
		d.report(give)
	case d.dropped:
	case kind == evKey && (code == btnLeft || code == btnTouch) && d.Kind != Multi:
		d.setDown(value != 0)
	case kind == evRel && d.Kind == Mouse:
		d.moveMouse(code, value)
	case kind == evAbs && d.Kind == Single:
		d.move(code, absX, absY, value)
	case kind == evAbs && d.Kind == Multi:
		d.handleMultiTouch(code, value)
	}
}

func (d *Decoder) report(give func(Contact)) {
	if d.dropped {
		*d = Decoder{Kind: d.Kind, X: d.X, Y: d.Y, Rotation: d.Rotation, incomplete: d.incomplete, rawX: d.rawX, rawY: d.rawY, posX: d.posX, posY: d.posY}
		give(Contact{Lost: true, Mouse: d.Kind == Mouse})
		return
	}
	if !d.changed {
		return
	}
	d.changed = false
	c := Contact{X: d.posX, Y: d.posY, Down: d.down, Mouse: d.Kind == Mouse}
	if d.Kind != Mouse {
		c.X, c.Y = d.Rotation.apply(d.X.fraction(d.rawX), d.Y.fraction(d.rawY))
	}
	give(c)
}

func (d *Decoder) setDown(down bool) {
	d.changed = d.changed || d.down != down
	d.down = down
}

func (d *Decoder) move(code, x, y uint16, value int32) {
	switch code {
	case x:
		d.rawX, d.changed = value, true
	case y:
		d.rawY, d.changed = value, true
	}
}

func (d *Decoder) moveMouse(code uint16, value int32) {
	switch code {
	case relX:
		d.posX, d.changed = clamp(d.posX+float64(value)/countsAcross), true
	case relY:
		d.posY, d.changed = clamp(d.posY+float64(value)/countsDown), true
	}
}

// handleMultiTouch follows the first finger only.
func (d *Decoder) handleMultiTouch(code uint16, value int32) {
	switch code {
	case mtSlot:
		d.slot = value
	case mtTracking:
		switch {
		case value >= 0 && !d.down:
			d.finger = d.slot
			d.setDown(true)
		case value < 0 && d.down && d.slot == d.finger:
			d.setDown(false)
		}
	default:
		if !d.down || d.slot == d.finger {
			d.move(code, mtX, mtY, value)
		}
	}
}

func (t Rotation) apply(x, y float64) (float64, float64) {
	switch t % 4 {
	case 1:
		return 1 - y, x
	case 2:
		return 1 - x, 1 - y
	case 3:
		return y, 1 - x
	}
	return x, y
}
