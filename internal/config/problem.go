package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// ErrNotProvisioned is in Load's error where nothing of issuer, client
// identifier and credentials is set: the device waits for `kiosk provision`.
var ErrNotProvisioned = errors.New("no client registration on this device yet")

// Problem is one thing that is wrong with the settings.
type Problem struct {
	Setting    string // the variable's name
	Value      string // as set, cut to one line; "[secret]" or empty where it must not or cannot be shown
	Cause      string // what is wrong with it, without the value
	Allowed    string // what would be right; may be empty
	Suggestion string // the nearest known name or word; may be empty
	Missing    bool   // part of the client registration that is not there: provisioning supplies it
	Denied     bool   // this process may not read the file; as errors.Is(p, fs.ErrPermission)
	Sealed     bool   // with Denied: it is encrypted, and systemd opens it for the service only
	Origin     string // where the value came from, as in Row; empty if it is missing
}

// Is says so to errors.Is.
func (p Problem) Is(target error) bool { return p.Denied && target == fs.ErrPermission }

// Error is the whole sentence for a technician.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Setting)
	if p.Value != "" {
		fmt.Fprintf(&b, " is %q", p.Value)
		if p.Origin != "" {
			fmt.Fprintf(&b, " (%s)", p.Origin)
		}
	} else if p.Origin != "" {
		fmt.Fprintf(&b, " (%s)", p.Origin)
	}
	b.WriteString(": " + p.Cause)
	if p.Allowed != "" {
		b.WriteString("; allowed: " + p.Allowed)
	}
	if p.Suggestion != "" {
		b.WriteString("; did you mean " + p.Suggestion + "?")
	}
	return b.String()
}

// UnknownValue makes the problem of a value that is none of the known ones, for the
// lists that other packages keep: themes, languages, profiles.
func (s *Settings) UnknownValue(setting, value string, known []string) Problem {
	p := Problem{
		Setting: setting, Value: shorten(value), Cause: "that is not known",
		Allowed: strings.Join(known, ", "), Suggestion: suggest(value, known, maxTypos),
	}
	for _, r := range s.rows {
		if r.Name == setting {
			p.Origin = r.Origin
		}
	}
	return p
}

// Problems is Load's error: everything that is wrong, in the order of the
// documentation, at least one. One problem a line.
type Problems []Problem

// Error lists the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each problem.
func (p Problems) Unwrap() []error {
	all := make([]error, len(p))
	for i := range p {
		all[i] = p[i]
	}
	return all
}

// As lets kiosk.ReasonOf find the reason: Misconfigured.
func (p Problems) As(target any) bool {
	t, ok := target.(**kiosk.Error)
	if ok {
		*t = kiosk.Fail(kiosk.Misconfigured, "settings", nil)
	}
	return ok
}

// unprovisioned are the problems of a device that has no registration.
type notProvisioned struct{ Problems }

func (u notProvisioned) Is(target error) bool { return target == ErrNotProvisioned }

func (u notProvisioned) Error() string {
	return ErrNotProvisioned.Error() + "\n" + u.Problems.Error()
}

func (u notProvisioned) Unwrap() error { return u.Problems }

func (u notProvisioned) As(target any) bool {
	t, ok := target.(**kiosk.Error)
	if ok {
		*t = kiosk.Fail(kiosk.NotProvisioned, "settings", nil)
	}
	return ok
}

// shorten cuts a value to what fits on a line.
func shorten(s string) string {
	const most = 80 // columns of the narrowest console
	runes := []rune(strings.ToValidUTF8(s, "?"))
	if len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return string(runes)
}
