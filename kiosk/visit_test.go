package kiosk

import (
	"testing"
	"time"
)

// visit plays events through Step as the runner does. The test answers for the authorization server.
type visit struct {
	t       *testing.T
	s       State
	now     time.Duration
	effects []Effect // of the last event
	records []Record
	polls   []time.Duration
	asks    int
}

func newVisit(t *testing.T) *visit {
	t.Helper()
	return &visit{t: t, s: New(DefaultRules())}
}

func (v *visit) do(events ...Event) *visit {
	v.t.Helper()
	v.effects = nil
	for len(events) > 0 {
		e := events[0]
		events = events[1:]
		if p, ok := e.(Press); ok {
			p.Seen = v.s.Phase
			e = p
		}
		var out []Effect
		v.s, out = Step(v.s, v.now, e)
		for _, f := range out {
			switch f := f.(type) {
			case EditInput:
				events = append([]Event{InputChanged{Length: 5, Masked: "a***"}}, events...)
			case SetInput:
				events = append([]Event{InputChanged{Length: 5, Masked: "a***", Complete: true}}, events...)
			case Prepare:
				events = append(events, Prepared{f.Number, "visit", "K7-4F9Q"})
			case Commit:
				v.records = append(v.records, f.Record)
			case Ask:
				v.asks++
			case Poll:
				v.polls = append(v.polls, v.now)
			case Wipe:
				events = append(events, Wiped{f.Request})
			}
			v.effects = append(v.effects, f)
		}
	}
	return v
}

func (v *visit) wait(d time.Duration) *visit {
	v.t.Helper()
	for end := v.now + d; ; {
		at, ok := Wake(v.s, v.now)
		if !ok || at > end {
			v.now = end
			return v
		}
		if at == v.now { // already due; then let a moment pass
			before := v.s
			v.do(Tick{})
			if v.s == before {
				v.now = min(end, v.now+time.Millisecond)
			}
			continue
		}
		v.now = at
		v.do(Tick{})
	}
}

// acknowledged brings the visit to Waiting.
func (v *visit) acknowledged(expires, interval time.Duration) *visit {
	v.t.Helper()
	v.do(IdentifierEntered{Identifier: Secret("alice")})
	v.do(Acknowledged{Number: v.s.Question, Expires: expires, Interval: interval})
	return v.in(Waiting)
}

// poll waits for the next poll and answers it.
func (v *visit) poll(a Polled) *visit {
	v.t.Helper()
	for n := len(v.polls); len(v.polls) == n; {
		at, ok := Wake(v.s, v.now)
		if !ok || v.s.Phase != Waiting {
			v.t.Fatalf("no poll is sent in %s", v.s.Phase)
		}
		v.now = max(at, v.now+time.Millisecond)
		v.do(Tick{})
	}
	return v.answer(a)
}

func (v *visit) answer(a Polled) *visit {
	v.t.Helper()
	a.Number, a.Request = v.s.Question, v.s.Request.Number
	return v.do(a)
}

// approved brings the visit to Checking.
func (v *visit) approved() *visit {
	v.t.Helper()
	return v.acknowledged(time.Minute, 5*time.Second).poll(Polled{Verdict: Granted}).in(Checking)
}

func (v *visit) shown() *visit {
	v.t.Helper()
	v.approved().do(Verified{v.s.Question})
	v.in(Fetching).do(Fetched{v.s.Question})
	return v.in(Shown)
}

// require makes the server require an input instead of acknowledging the request.
func (v *visit) require(w RequiredInput) *visit {
	v.t.Helper()
	return v.in(Asking).do(InputRequired{v.s.Question, w})
}

func (v *visit) in(p Phase) *visit {
	v.t.Helper()
	if v.s.Phase != p {
		v.t.Fatalf("in %s, want %s (%+v)", v.s.Phase, p, v.s)
	}
	return v
}

func (v *visit) ended(r Reason) *visit {
	v.t.Helper()
	v.in(Ended)
	if v.s.Ending.Reason != r {
		v.t.Fatalf("ended for %s, want %s", v.s.Ending.Reason, r)
	}
	return v
}

func (v *visit) lastRecord() Record {
	v.t.Helper()
	if len(v.records) == 0 {
		v.t.Fatal("nothing is on record")
	}
	return v.records[len(v.records)-1]
}

func hasEffect[E Effect](v *visit) bool {
	for _, f := range v.effects {
		if _, ok := f.(E); ok {
			return true
		}
	}
	return false
}

func key(k KeyName) Press { return Press{Key: k} }

func letter(r rune) Press { return Press{Key: RuneKey, Rune: r} }

func sec(n int) time.Duration { return time.Duration(n) * time.Second }
