// Package doctor puts checks in order and finds the root of what is wrong: a check
// that needs another one which failed is not tried, so that one cause is told once,
// and first. What is looked at, and how, is handed in; who reads the report, and
// where, is the caller's business. It imports nothing but package kiosk.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Result is what came of a check.
type Result string

// The results.
const (
	Well     Result = "ok"
	Warned   Result = "warning"   // it serves, and somebody should look
	Failed   Result = "failed"    // it does not serve until that is put right
	NotTried Result = "not_tried" // something that it needs has failed, or who asks may not see it
	Unneeded Result = "skipped"   // nothing of the kind is set, or the device has none
)

// Finding is what a check has to say. The zero Finding is a well one without a word.
type Finding struct {
	Result Result       // empty: Well
	What   string       // how it is, in words for a technician; nothing personal, no secret
	Cure   string       // of a failure, a warning and what is unseen: what to do, in one line
	Reason kiosk.Reason // of a failure: as which a visit would end; NoReason counts as Internal
}

// OK is a finding that all is well.
func OK(what string, args ...any) Finding {
	return Finding{Result: Well, What: fmt.Sprintf(what, args...)}
}

// Skip is a finding that there is nothing to look at.
func Skip(what string) Finding { return Finding{Result: Unneeded, What: what} }

// Warn is a finding of what should be looked at.
func Warn(what, cure string) Finding { return Finding{Result: Warned, What: what, Cure: cure} }

// Fail is a finding of what must be put right.
func Fail(why kiosk.Reason, what, cure string) Finding {
	return Finding{Result: Failed, What: what, Cure: cure, Reason: why}
}

// Unseen is a finding that whoever runs this may not see what is looked at. It is no
// failure, and what needs it is not tried.
func Unseen(what, cure string) Finding { return Finding{Result: NotTried, What: what, Cure: cure} }

// Check is one thing that can be looked at.
type Check struct {
	Name string
	// Needs are checks that stand before this one in the list; while one of them
	// has failed there is nothing to be learnt here.
	Needs []string
	Look  func(context.Context) Finding
}

// Line is one check with its finding.
type Line struct {
	Check  string `json:"check"`
	Result Result `json:"result"`
	What   string `json:"what,omitempty"`
	Cure   string `json:"cure,omitempty"`
	Reason string `json:"reason,omitempty"` // of a failure: a name of the README's table of exit codes
	Behind string `json:"behind,omitempty"` // of one that was not tried: the check that is the root of it

	why kiosk.Reason
}

// Report is all lines, in the order of the checks.
type Report []Line

// Run looks at all checks, one after the other. tell, if not nil, hears of each line
// at once. When ctx ends, what is left is not tried.
func Run(ctx context.Context, checks []Check, tell func(Line)) Report {
	var all Report
	roots := map[string]string{} // of checks that have failed, or stand behind one
	for _, c := range checks {
		l := Line{Check: c.Name}
		for _, need := range c.Needs {
			if root := roots[need]; root != "" {
				l.Result, l.Behind = NotTried, root
				break
			}
		}
		if l.Result == "" && ctx.Err() != nil {
			l.Result, l.What = NotTried, "there was no time left"
		}
		if l.Result == "" {
			l.fill(c.Look(ctx))
		}
		switch l.Result {
		case Failed:
			roots[c.Name] = c.Name
		case NotTried:
			if roots[c.Name] = l.Behind; l.Behind == "" {
				roots[c.Name] = c.Name
			}
		}
		all = append(all, l)
		if tell != nil {
			tell(l)
		}
	}
	return all
}

func (l *Line) fill(f Finding) {
	l.Result, l.What = f.Result, oneLine(f.What)
	switch f.Result {
	case "":
		l.Result = Well
	case Warned, NotTried:
		l.Cure = oneLine(f.Cure)
	case Failed:
		l.Cure, l.why = oneLine(f.Cure), f.Reason
		if l.why == kiosk.NoReason {
			l.why = kiosk.Internal
		}
		l.Reason = l.why.String()
	}
}

// oneLine makes one line of a text.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Root is the first failure; ok is false where nothing has failed.
func (r Report) Root() (l Line, ok bool) {
	i := slices.IndexFunc(r, func(l Line) bool { return l.Result == Failed })
	if i < 0 {
		return Line{}, false
	}
	return r[i], true
}

// ExitCode is 0 if nothing has failed, else that of the first failure's reason; that of
// Internal where nothing has failed but something could not be looked at, of which nobody
// can say that it is well. A warning does not count: a script that wants to know reads the
// lines.
func (r Report) ExitCode() int {
	if l, ok := r.Root(); ok {
		return l.why.ExitCode()
	}
	if slices.ContainsFunc(r, Line.Unseen) {
		return kiosk.Internal.ExitCode()
	}
	return 0
}

// Unseen says whether a line is of what whoever runs this may not see.
func (l Line) Unseen() bool { return l.Result == NotTried && l.Cure != "" }

// Count is how many lines have a result.
func (r Report) Count(is Result) (n int) {
	for _, l := range r {
		if l.Result == is {
			n++
		}
	}
	return n
}

// Short is the report in at most so many bytes of ASCII, to be carried away in a QR
// code: heading, how many are well, then failures, warnings and what could not be seen, as
// long as they fit.
func (r Report) Short(heading string, most int) string {
	s := fmt.Sprintf("%s; %d ok", heading, r.Count(Well))
	for _, is := range []Result{Failed, Warned} {
		for _, l := range r {
			if l.Result == is {
				s += fmt.Sprintf("; %s %s: %s", strings.ToUpper(string(is)), l.Check, l.What)
			}
		}
	}
	for _, l := range r {
		if l.Unseen() {
			s += fmt.Sprintf("; NOT SEEN %s: %s", l.Check, l.What)
		}
	}
	if n := r.Count(NotTried); n > 0 {
		s += fmt.Sprintf("; %d not tried", n)
	}
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, s)
	if len(s) > most {
		s = s[:max(most-3, 0)] + "..."
	}
	return s
}
