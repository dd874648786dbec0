package screen

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// visit plays events through Step and answers the effects that the runner answers at once.
type visit struct {
	t     *testing.T
	s     kiosk.State
	now   time.Duration
	bells []Bells // what the visit has sounded like
}

func newVisit(t *testing.T) *visit { return &visit{t: t, s: kiosk.New(kiosk.DefaultRules())} }

func (v *visit) do(events ...kiosk.Event) *visit {
	before, at := v.s, v.now
	for len(events) > 0 {
		e := events[0]
		events = events[1:]
		if p, ok := e.(kiosk.Press); ok {
			p.Seen = v.s.Phase
			e = p
		}
		var effects []kiosk.Effect
		v.s, effects = kiosk.Step(v.s, v.now, e)
		for _, f := range effects {
			switch f := f.(type) {
			case kiosk.EditInput:
				events = append([]kiosk.Event{kiosk.InputChanged{Length: 5}}, events...)
			case kiosk.SetInput:
				events = append([]kiosk.Event{kiosk.InputChanged{Length: 5, Complete: true}}, events...)
			case kiosk.Prepare:
				events = append(events, kiosk.Prepared{Number: f.Number, Visit: "visit", Code: "K7-4F9Q"})
			}
		}
	}
	if b := Sound(before, at, v.s, v.now); b != Quiet {
		v.bells = append(v.bells, b)
	}
	return v
}

// pass lets time pass, a second at a time.
func (v *visit) pass(d time.Duration) *visit {
	for end := v.now + d; v.now < end; {
		before, at := v.s, v.now
		v.now += time.Second
		v.s, _ = kiosk.Step(v.s, v.now, kiosk.Tick{})
		if b := Sound(before, at, v.s, v.now); b != Quiet {
			v.bells = append(v.bells, b)
		}
	}
	return v
}

// acknowledged brings the visit to Waiting for a minute, with a poll every five seconds.
func (v *visit) acknowledged() *visit {
	v.do(kiosk.IdentifierEntered{Identifier: kiosk.Secret("alice")})
	return v.do(kiosk.Acknowledged{Number: v.s.Question, Expires: time.Minute, Interval: 5 * time.Second})
}

// polled waits for the next poll and answers it.
func (v *visit) polled(verdict kiosk.Verdict) *visit {
	v.pass(5 * time.Second)
	return v.do(kiosk.Polled{Number: v.s.Question, Request: v.s.Request.Number, Verdict: verdict})
}

func TestSound(t *testing.T) {
	press := func(k kiosk.KeyName) kiosk.Press { return kiosk.Press{Key: k} }
	for name, c := range map[string]struct {
		play func(*visit)
		want []Bells
	}{
		"approved": {func(v *visit) {
			v.acknowledged().polled(kiosk.Granted)
			v.do(kiosk.Verified{Number: v.s.Question})
			v.do(kiosk.Fetched{Number: v.s.Question}).do(press(kiosk.OtherKey))
		}, []Bells{PhoneRings, PhoneDone}},
		"declined":       {func(v *visit) { v.acknowledged().polled(kiosk.Denied) }, []Bells{PhoneRings, VisitStopped}},
		"cancelled":      {func(v *visit) { v.acknowledged().do(press(kiosk.EscapeKey)) }, []Bells{PhoneRings}},
		"nobody answers": {func(v *visit) { v.acknowledged().pass(59 * time.Second) }, []Bells{PhoneRings, TimeRunsOut}},
		"only typed": {func(v *visit) {
			v.do(press(kiosk.OtherKey)).do(kiosk.Press{Key: kiosk.RuneKey, Rune: 'a'}).do(press(kiosk.EscapeKey))
		}, nil},
	} {
		v := newVisit(t)
		c.play(v)
		if !slices.Equal(v.bells, c.want) {
			t.Errorf("%s: %v, want %v", name, v.bells, c.want)
		}
	}
}

// messageNames shows each message as its name.
type messageNames struct{}

func (messageNames) Text(id MessageID, _ ...any) string { return string(id) }

// Nobody in front of the screen can see that the server has refused before the refusal is shown.
func TestRefusalsLookLikeAsking(t *testing.T) {
	v := newVisit(t).do(kiosk.IdentifierEntered{Identifier: kiosk.Secret("alice")})
	asking := v.s
	v.now = time.Second
	v.do(kiosk.Failed{Number: v.s.Question, Reason: kiosk.Refused})
	a, b := View(asking, v.now, messageNames{}, kiosk.Private{}, Device{}), View(v.s, v.now, messageNames{}, kiosk.Private{}, Device{})
	if v.s.Phase != kiosk.Asking || !reflect.DeepEqual(a, b) {
		t.Errorf("in %s: refused and not yet refused look different: %+v %+v", v.s.Phase, a, b)
	}
}

func TestAdviceAfterAnExpiredHint(t *testing.T) {
	v := newVisit(t).do(kiosk.IdentifierEntered{Identifier: kiosk.Secret("alice")})
	v.do(kiosk.InputRequired{Number: v.s.Question, Input: kiosk.FreshHintRequired}).pass(5 * time.Second)
	if v.s.Phase != kiosk.Ended || Advice(v.s) != MsgEndedScanAgain {
		t.Errorf("%s: the advice is %q", v.s.Phase, Advice(v.s))
	}
}
