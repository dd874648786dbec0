package kiosk

import (
	"testing"
	"time"
)

// helped are the screens on which a customer can ask what this is.
func helped(t *testing.T) map[string]*player {
	return map[string]*player{
		"typing":    begin(t).do(Press{Key: OtherKey}).in(Identify),
		"contacted": begin(t).do(Press{Key: OtherKey}, Press{Key: RuneKey, Rune: 'a'}, Press{Key: EnterKey}).in(Asking),
		"waiting":   begin(t).acknowledged(2*time.Minute, 5*time.Second).in(Waiting),
		"shown":     begin(t).shown(),
	}
}

// Help changes what is said and nothing that is under way.
func TestHelpChangesNothingElse(t *testing.T) {
	for name, y := range helped(t) {
		before := y.s
		y.do(Press{Key: HelpKey})
		if !y.s.Help {
			t.Errorf("%s: no help", name)
		}
		if len(y.effects) > 0 {
			t.Errorf("%s: help does %v", name, y.effects)
		}
		y.do(Press{Key: HelpKey})
		before.LastInput = y.s.LastInput
		if y.s != before {
			t.Errorf("%s: help and back leaves %+v, was %+v", name, y.s, before)
		}
	}
}

func TestHelpInReadyBeginsVisit(t *testing.T) {
	y := begin(t).do(Press{Key: HelpKey}).in(Identify)
	if !y.s.Help {
		t.Error("no help")
	}
	if y.do(Press{Key: EscapeKey}).in(Ready); y.s.Help {
		t.Error("the next customer finds the help of the last")
	}
	y.do(Press{Key: OtherKey}, Press{Key: HelpKey}, Press{Key: RuneKey, Rune: 'a'}, Press{Key: EnterKey}).in(Asking)
	if y.s.Help {
		t.Error("help that was asked for on one screen stands on the next")
	}
}

func TestQuestionMarkCanBeTyped(t *testing.T) {
	y := begin(t).do(Press{Key: OtherKey}, Press{Key: RuneKey, Rune: '?'}).in(Identify)
	if y.s.Help || y.typed() != "?" {
		t.Errorf("help %v, typed %q", y.s.Help, y.typed())
	}
	if y = begin(t).acknowledged(2*time.Minute, 5*time.Second).do(Press{Key: RuneKey, Rune: '?'}); !y.s.Help {
		t.Error("where nothing is typed it asks for help")
	}
}

// Who is asked whether they are still there says so with any key; that key asks nothing.
func TestHelpKeyAnswersIdlePrompt(t *testing.T) {
	y := begin(t).do(Press{Key: OtherKey}).wait(DefaultRules().IdleLimit)
	if !y.s.Idle.Prompted {
		t.Fatal("not asked")
	}
	if y.do(Press{Key: HelpKey}); y.s.Idle.Prompted || y.s.Help || y.s.Idle.Extensions != 1 {
		t.Errorf("%+v", y.s)
	}
}
