package kiosk

import (
	"strings"
	"testing"
)

// typedText returns the input that the last event added; ← is an erased character.
func (v *visit) typedText() string {
	var b strings.Builder
	for _, e := range v.effects {
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

func TestTypingDoesNotShowKeypad(t *testing.T) {
	v := newVisit(t).do(Press{Key: RuneKey, Rune: 'a'}, Press{Key: RuneKey, Rune: 'l'}).in(Identify)
	if v.s.KeypadRows() != nil {
		t.Error("typing showed the keypad")
	}
	v.do(Press{Key: EnterKey}).in(Asking)
}

func TestTouchShowsKeypad(t *testing.T) {
	v := newVisit(t).do(Press{Key: OtherKey, Touch: true}).in(Identify)
	if v.s.KeypadRows() == nil {
		t.Fatal("a touch did not show the keypad")
	}
	for _, row := range v.s.KeypadRows() {
		for _, k := range row {
			if v.do(Press{Key: k.Key, Rune: k.Rune, Touch: true}); k.Key == RuneKey && v.typedText() != string(k.Rune) {
				t.Errorf("key %q typed %q", k.Rune, v.typedText())
			}
			if v.s.Phase != Identify {
				if k.Key != EnterKey {
					t.Errorf("key %v leads to %s", k, v.s.Phase)
				}
				return
			}
		}
	}
	t.Error("no key of the keypad sends the input")
}

func TestKeypadEndsWithVisit(t *testing.T) {
	v := newVisit(t).do(Press{Key: OtherKey, Touch: true}, Press{Key: ShiftKey, Touch: true}, arrow(DownKey)).in(Identify)
	if !v.s.Keypad.Upper || !v.s.Keypad.Selected {
		t.Errorf("%+v", v.s.Keypad)
	}
	v.do(Press{Key: EscapeKey}).in(Ready)
	if v.do(Press{Key: OtherKey}); v.s.Keypad != (KeypadState{}) {
		t.Errorf("left from the last visit: %+v", v.s.Keypad)
	}
}

func TestKeypadByArrowKeys(t *testing.T) {
	v := newVisit(t)
	v.s.Rules.Kind = PhoneKind
	v.do(Press{Key: OtherKey}, arrow(DownKey)) // shows the keypad with 1 selected
	for _, c := range []struct {
		name string
		keys []KeyName
		want string
	}{
		{"the first key", nil, "1"},
		{"to the right", []KeyName{RightKey, RightKey}, "3"},
		{"around the edge", []KeyName{RightKey}, "1"},
		{"up from the first row to the last", []KeyName{UpKey}, "+"},
		{"along the row of four", []KeyName{RightKey}, "0"},
		{"up again, to the nearest key", []KeyName{UpKey}, "8"},
		{"down, to the erase key", []KeyName{DownKey}, "←"},
	} {
		for _, k := range c.keys {
			v.do(arrow(k))
		}
		if v.do(Press{Key: EnterKey}); v.typedText() != c.want {
			t.Errorf("%s: %q, want %q", c.name, v.typedText(), c.want)
		}
	}
	v.do(arrow(RightKey), Press{Key: EnterKey}).in(Asking)
}

func TestEnterSendsAfterTyping(t *testing.T) {
	v := newVisit(t).do(Press{Key: OtherKey}, arrow(DownKey), arrow(RightKey), Press{Key: RuneKey, Rune: 'x'})
	if v.s.Keypad.Selected {
		t.Error("a key of the keypad is still selected after typing")
	}
	v.do(Press{Key: EnterKey}).in(Asking)
}

func TestCapitals(t *testing.T) {
	v := newVisit(t).do(Press{Key: OtherKey, Touch: true}, Press{Key: ShiftKey, Touch: true})
	found := false
	for _, row := range v.s.KeypadRows() {
		for _, k := range row {
			found = found || k.Rune == 'A'
		}
	}
	if !found {
		t.Errorf("no capitals in %+v", v.s.KeypadRows())
	}
}

func TestKeypadModes(t *testing.T) {
	v := newVisit(t)
	v.s.Rules.Keypad = KeypadAlways
	if v.do(Press{Key: OtherKey}); v.s.KeypadRows() == nil {
		t.Error("KeypadAlways: no keypad")
	}
	v = newVisit(t)
	v.s.Rules.Keypad = KeypadNever
	if v.do(Press{Key: OtherKey, Touch: true}, arrow(DownKey)); v.s.KeypadRows() != nil {
		t.Error("KeypadNever: there is a keypad")
	}
}

// The keypad of each kind has every character that its check requires.
func TestKeypadTypesEveryKind(t *testing.T) {
	for kind, id := range map[IdentifierKind]string{
		TextKind: "alice_b-1.c@d/e", EmailKind: "alice.b-c_d+e@example.org", PhoneKind: "+447700900123", NumberKind: "1234567890",
	} {
		all := strings.Join(keypadLayouts[kind], "")
		for _, r := range id {
			if !strings.ContainsRune(all, r) {
				t.Errorf("%s: there is no key %q", kind, r)
			}
		}
		if p := Check(kind, id); p != NoProblem {
			t.Errorf("%s: %s is %s", kind, id, p)
		}
	}
}

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
		t.Error("a scan made while the last visit ended began the next one")
	}
	if s, _ := Step(New(DefaultRules()), 0, IdentifierEntered{Identifier: Secret("alice")}); s.Phase != Identify {
		t.Error("a scan in Ready began no visit")
	}
}
