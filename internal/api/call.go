package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// oneShot makes a client that sends a request once. The standard transport repeats
// a GET by itself when a kept connection turns out to be dead, and HTTP/2
// streams that were refused; so: a fresh connection, HTTP/1.1. It follows no
// redirect, because the token is for the configured address only, and keeps no
// cookies, because the next customer is somebody else.
func oneShot(c *http.Client) *http.Client {
	var rt http.RoundTripper
	if c != nil {
		rt = c.Transport
	}
	switch t := rt.(type) {
	case nil:
		own := new(http.Transport)
		configureTransport(own)
		rt = own
	case *http.Transport:
		own := t.Clone()
		configureTransport(own)
		rt = own
	}
	return &http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func configureTransport(t *http.Transport) {
	t.DisableKeepAlives = true
	t.DisableCompression = true // nothing to unpack, nothing that grows
	t.MaxResponseHeaderBytes = 64 << 10
	t.Protocols = oidc.HTTP1Only()
	if t.TLSClientConfig != nil { // a clone's; a transport that has spoken HTTP/2 lists it here
		t.TLSClientConfig.NextProtos = nil
	}
}

const (
	callOperation   = "call of the api"
	answerOperation = "answer of the api"
)

// get calls the API and returns the body of a good answer.
func (r *Resource) get(ctx context.Context, t kiosk.Tokens) ([]byte, error) {
	if t.Type != "Bearer" && (t.Type != "DPoP" || r.dpop == nil) {
		return nil, kiosk.Fail(kiosk.Internal, callOperation, errors.New("token type is not Bearer, and there is no proof of possession for another"))
	}
	if !isVisibleASCII(t.Access) {
		return nil, kiosk.Fail(kiosk.Untrusted, callOperation, errors.New("access token holds characters that no token has"))
	}
	limited, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	resp, err := r.send(limited, t)
	if err == nil && t.Type == "DPoP" && r.dpop.StoreNonce(r.url.String(), resp.Header) && oidc.RequiresNonce(resp.StatusCode, resp.Header) {
		resp.Body.Close()
		resp, err = r.send(limited, t)
	}
	var own *kiosk.Error
	if errors.As(err, &own) {
		return nil, own
	}
	if err != nil {
		return nil, r.transportError(ctx, limited, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return nil, kiosk.Fail(kiosk.NoAccess, answerOperation, fmt.Errorf("status %d", resp.StatusCode))
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return nil, kiosk.Fail(kiosk.ServiceDown, answerOperation, fmt.Errorf("status %d: redirects are not followed", resp.StatusCode))
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, kiosk.Fail(kiosk.ServiceDown, answerOperation, fmt.Errorf("status %d", resp.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, r.maxBody+1))
	if err != nil {
		return nil, r.transportError(ctx, limited, err)
	}
	if int64(len(body)) > r.maxBody {
		return nil, kiosk.Fail(kiosk.ServiceDown, answerOperation, fmt.Errorf("more than %d bytes", r.maxBody))
	}
	return body, nil
}

// send makes one request with the access token.
func (r *Resource) send(ctx context.Context, t kiosk.Tokens) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.String(), nil)
	if err != nil {
		return nil, kiosk.Fail(kiosk.Internal, callOperation, errors.New("address cannot be called"))
	}
	req.Close = true
	req.Header.Set("Authorization", t.Type+" "+string(t.Access))
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "ciba-kiosk")
	if t.Type == "DPoP" {
		proof, err := r.dpop.ResourceProof(t.Access, http.MethodGet, r.url.String())
		if err != nil {
			return nil, kiosk.Fail(kiosk.Internal, callOperation, err)
		}
		req.Header.Set("DPoP", proof)
	}
	return r.client.Do(req)
}

// isVisibleASCII says whether a token is made of visible ASCII only (RFC 6749, appendix
// A.12 allows a space too, RFC 6750 does not). Anything else could break out of the header.
func isVisibleASCII(token []byte) bool {
	for _, c := range token {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(token) > 0
}

// transportError translates a transport's error. The text is ours: the original holds the
// address and may hold what the server sent, which may be the token sent back.
func (r *Resource) transportError(caller, limited context.Context, err error) error {
	switch {
	case caller.Err() != nil:
		if errors.Is(caller.Err(), context.Canceled) {
			return kiosk.Fail(kiosk.Cancelled, callOperation, context.Canceled)
		}
		return kiosk.Fail(kiosk.ServiceDown, callOperation, context.DeadlineExceeded)
	case limited.Err() != nil:
		return kiosk.Fail(kiosk.ServiceDown, callOperation, fmt.Errorf("no whole answer within %v: %w", r.timeout, context.DeadlineExceeded))
	}
	var (
		dns   *net.DNSError
		tlsv  *tls.CertificateVerificationError
		unkn  x509.UnknownAuthorityError
		host  x509.HostnameError
		errno syscall.Errno
		cause = errors.New("connection broken or answer not HTTP")
	)
	switch {
	case errors.As(err, &dns):
		cause = errors.New("host name cannot be resolved")
	case errors.As(err, &unkn):
		cause = errors.New("certificate is not signed by a trusted authority")
	case errors.As(err, &host):
		cause = errors.New("certificate is for another host")
	case errors.As(err, &tlsv):
		cause = errors.New("certificate refused")
	case errors.As(err, &errno):
		cause = fmt.Errorf("connection failed: %w", errno)
	}
	return kiosk.Fail(kiosk.ServiceDown, callOperation, cause)
}
