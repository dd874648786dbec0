package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// TransportError is a failure of the line: nothing arrived, or not all of it. Its text
// is made of fixed words, because the errors of net/http, of the resolver and of
// crypto/tls repeat what the other end sent, and that may be somebody's name.
type TransportError struct{ cause error }

// Error says what kind of failure it was. Of foreign origin there is at most the
// number of a TLS alert, in the words that crypto/tls has for it.
func (e *TransportError) Error() string {
	for _, words := range []func(error) string{timeoutText, ownText, tlsText, socketText} {
		if s := words(e.cause); s != "" {
			return s
		}
	}
	return "malformed answer" // nothing else is left that could fail
}

// ownError is a failure that this package put into words.
type textError string

func (e textError) Error() string { return string(e) }

// dialError is a failure to connect.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

func ownText(err error) string {
	var own textError
	errors.As(err, &own)
	return string(own)
}

func timeoutText(err error) string {
	var t net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "given up on request"
	case !errors.Is(err, context.DeadlineExceeded) && !(errors.As(err, &t) && t.Timeout()):
		return ""
	case errors.As(err, new(dialError)):
		return "no connection in time"
	}
	return "no answer in time"
}

func tlsText(err error) string {
	const certificate = "TLS: the server's certificate "
	var (
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
		op      *net.OpError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		// Go says which of the two only here; the rest of it is two dates.
		if strings.Contains(invalid.Detail, " is before ") {
			return certificate + "is not valid yet"
		}
		return certificate + "has expired"
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return certificate + "is from an unknown authority"
	case errors.As(err, &host): // Host is the name we dialled
		return certificate + "is not for " + Printable(host.Host, 100)
	case errors.As(err, new(*tls.CertificateVerificationError)), errors.As(err, &invalid):
		return certificate + "is not valid"
	case errors.As(err, new(tls.RecordHeaderError)), errors.Is(err, http.ErrSchemeMismatch):
		return "TLS: the server does not speak it there"
	case errors.As(err, &op) && op.Op == "remote error" && op.Err != nil:
		return "TLS: the server refused: " + Printable(strings.TrimPrefix(op.Err.Error(), "tls: "), 60)
	}
	// The others have no types; only what they begin with is looked at.
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	switch text := err.Error(); {
	case strings.HasPrefix(text, "x509: "):
		return certificate + "is not valid"
	case strings.HasPrefix(text, "tls: "):
		return "TLS: the handshake failed"
	}
	return ""
}

func socketText(err error) string {
	var name *net.DNSError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return "the host name is not known"
	case errors.As(err, &name):
		return "the host name could not be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to the server"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the answer was cut off"
	case errors.Is(err, io.EOF), strings.HasSuffix(err.Error(), "http: server closed idle connection"):
		return "the server hung up"
	case errors.As(err, new(dialError)):
		return "no connection"
	case errors.As(err, new(*net.OpError)), errors.Is(err, net.ErrClosed):
		return "the connection failed"
	}
	return ""
}

// Unwrap gives the cause, for errors.Is and errors.As.
func (e *TransportError) Unwrap() error { return e.cause }

// Timeout tells whether time ran out.
func (e *TransportError) Timeout() bool {
	var t net.Error
	return errors.As(e.cause, &t) && t.Timeout()
}

// SuggestsWrongClock tells whether err is a server certificate that is not valid yet
// at the given time: nearly always a device that does not know the date.
func SuggestsWrongClock(err error, now time.Time) bool {
	var c x509.CertificateInvalidError
	return errors.As(err, &c) && c.Reason == x509.Expired && c.Cert != nil && now.Before(c.Cert.NotBefore)
}

// IsClientCertificateRejected tells whether err is a server that ended the handshake because of
// our certificate, or because there was none (RFC 8446, section 6.2).
func IsClientCertificateRejected(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return false
	}
	// The type of a received alert is not exported; its text is that of the exported one.
	return slices.ContainsFunc(certificateAlerts, func(a tls.AlertError) bool { return op.Err.Error() == a.Error() })
}

// certificateAlerts are bad_certificate to certificate_unknown, unknown_ca,
// access_denied and certificate_required.
var certificateAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48, 49, 116}

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
