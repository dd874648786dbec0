package headless

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/plain"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// Line is one JSON object of `kiosk login --json`. It has no member for tokens, the auth_req_id, the whole identifier or
// the user code.
type Line struct {
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

// Lines is the display of one visit without a screen. It writes a line whenever something has changed. Its methods must
// not be called concurrently.
type Lines struct {
	Texts
	// Reason is why the visit ended, once its last line is written; NoReason if the result was delivered.
	Reason kiosk.Reason
	// Err is the first error of writing. It ends the visit.
	Err error

	out         io.Writer
	json        bool
	ended       func() // called once, after the last line
	askUserCode func() // called for each request for which the server first requires a user code
	outageText  string // the operator's text about an outage, shown with the last line

	started    bool // the visit
	written    summary
	askedFor   string // the request for which askUserCode was called last
	visit      string // name of the first request; later ones, with a user code, belong to the same visit
	isComplete bool   // the last line is written
}

// summary is the part of a state that decides whether a new line is due.
type summary struct {
	phase    kiosk.Phase
	visit    string
	interval time.Duration
	lost     bool
}

// Lines returns the display of one visit, which writes JSON or sentences to out and calls ended once, after the last line.
func (t Texts) Lines(asJSON bool, out io.Writer, ended func()) *Lines {
	return &Lines{Texts: t, json: asJSON, out: out, ended: ended}
}

// Show implements kiosk.Display.
func (l *Lines) Show(now time.Duration, s kiosk.State, p kiosk.Private) {
	if s.Busy() {
		l.started = true
	} else if l.started {
		l.endWithout(kiosk.Cancelled) // an input, such as a user code, did not come in time
	}
	if l.isComplete || s.Request.Visit == "" && s.Phase != kiosk.Ended {
		return // the request has not left yet
	}
	switch s.Phase {
	case kiosk.EnterUserCode: // the next line belongs to the next request
		if l.askedFor != s.Request.Visit {
			l.askedFor = s.Request.Visit
			l.askUserCode()
		}
		return
	case kiosk.Ready, kiosk.Closed, kiosk.Identify, kiosk.Clearing:
		return
	}
	if l.visit == "" {
		l.visit = s.Request.Visit
	}
	s.Request.Visit = l.visit
	is := summary{phase: s.Phase, visit: s.Request.Visit}
	if s.Phase == kiosk.Waiting {
		is.interval, is.lost = s.Request.Schedule.Interval, s.Request.Schedule.ConnectionLost
	}
	if is == l.written {
		return
	}
	l.written = is
	if l.json {
		l.writeJSON(now, s, p)
	} else {
		l.writeSentences(now, s, p)
	}
	if s.Phase == kiosk.Shown || s.Phase == kiosk.Ended {
		l.Reason = s.Ending.Reason
		l.complete()
	}
}

func (l *Lines) complete() {
	if !l.isComplete {
		l.isComplete = true
		l.ended()
	}
}

func (l *Lines) writeJSON(now time.Duration, s kiosk.State, p kiosk.Private) {
	x := Line{Time: l.Wall().UTC().Format(time.RFC3339), Visit: s.Request.Visit, Phase: s.Phase.String()}
	switch s.Phase {
	case kiosk.Waiting:
		left := s.Left(now)
		x.Code, x.Binding, x.ExpiresIn = s.Request.Code, s.Request.BindingMessage, &left
		x.Interval = int((s.Request.Schedule.Interval + time.Second - 1) / time.Second)
		x.Connection = "ok"
		if s.Request.Schedule.ConnectionLost {
			x.Connection = "lost"
		}
	case kiosk.Shown:
		x.Subject, x.Result = p.Person.Subject, &p.Result
		if x.Result.Fields == nil {
			x.Result.Fields = []kiosk.Field{}
		}
	case kiosk.Ended:
		x.Reason, x.Advice = s.Ending.Reason.String(), l.Catalog.Text(screen.Advice(s))
		if s.Ending.Reason == kiosk.HeldBack {
			x.Advice += " " + screen.WaitText(l.Catalog, s.ThrottledFor(now))
		}
		if l.outageText != "" {
			x.Advice = l.outageText
		}
	}
	b, err := json.Marshal(x)
	if err == nil {
		_, err = l.out.Write(append(b, '\n'))
	}
	l.check(err)
}

// check ends the visit after the first error of writing: the client is gone.
func (l *Lines) check(err error) {
	if err == nil || l.Err != nil {
		return
	}
	l.Err = fmt.Errorf("output: %w", err)
	l.complete()
}

// writeSentences writes the screen in sentences, without its keys.
func (l *Lines) writeSentences(now time.Duration, s kiosk.State, p kiosk.Private) {
	s.Reading.Revealed = true
	sc := screen.View(s, now, l.Catalog, p, l.Device)
	sc.Keys = nil
	for _, text := range plain.Say(sc) {
		_, err := fmt.Fprintln(l.out, text)
		l.check(err)
	}
	if l.outageText != "" {
		_, err := fmt.Fprintln(l.out, l.outageText)
		l.check(err)
	}
}

// endWithout writes the last line of a visit that ended without one.
func (l *Lines) endWithout(reason kiosk.Reason) {
	l.Show(0, kiosk.State{Phase: kiosk.Ended, Ending: kiosk.Ending{Reason: reason}}, kiosk.Private{})
}
