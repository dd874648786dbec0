package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// ServerChecks examines the connection to the authorization server, layer by layer. Its checks share one exchange with
// the server, which CheckClock makes; run them in the order of their declaration. They ring no phone.
type ServerChecks struct {
	Issuer    *url.URL // nil if not configured
	Transport *Transport
	Clock     *Clock
	Wall      func() time.Time                  // the device's own clock
	BuildTime time.Time                         // the wall clock cannot be right before this
	TimeSync  func() (synchronised, known bool) // whether a time service keeps the wall clock; nil: not known

	err  error     // of the exchange
	date time.Time // from the exchange
}

// CheckClock examines the wall clock. With ask it also compares it with the server's Date header.
func (c *ServerChecks) CheckClock(ctx context.Context, ask bool) check.Outcome {
	const fix = "set the clock, or let systemd-timesyncd reach a time server"
	now := c.Wall()
	shown := now.UTC().Format(time.DateTime)
	if now.Before(c.BuildTime) {
		return check.Fail(kiosk.BadClock, "the device's clock shows "+shown+" UTC, before this program was built", fix)
	}
	if ask && c.Issuer != nil {
		c.exchange(ctx)
		if !c.date.IsZero() && now.Sub(c.date).Abs() > Tolerance {
			c.exchange(ctx) // the clock learns only from two dates that agree
		}
	}
	if SuggestsWrongClock(c.err, now) {
		return check.Fail(kiosk.BadClock, "the device's clock shows "+shown+" UTC; at that time the server's certificate was not valid yet", fix)
	}
	if !c.date.IsZero() && now.Sub(c.date).Abs() > Tolerance {
		off := c.date.Sub(now).Round(time.Second).String()
		if c.Clock.Offset().Abs() > time.Second {
			return check.Warn("the wall clock is off by "+off+"; the kiosk uses the server's date until it is corrected", fix)
		}
		return check.Fail(kiosk.BadClock, "the wall clock is off by "+off+" from the server's", fix)
	}
	if c.TimeSync != nil && c.date.IsZero() {
		if synchronised, known := c.TimeSync(); known && !synchronised {
			return check.Pass("%s UTC; no time service keeps the clock, and no server confirmed it", shown)
		}
	}
	return check.Pass("%s UTC", shown)
}

// exchange sends one request to the server and keeps its error or its date, whatever the status.
func (c *ServerChecks) exchange(ctx context.Context) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Issuer.Scheme+"://"+c.Issuer.Host+"/.well-known/openid-configuration", nil)
	if err != nil {
		c.err = err
		return
	}
	reply, err := c.Transport.SendOnce(r, MaxDocument)
	if c.err = err; reply != nil && !isFromCache(reply.Header) {
		c.date, _ = http.ParseTime(reply.Header.Get("Date"))
	}
}

// CheckName resolves the server's host name.
func (c *ServerChecks) CheckName(ctx context.Context) check.Outcome {
	host := c.Issuer.Hostname()
	if net.ParseIP(host) != nil {
		return check.Pass("the issuer is an IP address and needs no name server")
	}
	if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
		var d *net.DNSError
		text := "host name " + host + ": the lookup failed"
		if errors.As(err, &d) && d.IsNotFound {
			text = "host name " + host + " does not exist"
		}
		return check.Fail(kiosk.Unreachable, text, "check KIOSK_ISSUER for a typing error, and the name server in /etc/resolv.conf")
	}
	return check.Pass("%s resolves", host)
}

// CheckRoute connects to the server's port.
func (c *ServerChecks) CheckRoute(ctx context.Context) check.Outcome {
	port := c.Issuer.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[c.Issuer.Scheme]
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(c.Issuer.Hostname(), port))
	if err != nil {
		return check.Fail(kiosk.Unreachable, "port "+port+" of "+c.Issuer.Hostname()+" does not answer: "+withoutAddresses(err),
			"check that the server runs, that the port in KIOSK_ISSUER is right and that the firewall permits it")
	}
	conn.Close()
	return check.Pass("port %s answers", port)
}

// withoutAddresses returns the text of a network error without the addresses in it.
func withoutAddresses(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		if op.Timeout() {
			return "no response in time"
		}
		err = op.Err
	}
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}

// soonExpired is when the remaining days of a server's certificate are worth a warning. Certificates that renew
// themselves do so 30 days before they expire; with two weeks left, renewal has failed for two weeks.
const soonExpired = 14

// CheckTLS examines the server's certificate.
func (c *ServerChecks) CheckTLS(ctx context.Context) check.Outcome {
	if c.Issuer.Scheme != "https" {
		return check.Skip("the server runs on this device, without TLS")
	}
	if c.err != nil && (IsTLSError(c.err) || strings.HasPrefix(c.err.Error(), "TLS: ")) {
		return c.tlsFailure(c.err)
	}
	if c.err != nil { // connected, but no answer: the server's fault
		return check.Fail(kiosk.Unreachable, c.err.Error(), "check that the server runs; see its own log")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, c.Issuer.String(), nil)
	if err != nil {
		return check.Fail(kiosk.Internal, "bad address", "")
	}
	reply, err := c.Transport.SendOnce(r, MaxDocument)
	if err != nil || reply.TLS == nil || len(reply.TLS.PeerCertificates) == 0 {
		return check.Pass("the certificate is valid")
	}
	left := int(reply.TLS.PeerCertificates[0].NotAfter.Sub(c.Clock.Now()) / (24 * time.Hour))
	text := fmt.Sprintf("the certificate is valid for %d days", left)
	if left < soonExpired {
		return check.Warn(text, "renew the server's certificate")
	}
	return check.Pass("%s", text)
}

func (c *ServerChecks) tlsFailure(err error) check.Outcome {
	text, fix := err.Error(), "correct the server's certificate"
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, new(x509.UnknownAuthorityError)):
		fix = "set KIOSK_CA_FILE to the bundle of the authority that signed it, or configure the server to send its whole chain"
	case errors.As(err, new(x509.HostnameError)):
		fix = "set KIOSK_ISSUER to a name in the certificate, or issue the certificate for this name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		text += " on " + invalid.Cert.NotAfter.UTC().Format(time.DateOnly) + "; this device's date is " + c.Wall().UTC().Format(time.DateOnly)
		fix = "if the device's date is right, have the server's certificate renewed; otherwise set the clock"
	case strings.Contains(text, "does not use TLS"):
		fix = "check that the port in KIOSK_ISSUER is one for https"
	}
	return check.Fail(kiosk.Unreachable, text, fix)
}

// IsDNSError reports whether err is a failed look-up of a host name.
func IsDNSError(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e)
}

// IsTLSError reports whether err is a failed TLS handshake or a rejected certificate.
func IsTLSError(err error) bool {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		alert     tls.AlertError
		record    tls.RecordHeaderError
	)
	return errors.As(err, &authority) || errors.As(err, &name) || errors.As(err, &invalid) ||
		errors.As(err, &verify) || errors.As(err, &alert) || errors.As(err, &record)
}

// CheckCertificate examines the client certificate of mutual TLS; nil if none is configured.
func CheckCertificate(c *Certificate, now time.Time) check.Outcome {
	if c == nil {
		return check.Skip("mutual TLS is not configured")
	}
	const fix = "renew KIOSK_CLIENT_CERT_FILE, then run: systemctl reload kiosk"
	err := c.CheckValidity(now)
	switch {
	case err == nil:
		return check.Pass("valid until %s", c.Expires().UTC().Format(time.DateOnly))
	case now.After(c.Expires()):
		return check.Fail(kiosk.Misconfigured, err.Error(), fix)
	}
	return check.Warn(err.Error(), fix)
}

// CheckClient examines whether the server accepts this client's authentication.
func CheckClient(ctx context.Context, transport *Transport, m *Metadata, auth ClientAuth) check.Outcome {
	err := ProbeClientAuth(ctx, transport, m, auth)
	if err == nil {
		return check.Pass("the server accepts this client")
	}
	reason, fix := kiosk.ReasonOf(err), "see the server's own log"
	switch {
	case IsClientCertificateRejected(err):
		reason, fix = kiosk.Misconfigured, "register this device's certificate at the server, or its authority"
	case reason == kiosk.Misconfigured && strings.Contains(err.Error(), "may not use CIBA"):
		fix = "allow the grant " + GrantCIBA + " to this client at the server"
	case reason == kiosk.Misconfigured:
		fix = "compare KIOSK_CLIENT_ID and the key or secret with the server's, or run: kiosk provision"
	}
	return check.Fail(reason, check.Cause(err), fix)
}
