package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Root returns the first failure; ok is false if nothing failed.
func (r Report) Root() (l Line, ok bool) {
	i := slices.IndexFunc(r, func(l Line) bool { return l.Result == check.Failed })
	if i < 0 {
		return Line{}, false
	}
	return r[i], true
}

// ExitCode returns the exit code of the first failure's reason. Without a failure it is 0, or that of Internal if a check
// was hidden: then it is not known whether the kiosk works. Warnings do not count.
func (r Report) ExitCode() int {
	if l, ok := r.Root(); ok {
		return l.reason.ExitCode()
	}
	if slices.ContainsFunc(r, Line.IsHidden) {
		return kiosk.Internal.ExitCode()
	}
	return 0
}

// Count returns the number of lines with a result.
func (r Report) Count(result check.Result) (n int) {
	for _, l := range r {
		if l.Result == result {
			n++
		}
	}
	return n
}

// Short returns the report in at most size bytes of ASCII, for a QR code: the heading and the number of passed checks, then
// failures, warnings and hidden checks, cut to size.
func (r Report) Short(heading string, size int) string {
	s := fmt.Sprintf("%s; %d ok", heading, r.Count(check.Passed))
	for _, result := range []check.Result{check.Failed, check.Warning} {
		for _, l := range r {
			if l.Result == result {
				s += fmt.Sprintf("; %s %s: %s", strings.ToUpper(string(result)), l.Check, l.Text)
			}
		}
	}
	for _, l := range r {
		if l.IsHidden() {
			s += fmt.Sprintf("; HIDDEN %s: %s", l.Check, l.Text)
		}
	}
	if n := r.Count(check.NotTried); n > 0 {
		s += fmt.Sprintf("; %d not tried", n)
	}
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, s)
	if len(s) > size {
		s = s[:max(size-3, 0)] + "..."
	}
	return s
}

// Fields returns the report for a small screen: failures, warnings and hidden checks first, then what was not tried, and
// last what passed.
func (r Report) Fields() []kiosk.Field {
	summary := fmt.Sprintf("failed: %d, warnings: %d, ok: %d", r.Count(check.Failed), r.Count(check.Warning), r.Count(check.Passed))
	fields := []kiosk.Field{{Label: "doctor", Value: summary}}
	add := func(label string, matches func(Line) bool) {
		for _, l := range r {
			if !matches(l) {
				continue
			}
			text := l.Text
			if l.Fix != "" {
				text += "; fix: " + l.Fix
			}
			fields = append(fields, kiosk.Field{Label: label + l.Check, Value: text})
		}
	}
	hasResult := func(result check.Result) func(Line) bool { return func(l Line) bool { return l.Result == result } }
	add("failed ", hasResult(check.Failed))
	add("warning ", hasResult(check.Warning))
	add("hidden ", Line.IsHidden)
	add("not tried ", func(l Line) bool { return l.Result == check.NotTried && l.Behind == "" && !l.IsHidden() })
	for _, root := range r {
		var behind []string
		for _, l := range r {
			if l.Behind == root.Check {
				behind = append(behind, l.Check)
			}
		}
		if behind != nil {
			fields = append(fields, kiosk.Field{Label: "behind " + root.Check, Value: strings.Join(behind, ", ")})
		}
	}
	add("", hasResult(check.Passed))
	return fields
}
