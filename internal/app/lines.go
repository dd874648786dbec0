package app

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/plain"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// line is one JSON object of `kiosk login --json`. Tokens, the auth_req_id, the
// whole identifier and the user code have no member here.
type line struct {
	Time       string        `json:"time"` // RFC 3339, UTC
	Visit      string        `json:"visit"`
	Phase      string        `json:"phase"`
	Code       string        `json:"code,omitempty"`
	Binding    string        `json:"binding_message,omitempty"`
	ExpiresIn  *int          `json:"expires_in,omitempty"`
	Interval   int           `json:"interval,omitempty"`
	Connection string        `json:"connection,omitempty"`
	Subject    string        `json:"subject,omitempty"`
	Result     *kiosk.Result `json:"result,omitempty"`
	Reason     string        `json:"reason,omitempty"`
	Advice     string        `json:"advice,omitempty"`
}

// lines is the display of a visit without a screen: it writes a line where
// something changed. It belongs to the runner's goroutine.
type lines struct {
	out   io.Writer
	json  bool
	words screen.Catalog
	place screen.Device
	wall  func() time.Time
	over  func() // called once, when the last line is out
	prove func() // called for each request of which the server first wants a user code
	// notice is what the operator says of being out of service, with the last line.
	notice string

	begun  bool // the visit
	last   said
	proved string // the request that prove was called for last
	visit  string // the first request's name: further ones, with a user code, are the same visit to whoever reads this
	reason kiosk.Reason
	done   bool
	err    error // of the first write that failed
}

// said is what the last line told, to see whether there is anything new.
type said struct {
	phase    kiosk.Phase
	visit    string
	interval time.Duration
	lost     bool
}

// Show implements kiosk.Display.
func (l *lines) Show(now time.Duration, s kiosk.State, p kiosk.Private) {
	if s.Busy() {
		l.begun = true
	} else if l.begun {
		l.endWithout(kiosk.Cancelled) // what was waited for, a user code say, did not come in time
	}
	if l.done || s.Visit == "" && s.Phase != kiosk.Ended {
		return // before the guard has let the request go there is nothing to tell
	}
	switch s.Phase {
	case kiosk.EnterUserCode:
		// No line: the next one is the next request's.
		if l.proved != s.Visit {
			l.proved = s.Visit
			l.prove()
		}
		return
	case kiosk.Ready, kiosk.Closed, kiosk.Identify, kiosk.Clearing:
		return
	}
	if l.visit == "" {
		l.visit = s.Visit
	}
	s.Visit = l.visit
	is := said{phase: s.Phase, visit: s.Visit}
	if s.Phase == kiosk.Waiting {
		is.interval, is.lost = s.Pace.Interval, s.Pace.ConnectionLost
	}
	if is == l.last {
		return
	}
	l.last = is
	if l.json {
		l.writeJSON(now, s, p)
	} else {
		l.writePlain(now, s, p)
	}
	if s.Phase == kiosk.Shown || s.Phase == kiosk.Ended {
		l.reason = s.Reason
		l.finish()
	}
}

func (l *lines) finish() {
	if !l.done {
		l.done = true
		l.over()
	}
}

func (l *lines) writeJSON(now time.Duration, s kiosk.State, p kiosk.Private) {
	x := line{Time: l.wall().UTC().Format(time.RFC3339), Visit: s.Visit, Phase: s.Phase.String()}
	switch s.Phase {
	case kiosk.Waiting:
		left := s.Left(now)
		x.Code, x.Binding, x.ExpiresIn = s.Code, s.BindingMessage, &left
		x.Interval = int((s.Pace.Interval + time.Second - 1) / time.Second)
		x.Connection = "ok"
		if s.Pace.ConnectionLost {
			x.Connection = "lost"
		}
	case kiosk.Shown:
		x.Subject, x.Result = p.Person.Subject, &p.Result
		if x.Result.Fields == nil {
			x.Result.Fields = []kiosk.Field{}
		}
	case kiosk.Ended:
		x.Reason, x.Advice = s.Reason.String(), l.words.Text(screen.Advice(s))
		if s.Reason == kiosk.HeldBack {
			x.Advice += " " + screen.WaitText(l.words, s.ThrottledFor(now))
		}
		if l.notice != "" {
			x.Advice = l.notice
		}
	}
	b, err := json.Marshal(x)
	if err == nil {
		_, err = l.out.Write(append(b, '\n'))
	}
	l.broken(err)
}

// broken ends the visit when nobody reads it any more: like a customer who left.
func (l *lines) broken(err error) {
	if err == nil || l.err != nil {
		return
	}
	l.err = fmt.Errorf("output: %w", err)
	l.finish()
}

// writePlain says the screen in sentences. Keys are left out: there are none here.
func (l *lines) writePlain(now time.Duration, s kiosk.State, p kiosk.Private) {
	s.Revealed = true
	sc := screen.View(s, now, l.words, p, l.place)
	sc.Keys = nil
	for _, text := range plain.Say(sc) {
		_, err := fmt.Fprintln(l.out, text)
		l.broken(err)
	}
	if l.notice != "" {
		_, err := fmt.Fprintln(l.out, l.notice)
		l.broken(err)
	}
}

// endWithout writes the last line of a visit that never came to one.
func (l *lines) endWithout(why kiosk.Reason) {
	l.Show(0, kiosk.State{Phase: kiosk.Ended, Reason: why}, kiosk.Private{})
}
