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

// ProbeClientAuth tries this client's authentication by a token request with an auth_req_id that does not exist: a
// server that accepts the client answers invalid_grant, one that does not invalid_client. No phone is alerted. The
// error is a *kiosk.Error: Misconfigured if the client is rejected or lacks the grant. (CIBA Core, section 11)
func ProbeClientAuth(ctx context.Context, transport *Transport, m *Metadata, auth ClientAuth) error {
	const what = "client authentication"
	form, h := url.Values{"grant_type": {GrantCIBA}, "auth_req_id": {"probe-" + rand.Text()}}, http.Header{}
	if err := auth.Apply(AuthTarget{Metadata: m, Endpoint: Token}, form, h); err != nil {
		return kiosk.Fail(kiosk.Internal, what, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Endpoint(Token, auth.MTLS()), strings.NewReader(form.Encode()))
	if err != nil {
		return kiosk.Fail(kiosk.Internal, what, errors.New("malformed address"))
	}
	r.Header = h
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	reply, err := transport.SendOnce(r, MaxResponse)
	if err != nil {
		return kiosk.Fail(kiosk.Unreachable, what, err)
	}
	o, _ := strictjson.Parse(reply.Body)
	code, _ := o.Text("error")
	switch code {
	case "invalid_grant", "expired_token", "access_denied", "authorization_pending", "slow_down", "use_dpop_nonce", "invalid_dpop_proof":
		return nil // about the auth_req_id or the DPoP proof, which servers check after the client
	case "invalid_client":
		return kiosk.Fail(kiosk.Misconfigured, what, errors.New("the server rejects this client's authentication (invalid_client): it knows another client ID, key or secret"))
	case "unauthorized_client":
		if reply.Status == http.StatusUnauthorized { // Keycloak: a wrong secret
			return kiosk.Fail(kiosk.Misconfigured, what, errors.New("the server rejects this client's authentication (unauthorized_client, status 401): it knows another key or secret"))
		}
		return kiosk.Fail(kiosk.Misconfigured, what, errors.New("the client may not use CIBA (unauthorized_client): allow the grant at the server"))
	case "unsupported_grant_type":
		return kiosk.Fail(kiosk.Misconfigured, what, errors.New("the token endpoint does not support CIBA (unsupported_grant_type)"))
	case "invalid_request":
		return nil // some servers answer so to an unknown auth_req_id, after they have authenticated the client
	}
	if reply.Status == http.StatusUnauthorized {
		return kiosk.Fail(kiosk.Misconfigured, what, errors.New("the server rejects this client (status 401)"))
	}
	return kiosk.Fail(kiosk.Unreachable, what, errors.New("the server's response says nothing about this client"))
}
