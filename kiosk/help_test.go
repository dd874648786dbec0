package kiosk

import (
	"testing"
	"time"
)

// helpScreens returns visits on the screens that offer the help, by name.
func helpScreens(t *testing.T) map[string]*visit {
	return map[string]*visit{
		"identify": newVisit(t).do(Press{Key: OtherKey}).in(Identify),
		"asking":   newVisit(t).do(Press{Key: OtherKey}, Press{Key: RuneKey, Rune: 'a'}, Press{Key: EnterKey}).in(Asking),
		"waiting":  newVisit(t).acknowledged(2*time.Minute, 5*time.Second).in(Waiting),
		"shown":    newVisit(t).shown(),
	}
}

func TestHelpChangesNothingElse(t *testing.T) {
	for name, v := range helpScreens(t) {
		before := v.s
		v.do(Press{Key: HelpKey})
		if !v.s.Help {
			t.Errorf("%s: the help key did not open the help", name)
		}
		if len(v.effects) > 0 {
			t.Errorf("%s: the help key had the effects %v", name, v.effects)
		}
		v.do(Press{Key: HelpKey})
		before.LastInput = v.s.LastInput
		if v.s != before {
			t.Errorf("%s: opening and closing the help left %+v, want %+v", name, v.s, before)
		}
	}
}

func TestHelpInReadyBeginsVisit(t *testing.T) {
	v := newVisit(t).do(Press{Key: HelpKey}).in(Identify)
	if !v.s.Help {
		t.Error("the help is not open")
	}
	v.do(Press{Key: EscapeKey}).in(Identify)
	if v.do(Press{Key: EscapeKey}).in(Ready); v.s.Help {
		t.Error("the help is open for the next customer")
	}
	v.do(Press{Key: OtherKey}, Press{Key: HelpKey}, Press{Key: RuneKey, Rune: 'a'}, Press{Key: EnterKey}).in(Asking)
	if v.s.Help {
		t.Error("the help is still open on the next screen")
	}
}

func TestQuestionMarkCanBeTyped(t *testing.T) {
	v := newVisit(t).do(Press{Key: OtherKey}, Press{Key: RuneKey, Rune: '?'}).in(Identify)
	if v.s.Help || v.typedText() != "?" {
		t.Errorf("help %v, typed %q", v.s.Help, v.typedText())
	}
	if v = newVisit(t).acknowledged(2*time.Minute, 5*time.Second).do(Press{Key: RuneKey, Rune: '?'}); !v.s.Help {
		t.Error("a question mark did not open the help in Waiting")
	}
}

func TestHelpKeyAnswersIdlePrompt(t *testing.T) {
	v := newVisit(t).do(Press{Key: OtherKey}).wait(DefaultRules().IdleLimit)
	if !v.s.Idle.Prompted {
		t.Fatal("no idle prompt")
	}
	if v.do(Press{Key: HelpKey}); v.s.Idle.Prompted || v.s.Help || v.s.Idle.Extensions != 1 {
		t.Errorf("%+v", v.s)
	}
}

// Escape in the help goes back to the screen behind it wherever it would otherwise discard what was typed or a retry. While
// the phone rings it still cancels: the help itself says so.
func TestEscapeClosesHelp(t *testing.T) {
	for name, v := range map[string]*visit{
		"identify": newVisit(t).do(Press{Key: OtherKey}, Press{Key: RuneKey, Rune: 'a'}, InputChanged{Length: 1}).in(Identify),
		"ended":    newVisit(t).acknowledged(sec(60), sec(5)).poll(Polled{Verdict: Denied}).ended(Declined),
	} {
		before := v.s
		v.do(Press{Key: HelpKey}, Press{Key: EscapeKey})
		if before.LastInput = v.s.LastInput; v.s != before {
			t.Errorf("%s: Escape in the help left %+v, want %+v", name, v.s, before)
		}
		if hasEffect[Wipe](v) {
			t.Errorf("%s: Escape in the help wiped the vault", name)
		}
	}
	newVisit(t).acknowledged(sec(60), sec(5)).do(Press{Key: HelpKey}, Press{Key: EscapeKey}).ended(Cancelled)
}
