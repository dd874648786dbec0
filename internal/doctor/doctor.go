// Package doctor runs the checks that the parts of the kiosk export: in the order of their dependencies, so that the
// first failure is the root cause. It also presents the report. What a check examines is decided beside the code that
// can fail.
package doctor

import (
	"context"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Line is one check with its outcome.
type Line struct {
	Check  string       `json:"check"`
	Result check.Result `json:"result"`
	Text   string       `json:"what,omitempty"`
	Fix    string       `json:"cure,omitempty"`
	Reason string       `json:"reason,omitempty"` // with Failed: the name of the exit code
	Behind string       `json:"behind,omitempty"` // with NotTried: the check that is the root cause
	Root   bool         `json:"root,omitempty"`   // with Failed: the first failure, which is the root cause

	reason kiosk.Reason
}

// Report holds all lines, in the order of the checks.
type Report []Line

// Run runs the checks in order and skips those whose prerequisites failed. It calls tell, if not nil, with each line at
// once. When ctx ends, the remaining checks are not tried.
func Run(ctx context.Context, checks []check.Check, tell func(Line)) Report {
	var report Report
	roots := map[string]string{} // root cause by check that failed or was not tried
	for _, c := range checks {
		l := Line{Check: c.Name}
		for _, need := range c.Needs {
			if root := roots[need]; root != "" {
				l.Result, l.Behind = check.NotTried, root
				break
			}
		}
		if l.Result == "" && ctx.Err() != nil {
			l.Result, l.Text = check.NotTried, "there was no time left"
		}
		if l.Result == "" {
			l.fill(c.Run(ctx))
		}
		switch l.Result {
		case check.Failed:
			_, found := report.Root()
			roots[c.Name], l.Root = c.Name, !found
		case check.NotTried:
			if roots[c.Name] = l.Behind; l.Behind == "" {
				roots[c.Name] = c.Name
			}
		}
		report = append(report, l)
		if tell != nil {
			tell(l)
		}
	}
	return report
}

func (l *Line) fill(o check.Outcome) {
	l.Result, l.Text = o.Result, sanitize.Text(o.Text)
	switch o.Result {
	case "":
		l.Result = check.Passed
	case check.Warning, check.NotTried:
		l.Fix = sanitize.Text(o.Fix)
	case check.Failed:
		l.Fix, l.reason = sanitize.Text(o.Fix), o.Reason
		if l.reason == kiosk.NoReason {
			l.reason = kiosk.Internal
		}
		l.Reason = l.reason.String()
	}
}

// IsHidden reports whether the user lacked permission to run the check.
func (l Line) IsHidden() bool { return l.Result == check.NotTried && l.Fix != "" }
