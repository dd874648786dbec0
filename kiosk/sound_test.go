package kiosk

import (
	"slices"
	"testing"
	"time"
)

// heard is what a visit sounds like, from one state to the next.
func heard(y *story, steps ...func()) (all []Bells) {
	was, before := y.s, y.now
	for _, step := range steps {
		step()
		if b := Sound(was, before, y.s, y.now); b != Quiet {
			all = append(all, b)
		}
		was, before = y.s, y.now
	}
	return all
}

func TestWhatAVisitSoundsLike(t *testing.T) {
	y := begin(t)
	ask := func() { y.asked(time.Minute, 5*time.Second) }
	wait := func() { y.wait(time.Second) }
	approve := func() {
		y.poll(Polled{Verdict: Granted}).do(Verified{y.s.Question})
		y.do(Fetched{y.s.Question}).in(Shown)
	}
	for name, c := range map[string]struct {
		steps []func()
		want  []Bells
	}{
		"approved":       {[]func(){ask, approve, func() { y.do(key(OtherKey)) }}, []Bells{PhoneRings, PhoneDone}},
		"declined":       {[]func(){ask, func() { y.poll(Polled{Verdict: Denied}).ended(Declined) }}, []Bells{PhoneRings, VisitStopped}},
		"cancelled":      {[]func(){ask, func() { y.do(key(EscapeKey)).ended(Cancelled) }}, []Bells{PhoneRings}},
		"nobody answers": {slices.Concat([]func(){ask}, slices.Repeat([]func(){wait}, 59)), []Bells{PhoneRings, TimeRunsOut}},
		"only typed":     {[]func(){func() { y.do(key(OtherKey)) }, func() { y.do(letter('a')) }, func() { y.do(key(EscapeKey)) }}, nil},
	} {
		y = begin(t)
		if got := heard(y, c.steps...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
