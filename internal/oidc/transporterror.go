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

	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
)

// TransportError means that no response came, or not all of it. Its text is made of fixed words: the errors of net/http,
// the resolver and crypto/tls quote what the server sent, which may be personal data.
type TransportError struct {
	cause error
	stale bool // see IsStaleConnection
}

// Error names the kind of failure. Its only foreign part is the name of a TLS alert, in crypto/tls's words.
func (e *TransportError) Error() string {
	for _, describe := range []func(error) string{timeoutText, ownText, tlsText, socketText} {
		if s := describe(e.cause); s != "" {
			return s
		}
	}
	return "malformed response" // no other failure is left
}

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *TransportError) Unwrap() error { return e.cause }

// Timeout reports whether time ran out.
func (e *TransportError) Timeout() bool {
	var t net.Error
	return errors.As(e.cause, &t) && t.Timeout()
}

// IsStaleConnection reports whether a request met the end of a kept connection: it closed before a byte of the response.
// The server has usually closed it for being idle, but may have read the request.
func IsStaleConnection(err error) bool {
	var e *TransportError
	return errors.As(err, &e) && e.stale
}

// textError is a failure that this package words itself.
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
		return "cancelled"
	case !errors.Is(err, context.DeadlineExceeded) && !(errors.As(err, &t) && t.Timeout()):
		return ""
	case errors.As(err, new(dialError)):
		return "connecting timed out"
	}
	return "no response in time"
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
		// Only Detail tells an expired certificate from a future one.
		if strings.Contains(invalid.Detail, " is before ") {
			return certificate + "is not valid yet"
		}
		return certificate + "has expired"
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return certificate + "is signed by an unknown authority"
	case errors.As(err, &host): // Host is the name that was dialled
		return certificate + "is not for " + sanitize.ASCII(host.Host, 100)
	case errors.As(err, new(*tls.CertificateVerificationError)), errors.As(err, &invalid):
		return certificate + "is not valid"
	case errors.As(err, new(tls.RecordHeaderError)), errors.Is(err, http.ErrSchemeMismatch):
		return "TLS: the server does not use TLS on this port"
	case errors.As(err, &op) && op.Op == "remote error" && op.Err != nil:
		return "TLS: rejected by the server: " + sanitize.ASCII(strings.TrimPrefix(op.Err.Error(), "tls: "), 60)
	}
	// The remaining errors have no types; only how they begin is examined.
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
		return "unknown host name"
	case errors.As(err, &name):
		return "the host name lookup failed"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to the server"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "response cut off"
	case errors.Is(err, io.EOF), strings.HasSuffix(err.Error(), "http: server closed idle connection"):
		return "the server closed the connection"
	case errors.As(err, new(dialError)):
		return "no connection"
	case errors.As(err, new(*net.OpError)), errors.Is(err, net.ErrClosed):
		return "the connection failed"
	}
	return ""
}

// SuggestsWrongClock reports whether err is a server certificate that is not valid yet at now: nearly always the fault of
// this device's clock.
func SuggestsWrongClock(err error, now time.Time) bool {
	var c x509.CertificateInvalidError
	return errors.As(err, &c) && c.Reason == x509.Expired && c.Cert != nil && now.Before(c.Cert.NotBefore)
}

// IsClientCertificateRejected reports whether err is a handshake that the server ended because of the client certificate
// or the lack of one. (RFC 8446, section 6.2)
func IsClientCertificateRejected(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return false
	}
	// A received alert has an unexported type, and the text of the exported one.
	return slices.ContainsFunc(certificateAlerts, func(a tls.AlertError) bool { return op.Err.Error() == a.Error() })
}

// certificateAlerts are bad_certificate to certificate_unknown, unknown_ca, access_denied and certificate_required.
var certificateAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48, 49, 116}
