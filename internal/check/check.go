// Package check defines how a part of the kiosk reports whether it works. Each adapter exports checks of its own
// failures; package doctor puts them in order and shows their outcomes.
package check

import (
	"context"
	"errors"
	"fmt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Result classifies an outcome.
type Result string

// The results.
const (
	Passed   Result = "ok"
	Warning  Result = "warning"   // the kiosk serves, but a technician should look at it
	Failed   Result = "failed"    // the kiosk does not serve until this is fixed
	NotTried Result = "not_tried" // a prerequisite failed, or this user lacks permission
	Skipped  Result = "skipped"   // not configured, or not present on this device
)

// Outcome is the outcome of one check. The zero Outcome is a pass without text.
type Outcome struct {
	Result Result       // empty: Passed
	Text   string       // the state found, for a technician; contains neither secrets nor personal data
	Fix    string       // what to do, in one line; with Failed, Warning and Hidden
	Reason kiosk.Reason // with Failed: how a visit would end; NoReason counts as Internal
}

// Pass reports that the check passed.
func Pass(format string, args ...any) Outcome {
	return Outcome{Result: Passed, Text: fmt.Sprintf(format, args...)}
}

// Skip reports that there is nothing to check.
func Skip(text string) Outcome { return Outcome{Result: Skipped, Text: text} }

// Warn reports something that a technician should look at.
func Warn(text, fix string) Outcome { return Outcome{Result: Warning, Text: text, Fix: fix} }

// Fail reports a failure that must be fixed.
func Fail(reason kiosk.Reason, text, fix string) Outcome {
	return Outcome{Result: Failed, Text: text, Fix: fix, Reason: reason}
}

// Hidden reports that the user who runs the check lacks permission. It is not a failure; checks that need this one
// are not tried.
func Hidden(text, fix string) Outcome { return Outcome{Result: NotTried, Text: text, Fix: fix} }

// Check examines one thing.
type Check struct {
	Name  string
	Needs []string // earlier checks in the list; if one of them failed, this one is not tried
	Run   func(context.Context) Outcome
}

// Cause returns the text of err without the operation that failed: the name of the check says that already.
func Cause(err error) string {
	var e *kiosk.Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
}
