package ciba

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// checkProofs returns why the server does not accept the proofs that the settings require; nil if it accepts them or
// says nothing about them.
func (k *Client) checkProofs(m *oidc.Metadata) error {
	if k.config.SignKey != nil {
		if err := k.config.SignKey.CheckRequestSigning(m); err != nil {
			return err
		}
	}
	if k.config.DPoP != nil && !oidc.Offers(m.DPoPAlgs, oidc.DPoPAlg) {
		return fmt.Errorf("the server does not accept DPoP proofs with %s; set KIOSK_DPOP=false", oidc.DPoPAlg)
	}
	return nil
}

// signRequest turns the parameters into a signed request if that is configured (CIBA Core 7.1.1). Only the client
// authentication remains beside it.
func (k *Client) signRequest(m *oidc.Metadata, form url.Values) (url.Values, error) {
	if k.config.SignKey == nil {
		return form, nil
	}
	if k.Profile().ClientIDInRequest {
		form.Set("client_id", k.config.ClientID)
	}
	request, err := k.config.SignKey.SignRequest(m, k.config.ClientID, form, k.config.Now())
	if err != nil {
		return nil, kiosk.Fail(kiosk.Misconfigured, "signed request", err)
	}
	return url.Values{"request": {request}}, nil
}

// proofID identifies the key of a token request's DPoP proof.
func proofID(form url.Values) kiosk.Secret {
	return kiosk.Secret(form.Get("auth_req_id") + form.Get("device_code"))
}

// addDPoPProof adds a DPoP proof to a token request (RFC 9449).
func (k *Client) addDPoPProof(to oidc.Endpoint, address string, form url.Values, h http.Header) error {
	if k.config.DPoP == nil || to != oidc.Token {
		return nil
	}
	proof, err := k.config.DPoP.TokenProof(proofID(form), address)
	if err != nil {
		return err
	}
	h.Set("DPoP", proof)
	return nil
}

// needsNonce stores the nonce of an answer and reports whether the same token request has to be repeated at once with
// it (RFC 9449 8). The server has not processed it yet, so this is no additional poll. No other request is repeated.
func (k *Client) needsNonce(to oidc.Endpoint, address string, reply *oidc.Reply) bool {
	if k.config.DPoP == nil || reply == nil || !k.config.DPoP.StoreNonce(address, reply.Header) || to != oidc.Token {
		return false
	}
	e := readError(reply.Body)
	return e != nil && e.code == "use_dpop_nonce"
}

// tokenType returns the required type of the access token. With DPoP a Bearer token is refused, because it would not be
// bound to this device.
func (k *Client) tokenType() string {
	if k.config.DPoP != nil {
		return "DPoP"
	}
	return "Bearer"
}

// isClockOff reports whether the server's Date differs too much from our clock for a proof to be accepted.
func (k *Client) isClockOff(h http.Header) bool {
	theirs, err := http.ParseTime(h.Get("Date"))
	return err == nil && k.config.Now().Sub(theirs).Abs() > oidc.Tolerance
}

// getProtected fetches from an endpoint of the server with the access token, and with a DPoP proof if the token is
// bound. It repeats the request if the server demands its nonce (RFC 9449 9) or a kept connection has ended.
func (k *Client) getProtected(ctx context.Context, address string, access kiosk.Secret) (*oidc.Reply, error) {
	send := k.config.Transport.Send
	for nonceSent := false; ; {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, kiosk.Fail(kiosk.Internal, "address", errors.New("bad address"))
		}
		r.Header.Set("Authorization", k.tokenType()+" "+string(access))
		r.Header.Set("Accept", "application/json")
		if k.config.DPoP != nil {
			proof, err := k.config.DPoP.ResourceProof(access, http.MethodGet, address)
			if err != nil {
				return nil, kiosk.Fail(kiosk.Internal, "proof of possession", err)
			}
			r.Header.Set("DPoP", proof)
		}
		reply, err := send(r, oidc.MaxResponse)
		again := err == nil && k.config.DPoP != nil && k.config.DPoP.StoreNonce(address, reply.Header) && oidc.RequiresNonce(reply.Status, reply.Header)
		switch {
		case oidc.IsStaleConnection(err):
			send = k.config.Transport.SendOnce // on a new connection, which cannot be stale
		case again && !nonceSent:
			nonceSent = true
		default:
			return reply, err
		}
	}
}

// warnOfExpiry logs that the client certificate expires soon. It is called once for each copy of the metadata: once a
// day on a device in use.
func (k *Client) warnOfExpiry(now time.Time) {
	if k.config.Certificate == nil {
		return
	}
	if err := k.config.Certificate.CheckValidity(now); err != nil {
		k.log.Warn("mutual TLS", "trouble", err.Error())
	}
}
