package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// ErrNotProvisioned is in Load's error if there is no client on this device yet: neither a client identifier nor a
// credential. The issuer may be set. The device waits for `kiosk provision`.
var ErrNotProvisioned = errors.New("no client registration on this device yet")

// Problem is one problem of the settings, found by Load.
type Problem struct {
	Setting    string // the variable's name
	Value      string // as set, shortened to one line; empty if it is not shown
	Cause      string // what is wrong, without the value
	Allowed    string // what would be valid; may be empty
	Suggestion string // the nearest valid name or word; may be empty
	Missing    bool   // a missing part of the client registration, which provisioning supplies
	Denied     bool   // this process may not read the file; then errors.Is(p, fs.ErrPermission)
	Sealed     bool   // with Denied: encrypted, so that systemd decrypts it for the service only
	Origin     string // as in Row
	Fix        string // what to do instead of correcting the value; may be empty
}

// Is reports whether target is fs.ErrPermission and this process may not read the file.
func (p Problem) Is(target error) bool { return p.Denied && target == fs.ErrPermission }

// Error returns setting, value, origin, cause, valid values and suggestion in one line for a technician.
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

// UnknownValue returns the problem of a value that is not in known. It is for the lists of other packages: themes,
// languages, profiles.
func (s *Settings) UnknownValue(setting, value string, known []string) Problem {
	p := Problem{
		Setting: setting, Value: shorten(value), Cause: "unknown value",
		Allowed: strings.Join(known, ", "), Suggestion: suggest(value, known, maxTypos),
	}
	for _, r := range s.rows {
		if r.Name == setting {
			p.Origin = r.Origin
		}
	}
	return p
}

// WithFaults returns the error of settings whose files have faults: one problem for each line of faults, then those of loadErr.
// What is missing is left out: it may be in a line with a fault.
func WithFaults(loadErr, faults error) Problems {
	var all, loaded Problems
	for line := range strings.Lines(faults.Error()) {
		all = append(all, Problem{Setting: "settings", Cause: strings.TrimSpace(line)})
	}
	errors.As(loadErr, &loaded)
	return append(all, slices.DeleteFunc(slices.Clone(loaded), func(p Problem) bool { return p.Missing })...)
}

// Problem returns a problem of a setting that another package has found.
func (s *Settings) Problem(setting, cause string) Problem {
	p := Problem{Setting: setting, Cause: cause}
	for _, d := range Doc() {
		if d.Name == setting && d.Allowed != fileAllowed && d.Allowed != privateAllowed { // the path is right, the content is not
			p.Allowed = d.Allowed
		}
	}
	for _, r := range s.rows {
		if r.Name == setting {
			p.Origin = r.Origin
		}
	}
	return p
}

// Merge adds problems to an error of Load, nil or not. It returns nil if there is no problem.
func Merge(loadErr error, more Problems) error {
	var none notProvisioned
	var loaded Problems
	switch {
	case len(more) == 0:
		return loadErr
	case errors.As(loadErr, &none):
		return notProvisioned{append(slices.Clone(none.Problems), more...)}
	case errors.As(loadErr, &loaded):
		return append(slices.Clone(loaded), more...)
	case loadErr != nil:
		return errors.Join(loadErr, more)
	}
	return more
}

// Problems is the error of Load: all problems, at least one, in the order of the documentation.
type Problems []Problem

// Error returns the problems, one per line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each problem.
func (p Problems) Unwrap() []error {
	all := make([]error, len(p))
	for i := range p {
		all[i] = p[i]
	}
	return all
}

// As makes kiosk.ReasonOf return Misconfigured.
func (p Problems) As(target any) bool {
	t, ok := target.(**kiosk.Error)
	if ok {
		*t = kiosk.Fail(kiosk.Misconfigured, "settings", nil)
	}
	return ok
}

// notProvisioned is the error of Load on a device without a registration.
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

// shorten returns s, cut to one line of the narrowest console.
func shorten(s string) string {
	const most = 80 // columns
	runes := []rune(strings.ToValidUTF8(s, "?"))
	if len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return string(runes)
}
