package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	opRequest  = "API request"
	opResponse = "API response"
)

// get calls the API and returns the body of a successful response.
func (r *Resource) get(ctx context.Context, t kiosk.Tokens) ([]byte, error) {
	if t.Type != "Bearer" && (t.Type != "DPoP" || r.dpop == nil) {
		return nil, kiosk.Fail(kiosk.Internal, opRequest, errors.New("the token type is not Bearer, and there is no DPoP key"))
	}
	if !isVisibleASCII(t.Access) {
		return nil, kiosk.Fail(kiosk.Untrusted, opRequest, errors.New("the access token contains characters that no token has"))
	}
	limited, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	reply, err := r.send(limited, t)
	if reply != nil && t.Type == "DPoP" && r.dpop.StoreNonce(r.url, reply.Header) && oidc.RequiresNonce(reply.Status, reply.Header) {
		reply, err = r.send(limited, t)
	}
	if reply == nil {
		return nil, r.transportError(ctx, limited, err)
	}
	switch s := reply.Status; {
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return nil, kiosk.Fail(kiosk.NoAccess, opResponse, fmt.Errorf("status %d", s))
	case s >= 300 && s < 400:
		return nil, kiosk.Fail(kiosk.ServiceDown, opResponse, fmt.Errorf("status %d: redirects are not followed", s))
	case s < 200 || s > 299:
		return nil, kiosk.Fail(kiosk.ServiceDown, opResponse, fmt.Errorf("status %d", s))
	case errors.Is(err, oidc.ErrResponseTooLong):
		return nil, kiosk.Fail(kiosk.ServiceDown, opResponse, fmt.Errorf("more than %d bytes", r.maxBody))
	case err != nil:
		return nil, r.transportError(ctx, limited, err)
	}
	return reply.Body, nil
}

// send sends one request with the access token.
func (r *Resource) send(ctx context.Context, t kiosk.Tokens) (*oidc.Reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, kiosk.Fail(kiosk.Internal, opRequest, errors.New("malformed address"))
	}
	req.Header.Set("Authorization", t.Type+" "+string(t.Access))
	req.Header.Set("Accept", "application/json")
	if t.Type == "DPoP" {
		proof, err := r.dpop.ResourceProof(t.Access, http.MethodGet, r.url)
		if err != nil {
			return nil, kiosk.Fail(kiosk.Internal, opRequest, err)
		}
		req.Header.Set("DPoP", proof)
	}
	return r.transport.SendAlone(req, r.maxBody)
}

// isVisibleASCII reports whether a token consists of visible ASCII characters. Others could break out of the header. (RFC
// 6750, section 2.1)
func isVisibleASCII(token []byte) bool {
	for _, c := range token {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(token) > 0
}

// transportError gives an error of send its reason. caller is the context of the visit, limited the one with the time limit.
func (r *Resource) transportError(caller, limited context.Context, err error) error {
	var known *kiosk.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(caller.Err(), context.Canceled):
		return kiosk.Fail(kiosk.Cancelled, opRequest, context.Canceled)
	case caller.Err() == nil && limited.Err() != nil:
		err = fmt.Errorf("no complete response within %v: %w", r.timeout, context.DeadlineExceeded)
	}
	return kiosk.Fail(kiosk.ServiceDown, opRequest, err)
}
