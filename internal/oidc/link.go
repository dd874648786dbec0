package oidc

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"
)

// LinkError is a failure of the line: nothing arrived, or not all of it. Its text
// is cut down to harmless ASCII, because net/http quotes what a broken server sent.
type LinkError struct{ cause error }

// Error says what happened in at most 200 characters.
func (e *LinkError) Error() string {
	if errors.Is(e.cause, context.DeadlineExceeded) {
		return "no answer in time"
	}
	if errors.Is(e.cause, context.Canceled) {
		return "given up on request"
	}
	err := e.cause
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the method and the address
	}
	return Printable(unquoted(err.Error()), 200)
}

// Unwrap gives the cause, for errors.Is and errors.As.
func (e *LinkError) Unwrap() error { return e.cause }

// Timeout tells whether time ran out.
func (e *LinkError) Timeout() bool {
	var t net.Error
	return errors.As(e.cause, &t) && t.Timeout()
}

// ClockSuspect tells whether err is a server certificate that is not valid yet
// at the given time: nearly always a device that does not know the date.
func ClockSuspect(err error, now time.Time) bool {
	var c x509.CertificateInvalidError
	return errors.As(err, &c) && c.Reason == x509.Expired && c.Cert != nil && now.Before(c.Cert.NotBefore)
}

// unquoted drops what stands between double quotes: in the errors of net/http
// that is the server's own text.
func unquoted(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, `"`)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteString(`""`)
		if _, s, ok = strings.Cut(rest, `"`); !ok {
			return b.String()
		}
	}
}

// Printable cuts a foreign text down to the printable ASCII characters in it, and
// those to max bytes. It is for logs; nothing foreign goes on the screen.
func Printable(s string, max int) string {
	b := make([]byte, 0, min(len(s), max))
	for i := 0; i < len(s) && len(b) < max; i++ {
		if s[i] >= 0x20 && s[i] <= 0x7e {
			b = append(b, s[i])
		}
	}
	return string(b)
}
