package evdev

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// raw returns events in the form of the kernel.
func raw(events ...[3]int32) []byte {
	var b []byte
	for _, e := range events {
		one := make([]byte, eventSize)
		binary.NativeEndian.PutUint16(one[eventSize-8:], uint16(e[0]))
		binary.NativeEndian.PutUint16(one[eventSize-6:], uint16(e[1]))
		binary.NativeEndian.PutUint32(one[eventSize-4:], uint32(e[2]))
		b = append(b, one...)
	}
	return b
}

var report = [3]int32{evSyn, synReport, 0}

func decoded(d Decoder, b []byte) (all []Contact) {
	d.Decode(b, func(c Contact) { all = append(all, c) })
	return all
}

var panel = Decoder{Kind: Multi, X: Range{0, 800}, Y: Range{0, 480}}

// twoFingers are the events of a finger, a second one beside it, and both leaving, the first one first.
var twoFingers = raw(
	[3]int32{evAbs, mtSlot, 0}, [3]int32{evAbs, mtTracking, 7}, [3]int32{evAbs, mtX, 400}, [3]int32{evAbs, mtY, 120}, [3]int32{evKey, btnTouch, 1}, report,
	[3]int32{evAbs, mtSlot, 1}, [3]int32{evAbs, mtTracking, 8}, [3]int32{evAbs, mtX, 0}, [3]int32{evAbs, mtY, 0}, report,
	[3]int32{evAbs, mtSlot, 0}, [3]int32{evAbs, mtTracking, -1}, report,
	[3]int32{evAbs, mtSlot, 1}, [3]int32{evAbs, mtTracking, -1}, [3]int32{evKey, btnTouch, 0}, report,
)

func assertContacts(t *testing.T, got, want []Contact) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("contact %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestSecondFingerIsIgnored(t *testing.T) {
	assertContacts(t, decoded(panel, twoFingers), []Contact{{X: 0.5, Y: 0.25, Down: true}, {X: 0.5, Y: 0.25}})
}

func TestEventsInPieces(t *testing.T) {
	want := decoded(panel, twoFingers)
	for size := 1; size < 3*eventSize; size++ {
		d := panel
		var got []Contact
		for b := twoFingers; len(b) > 0; {
			n := min(size, len(b))
			d.Decode(b[:n], func(c Contact) { got = append(got, c) })
			b = b[n:]
		}
		assertContacts(t, got, want)
	}
}

func TestRotation(t *testing.T) {
	for turn, want := range []Contact{{X: 0.5, Y: 0.25, Down: true}, {X: 0.75, Y: 0.5, Down: true}, {X: 0.5, Y: 0.75, Down: true}, {X: 0.25, Y: 0.5, Down: true}} {
		d := panel
		d.Rotation = Rotation(turn)
		if got := decoded(d, twoFingers)[0]; got != want {
			t.Errorf("turned by %d: %+v, want %+v", turn, got, want)
		}
	}
}

func TestSingleTouchPanel(t *testing.T) {
	d := Decoder{Kind: Single, X: Range{100, 4000}, Y: Range{100, 4000}}
	assertContacts(t, decoded(d, raw(
		[3]int32{evAbs, absX, 4000}, [3]int32{evAbs, absY, 100}, [3]int32{evKey, btnTouch, 1}, report,
		[3]int32{evAbs, absX, 9000}, report, // beyond the reported range
		report, // no change
		[3]int32{evKey, btnTouch, 0}, report,
	)), []Contact{{X: 1, Down: true}, {X: 1, Down: true}, {X: 1}})
}

func TestMouseStaysOnTheScreen(t *testing.T) {
	d := Decoder{Kind: Mouse, posX: 0.5, posY: 0.5}
	assertContacts(t, decoded(d, raw(
		[3]int32{evRel, relX, 250}, report, [3]int32{evRel, relX, 100000}, [3]int32{evRel, relY, -100000}, report,
		[3]int32{evKey, btnLeft, 1}, report, [3]int32{evKey, btnLeft, 0}, report,
	)), []Contact{{X: 0.75, Y: 0.5, Mouse: true}, {X: 1, Mouse: true}, {X: 1, Down: true, Mouse: true}, {X: 1, Mouse: true}})
}

// After an overflow of the kernel's buffer, a contact ends as lost, not as a release.
func TestDroppedEventsReleaseNothing(t *testing.T) {
	assertContacts(t, decoded(panel, raw(
		[3]int32{evAbs, mtTracking, 7}, [3]int32{evAbs, mtX, 400}, report,
		[3]int32{evSyn, synDropped, 0}, [3]int32{evAbs, mtTracking, -1}, report,
		[3]int32{evAbs, mtTracking, 9}, [3]int32{evAbs, mtX, 800}, report,
	)), []Contact{{X: 0.5, Down: true}, {Lost: true}, {X: 1, Down: true}})
}

func bitsOf(codes ...uint16) (b bits) {
	for _, c := range codes {
		b[c/8] |= 1 << (c % 8)
	}
	return b
}

func TestDescribeBits(t *testing.T) {
	axis := func(a uint16) Range { return Range{0, int32(a)} }
	for _, c := range []struct {
		name             string
		keys, rels, abss bits
		kind             Kind
		ok               bool
	}{
		{"a panel", bitsOf(btnTouch), bits{}, bitsOf(absX, absY, mtSlot, mtX, mtY, mtTracking), Multi, true},
		{"an old panel", bitsOf(btnTouch), bits{}, bitsOf(absX, absY), Single, true},
		{"a virtual machine's tablet", bitsOf(btnLeft), bits{}, bitsOf(absX, absY), Single, true},
		{"a mouse", bitsOf(btnLeft), bitsOf(relX, relY), bits{}, Mouse, true},
		{"a keyboard or scanner", bitsOf(30, 28), bits{}, bits{}, 0, false},
		{"a touchpad", bitsOf(btnTouch, btnLeft, 0x145), bits{}, bitsOf(absX, absY, mtSlot, mtX, mtY), 0, false},
		{"a joystick", bitsOf(0x120), bits{}, bitsOf(absX, absY), 0, false},
	} {
		d, ok := describeBits(c.keys, c.rels, c.abss, axis)
		if ok != c.ok || d.Kind != c.kind {
			t.Errorf("%s: %v %v", c.name, d.Kind, ok)
		}
	}
}

// Watch ends with its context.
func TestWatchIgnoresOtherFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "event0"), twoFingers, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Watch(ctx, dir, 0, func(c Contact) { t.Errorf("a file was read as a device: %+v", c) })
	}()
	stop()
	<-ended
}

func TestRemovedDeviceReportsLost(t *testing.T) {
	r, w := io.Pipe()
	contacts := make(chan Contact, 9)
	go (&watcher{give: func(c Contact) { contacts <- c }}).read(r, panel)
	go func() {
		_, _ = w.Write(twoFingers[:6*eventSize])
		_ = w.Close()
	}()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	for _, want := range []Contact{{X: 0.5, Y: 0.25, Down: true}, {Lost: true}} {
		select {
		case got := <-contacts:
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		case <-limit.C:
			t.Fatal("no contact arrived")
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(uint8(0), uint8(0), twoFingers)
	f.Add(uint8(2), uint8(1), raw([3]int32{evRel, relX, -1 << 31}, report))
	f.Add(uint8(1), uint8(3), raw([3]int32{evSyn, synDropped, 0}, report, [3]int32{evAbs, absX, 1<<31 - 1}, report))
	f.Fuzz(func(t *testing.T, kind, turn uint8, b []byte) {
		d := Decoder{Kind: Kind(kind % 3), X: Range{-1 << 31, 1<<31 - 1}, Y: Range{0, 480}, Rotation: Rotation(turn)}
		d.Decode(b, func(c Contact) {
			if !(c.X >= 0 && c.X <= 1 && c.Y >= 0 && c.Y <= 1) || c.Lost && c.Down {
				t.Errorf("%+v", c)
			}
		})
		if len(d.incomplete) >= eventSize {
			t.Errorf("%d bytes kept", len(d.incomplete))
		}
	})
}
