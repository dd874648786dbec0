package layout

import (
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// withKeypad returns a screen with the largest keypad: nine columns, five rows.
func withKeypad() screen.Screen {
	s := screen.Screen{Phase: kiosk.Identify, Title: "Who are you?", Site: "Shop",
		Entry: &screen.Entry{Label: "Your name", Text: "al", Example: "For example: alice"},
		Lines: []string{"We ask your phone next."},
		Keys: []screen.Key{{Cap: "Enter", Text: "Go on", Does: kiosk.EnterKey}, {Cap: "Tab", Text: "Language", Does: kiosk.TabKey},
			{Cap: "Esc", Text: "Cancel", Does: kiosk.EscapeKey}}}
	pad := &screen.Keypad{}
	for r := range 5 {
		var row []screen.Key
		for c := range 9 {
			row = append(row, screen.Key{Cap: string(rune('A' + (r*9+c)%26)), Does: kiosk.RuneKey, Rune: rune(0x100 + r*9 + c)})
		}
		pad.Rows = append(pad.Rows, row)
	}
	s.Keypad = pad
	return s
}

// From 40x12 on, every drawn key can be touched, and no two keys share a cell.
func TestEveryKeyHasItsOwnTarget(t *testing.T) {
	s := withKeypad()
	for _, size := range sizes {
		f := Draw(s, size[0], size[1], Options{})
		checkFrame(t, f, size[0], size[1], Options{})
		if want := 45 + len(s.Keys); len(f.Targets) != want {
			t.Errorf("%v: %d keys, want %d", size, len(f.Targets), want)
		}
		taken := map[[2]int]bool{}
		for _, target := range f.Targets {
			if target.X < 0 || target.Y < 0 || target.X+target.W > f.W || target.Y+target.H > f.H || target.W < 3 {
				t.Errorf("%v: %+v", size, target)
			}
			for y := target.Y; y < target.Y+target.H; y++ {
				for x := target.X; x < target.X+target.W; x++ {
					if taken[[2]int{x, y}] {
						t.Errorf("%v: two keys at %d,%d", size, x, y)
					}
					taken[[2]int{x, y}] = true
					if k, ok := f.Hit(x, y); !ok || k != target.Key {
						t.Errorf("%v: at %d,%d is %+v, want %+v", size, x, y, k, target.Key)
					}
				}
			}
			row, found := "", false
			for x := target.X; x < target.X+target.W; x++ {
				row += f.At(x, target.Y+(target.H-1)/2).Text
				found = found || f.At(x, target.Y+(target.H-1)/2).Text == target.Key.Cap[:1]
			}
			if !found {
				t.Errorf("%v: key %q reads %q", size, target.Key.Cap, row)
			}
		}
	}
}

func TestHitToleratesNearMisses(t *testing.T) {
	f := Draw(screen.Screen{Title: "Cancelled", Keys: []screen.Key{{Cap: "Esc", Text: "Done", Does: kiosk.EscapeKey}}}, 80, 24, Options{})
	x, y := f.Targets[0].X, f.Targets[0].Y
	for _, c := range []struct {
		dx, dy int
		hit    bool
	}{{0, 0, true}, {-2, 0, true}, {-3, 0, false}, {0, -1, true}, {0, 1, true}, {0, -2, false}} {
		if _, hit := f.Hit(x+c.dx, y+c.dy); hit != c.hit {
			t.Errorf("%d columns and %d rows beside: %v", c.dx, c.dy, hit)
		}
	}
}

func TestSelectedKeyIsMarkedWithoutColour(t *testing.T) {
	s := withKeypad()
	s.Keypad.Selected, s.Keypad.Row, s.Keypad.Column = true, 1, 2
	for _, size := range sizes {
		f := Draw(s, size[0], size[1], Options{})
		marked := 0
		for _, target := range f.Targets {
			for x := target.X; x < target.X+target.W; x++ {
				if f.At(x, target.Y+(target.H-1)/2).Text == "[" {
					marked++
					if target.Key.Rune != 0x100+9+2 {
						t.Errorf("%v: %+v is marked", size, target.Key)
					}
				}
			}
		}
		if marked != 1 {
			t.Errorf("%v: %d keys are marked", size, marked)
		}
	}
}
