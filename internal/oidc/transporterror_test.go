package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTransportErrorsQuoteNothingOfTheServer(t *testing.T) {
	const canary = `canary-alice@example.com` + "\x1b[31m"
	for _, word := range []string{canary, "canary", `"canary`, `x" canary`, `\" canary \"`, `"" "canary" canary`, "\" \x00canary"} {
		for _, answer := range []string{
			word + "\r\n\r\n",
			"HTTP/1.1 " + word + "\r\n\r\n",
			"HTTP/9 200 OK " + word + "\r\n\r\n",
			"HTTP/" + word + " 200 OK\r\n\r\n",
			"HTTP/1.1 2" + word + " OK\r\n\r\n",
			"HTTP/1.1 200 OK\r\n" + word + "\r\n\r\n",
			"HTTP/1.1 200 OK\r\n" + word + "\x00: x\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: " + word + "\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: " + word + "\r\n\r\n",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + word + "\r\n\r\n",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length, " + word + "\r\n\r\n",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + word + "\r\n",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + word + "\r\n\r\n",
		} {
			s := newRaw(t, func(_ int, c net.Conn, next func() bool) { next(); io.WriteString(c, answer) })
			transport := NewTransport(TransportOptions{})
			_, err := transport.SendOnce(post(t, s.url), 100)
			if err == nil {
				t.Errorf("%q: accepted", answer)
			} else if got := err.Error(); got != "malformed response" && got != "response cut off" {
				t.Errorf("%q: says %q", answer, got)
			}
		}
	}
}

func TestTransportErrorTexts(t *testing.T) {
	op := func(op string, err error) error {
		return &net.OpError{Op: op, Net: "tcp", Source: nil, Err: err}
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"the context's deadline": {fmt.Errorf("x: %w", context.DeadlineExceeded), "no response in time"},
		"the socket's deadline":  {op("read", os.ErrDeadlineExceeded), "no response in time"},
		"cancelled":              {context.Canceled, "cancelled"},
		"connecting timed out":   {dialError{context.DeadlineExceeded}, "connecting timed out"},
		"refused":                {dialError{op("dial", syscall.ECONNREFUSED)}, "connection refused"},
		"no route":               {dialError{op("dial", syscall.EHOSTUNREACH)}, "no route to the server"},
		"no network":             {dialError{op("dial", syscall.ENETUNREACH)}, "no route to the server"},
		"any other dial error":   {dialError{errors.New("canary")}, "no connection"},
		"unknown host name":      {dialError{op("dial", &net.DNSError{Err: "canary", Name: "canary", Server: "canary", IsNotFound: true})}, "unknown host name"},
		"failed lookup":          {dialError{op("dial", &net.DNSError{Err: "canary", Name: "canary", Server: "canary"})}, "the host name lookup failed"},
		"reset":                  {op("read", syscall.ECONNRESET), "connection reset"},
		"a broken pipe":          {op("write", syscall.EPIPE), "connection reset"},
		"EOF":                    {io.EOF, "the server closed the connection"},
		"cut off":                {io.ErrUnexpectedEOF, "response cut off"},
		"another socket error":   {op("read", errors.New("canary")), "the connection failed"},
		"an idle connection":     {errors.New("http: server closed idle connection"), "the server closed the connection"},
		"anything else":          {errors.New(`bad Content-Length "canary\" canary"`), "malformed response"},
		"not TLS":                {tls.RecordHeaderError{Msg: "canary"}, "TLS: the server does not use TLS on this port"},
		"handshake, our side":    {errors.New("tls: canary"), "TLS: the handshake failed"},
		"expired":                {&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Cert: new(x509.Certificate), Reason: x509.Expired, Detail: "current time 2 is after 1"}}, "TLS: the server's certificate has expired"},
		"not yet":                {x509.CertificateInvalidError{Cert: new(x509.Certificate), Reason: x509.Expired, Detail: "current time 1 is before 2"}, "TLS: the server's certificate is not valid yet"},
		"not a CA":               {x509.CertificateInvalidError{Cert: new(x509.Certificate), Reason: x509.NotAuthorizedToSign, Detail: "canary"}, "TLS: the server's certificate is not valid"},
		"unknown authority":      {x509.UnknownAuthorityError{Cert: &x509.Certificate{}}, "TLS: the server's certificate is signed by an unknown authority"},
		"for another host":       {x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"canary"}}, Host: "op.example"}, "TLS: the server's certificate is not for op.example"},
		"another x509 error":     {errors.New("x509: canary"), "TLS: the server's certificate is not valid"},
		"own text":               {textError("address is not https"), "address is not https"},
	} {
		if got := (&TransportError{cause: c.err}).Error(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if !(&TransportError{cause: context.DeadlineExceeded}).Timeout() || (&TransportError{cause: io.EOF}).Timeout() {
		t.Error("Timeout is wrong")
	}
}

// TestTransportErrorTextsFromRealConnections checks the texts with real errors, because Go may change them.
func TestTransportErrorTextsFromRealConnections(t *testing.T) {
	s, pool := tlsServer(t, nil)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	mutual, mutualPool := tlsServer(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert})
	old, oldPool := tlsServer(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	plain := newRaw(t, func(_ int, c net.Conn, _ func() bool) { io.WriteString(c, "HTTP/1.1 400 canary\r\n\r\n") })
	strange := newRaw(t, func(_ int, c net.Conn, _ func() bool) { io.WriteString(c, "canary canary canary\r\n\r\n") })
	silent := newRaw(t, func(_ int, _ net.Conn, next func() bool) { next() })
	https := func(u string) string { return strings.Replace(u, "http:", "https:", 1) }
	at := func(d time.Time) func() time.Time { return func() time.Time { return d } }
	for name, c := range map[string]struct {
		url  string
		o    TransportOptions
		want string // its beginning
	}{
		"nobody listens":              {"http://" + closed.Addr().String(), TransportOptions{}, "connection refused"},
		"unknown authority":           {s.URL, TransportOptions{Roots: x509.NewCertPool()}, "TLS: the server's certificate is signed by an unknown authority"},
		"another name":                {strings.Replace(s.URL, "127.0.0.1", "localhost", 1), TransportOptions{Roots: pool}, "TLS: the server's certificate is not for localhost"},
		"long expired":                {s.URL, TransportOptions{Roots: pool, Now: at(s.Certificate().NotAfter.Add(time.Hour))}, "TLS: the server's certificate has expired"},
		"not valid yet":               {s.URL, TransportOptions{Roots: pool, Now: at(s.Certificate().NotBefore.Add(-time.Hour))}, "TLS: the server's certificate is not valid yet"},
		"client certificate required": {mutual.URL, TransportOptions{Roots: mutualPool}, "TLS: rejected by the server: "},
		"TLS 1.1":                     {old.URL, TransportOptions{Roots: oldPool}, "TLS: "},
		"plain HTTP instead":          {https(plain.url), TransportOptions{}, "TLS: the server does not use TLS on this port"},
		"something else":              {https(strange.url), TransportOptions{}, "TLS: the server does not use TLS on this port"},
		"closes":                      {silent.url, TransportOptions{}, "the server closed the connection"},
		"not https":                   {"http://op.example/", TransportOptions{}, "plain http is allowed for this machine only"},
		"a long header": {newRaw(t, func(_ int, c net.Conn, next func() bool) {
			next()
			io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("canary", 50<<10))
		}).url, TransportOptions{}, "malformed response"},
	} {
		_, err := NewTransport(c.o).SendOnce(post(t, c.url), 100)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
