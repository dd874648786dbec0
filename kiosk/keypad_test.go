package kiosk

import (
	"strings"
	"testing"
)

// typed is what the last event wrote into the field.
func (y *player) typed() string {
	var b strings.Builder
	for _, e := range y.effects {
		if e, ok := e.(EditInput); ok {
			if e.Erase {
				b.WriteRune('←')
				continue
			}
			b.WriteRune(e.Rune)
		}
	}
	return b.String()
}

func arrow(k KeyName) Press { return Press{Key: k} }

func TestKeypadStaysAwayFromKeyboardUsers(t *testing.T) {
	y := begin(t).do(Press{Key: RuneKey, Rune: 'a'}, Press{Key: RuneKey, Rune: 'l'}).in(Identify)
	if y.s.KeypadRows() != nil {
		t.Error("typing brings the keypad up")
	}
	y.do(Press{Key: EnterKey}).in(Asking)
}

func TestTouchShowsKeypad(t *testing.T) {
	y := begin(t).do(Press{Key: OtherKey, Touch: true}).in(Identify)
	if y.s.KeypadRows() == nil {
		t.Fatal("no keypad for a finger")
	}
	for _, row := range y.s.KeypadRows() {
		for _, k := range row {
			if y.do(Press{Key: k.Key, Rune: k.Rune, Touch: true}); k.Key == RuneKey && y.typed() != string(k.Rune) {
				t.Errorf("key %q writes %q", k.Rune, y.typed())
			}
			if y.s.Phase != Identify {
				if k.Key != EnterKey {
					t.Errorf("key %v leads to %s", k, y.s.Phase)
				}
				return
			}
		}
	}
	t.Error("no key sends")
}

// The next customer finds the screen as the first one did.
func TestKeypadEndsWithVisit(t *testing.T) {
	y := begin(t).do(Press{Key: OtherKey, Touch: true}, Press{Key: ShiftKey, Touch: true}, arrow(DownKey)).in(Identify)
	if !y.s.Keypad.Upper || !y.s.Keypad.Selected {
		t.Errorf("%+v", y.s.Keypad)
	}
	y.do(Press{Key: EscapeKey}).in(Ready)
	if y.do(Press{Key: OtherKey}); y.s.Keypad != (KeypadState{}) {
		t.Errorf("left over: %+v", y.s.Keypad)
	}
}

func TestKeypadByArrowKeys(t *testing.T) {
	y := begin(t)
	y.s.Rules.Kind = PhoneKind
	y.do(Press{Key: OtherKey}, arrow(DownKey)) // brings it up, on 1
	for _, c := range []struct {
		name string
		keys []KeyName
		want string
	}{
		{"where it begins", nil, "1"},
		{"to the right", []KeyName{RightKey, RightKey}, "3"},
		{"around the edge", []KeyName{RightKey}, "1"},
		{"up from the first row to the last", []KeyName{UpKey}, "+"},
		{"along the row of four", []KeyName{RightKey}, "0"},
		{"up again, to the nearest", []KeyName{UpKey}, "8"},
		{"down, to the one that erases", []KeyName{DownKey}, "←"},
	} {
		for _, k := range c.keys {
			y.do(arrow(k))
		}
		if y.do(Press{Key: EnterKey}); y.typed() != c.want {
			t.Errorf("%s: %q, want %q", c.name, y.typed(), c.want)
		}
	}
	y.do(arrow(RightKey), Press{Key: EnterKey}).in(Asking)
}

func TestEnterSendsAfterTyping(t *testing.T) {
	y := begin(t).do(Press{Key: OtherKey}, arrow(DownKey), arrow(RightKey), Press{Key: RuneKey, Rune: 'x'})
	if y.s.Keypad.Selected {
		t.Error("typing leaves the keypad aimed")
	}
	y.do(Press{Key: EnterKey}).in(Asking)
}

func TestCapitals(t *testing.T) {
	y := begin(t).do(Press{Key: OtherKey, Touch: true}, Press{Key: ShiftKey, Touch: true})
	found := false
	for _, row := range y.s.KeypadRows() {
		for _, k := range row {
			found = found || k.Rune == 'A'
		}
	}
	if !found {
		t.Errorf("no capitals in %+v", y.s.KeypadRows())
	}
}

func TestKeypadModes(t *testing.T) {
	y := begin(t)
	y.s.Rules.Keypad = KeypadAlways
	if y.do(Press{Key: OtherKey}); y.s.KeypadRows() == nil {
		t.Error("always, but not there")
	}
	y = begin(t)
	y.s.Rules.Keypad = KeypadNever
	if y.do(Press{Key: OtherKey, Touch: true}, arrow(DownKey)); y.s.KeypadRows() != nil {
		t.Error("never, but there")
	}
}

// Every character that a check of this kind can ask for is on its keypad.
func TestKeypadTypesEveryKind(t *testing.T) {
	for kind, id := range map[IdentifierKind]string{
		TextKind: "alice_b-1.c@d/e", EmailKind: "alice.b-c_d+e@example.org", PhoneKind: "+447700900123", NumberKind: "1234567890",
	} {
		all := strings.Join(keypadLayouts[kind], "")
		for _, r := range id {
			if !strings.ContainsRune(all, r) {
				t.Errorf("%s: no key %q", kind, r)
			}
		}
		if p := Check(kind, id); p != NoProblem {
			t.Errorf("%s: %s is %s", kind, id, p)
		}
	}
}

// A scan counts on the screen it was meant for, and on no other.
func TestScanOnAnotherScreenDoesNothing(t *testing.T) {
	for _, p := range []Phase{Closed, Asking, Waiting, Checking, Fetching, Shown, Ended, Clearing} {
		s := New(DefaultRules())
		s.Phase, s.Ending.Reason = p, Declined
		got, effects := Step(s, 0, IdentifierEntered{Identifier: Secret("alice"), Seen: p})
		if got != s || len(effects) > 0 {
			t.Errorf("%s: %+v %v", p, got, effects)
		}
	}
	if s, out := Step(New(DefaultRules()), 0, IdentifierEntered{Identifier: Secret("alice"), Seen: Ended}); s.Phase != Ready || out != nil {
		t.Error("what was scanned while the last visit ended begins the next one")
	}
	if s, _ := Step(New(DefaultRules()), 0, IdentifierEntered{Identifier: Secret("alice")}); s.Phase != Identify {
		t.Error("a scan on Ready begins no visit")
	}
}
