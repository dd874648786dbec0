package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// ProbeClientAuth asks the token endpoint for the tokens of an auth_req_id that nobody has. A
// server that accepts this client's proof says that the id is bad (CIBA Core, section
// 11: invalid_grant); one that does not says invalid_client. Nobody's phone rings. The
// error is a kiosk.Error: Misconfigured where the client is not accepted or not allowed.
func ProbeClientAuth(ctx context.Context, via *Transport, m *Metadata, auth ClientAuth) error {
	const what = "client authentication"
	form, h := url.Values{"grant_type": {GrantCIBA}, "auth_req_id": {"probe-" + rand.Text()}}, http.Header{}
	if err := auth.Apply(AuthTarget{Metadata: m, Endpoint: Token}, form, h); err != nil {
		return kiosk.Fail(kiosk.Internal, what, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Endpoint(Token, auth.MTLS()), strings.NewReader(form.Encode()))
	if err != nil {
		return kiosk.Fail(kiosk.Internal, what, errors.New("bad address"))
	}
	r.Header = h
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	reply, err := via.SendOnce(r, MaxResponse)
	if err != nil {
		return kiosk.Fail(kiosk.Unreachable, what, err)
	}
	o, _ := strictjson.Parse(reply.Body)
	code, _ := o.Text("error")
	switch code {
	case "invalid_grant", "expired_token", "access_denied", "authorization_pending", "slow_down", "use_dpop_nonce", "invalid_dpop_proof":
		return nil // it speaks of the id, or of the proof of possession that goes with it: who asks is settled
	case "invalid_client":
		return kiosk.Fail(kiosk.Misconfigured, what, errors.New("the server does not accept this client's proof (invalid_client): another client identifier, key or secret than it knows"))
	case "unauthorized_client":
		return kiosk.Fail(kiosk.Misconfigured, what, errors.New("the client is not allowed to use CIBA (unauthorized_client): allow the grant at the server"))
	case "unsupported_grant_type":
		return kiosk.Fail(kiosk.Misconfigured, what, errors.New("the server does not know CIBA at its token endpoint (unsupported_grant_type)"))
	case "invalid_request":
		return nil // some servers say so of an id that is none of theirs; the proof goes before it
	}
	if reply.Status == http.StatusUnauthorized {
		return kiosk.Fail(kiosk.Misconfigured, what, errors.New("the server does not accept this client (status 401)"))
	}
	return kiosk.Fail(kiosk.Unreachable, what, errors.New("the server's answer says nothing about this client"))
}
