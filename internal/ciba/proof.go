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

// What proves more than who the client is: signed requests (CIBA Core, section 7.1.1),
// proofs of possession (RFC 9449), and certificates that tie a token to this device
// (RFC 8705).

// checkProofs tells a technician why the server does not take the proofs that the
// settings ask for; nil if it does, or says nothing about them.
func (k *Client) checkProofs(m *oidc.Metadata) error {
	if k.config.SignKey != nil {
		if err := k.config.SignKey.CheckRequestSigning(m); err != nil {
			return err
		}
	}
	if k.config.DPoP != nil && !oidc.Offers(m.DPoPAlgs, oidc.DPoPAlg) {
		return fmt.Errorf("the server takes proofs of possession, but not with %s; set KIOSK_DPOP=false", oidc.DPoPAlg)
	}
	return nil
}

// signRequest turns the parameters of a request into a signed one, if that is wanted: then
// nothing else but what authenticates the client stands beside it.
func (k *Client) signRequest(m *oidc.Metadata, form url.Values) (url.Values, error) {
	if k.config.SignKey == nil {
		return form, nil
	}
	request, err := k.config.SignKey.SignRequest(m, k.config.ClientID, form, k.config.Now())
	if err != nil {
		return nil, kiosk.Fail(kiosk.Misconfigured, "signed request", err)
	}
	return url.Values{"request": {request}}, nil
}

// proofID is what the key of a token request's proof is kept by: the request's name.
func proofID(form url.Values) kiosk.Secret {
	return kiosk.Secret(form.Get("auth_req_id") + form.Get("device_code"))
}

// addDPoPProof adds a proof of possession to a token request.
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

// needsNonce notes the nonce of an answer and tells whether the same token
// request is to be sent again at once because of it (RFC 9449, section 8): the server
// has not looked at it yet, so that is no poll too many. No other request is ever
// sent again.
func (k *Client) needsNonce(to oidc.Endpoint, address string, reply *oidc.Reply) bool {
	if k.config.DPoP == nil || reply == nil || !k.config.DPoP.StoreNonce(address, reply.Header) || to != oidc.Token {
		return false
	}
	e := readError(reply.Body)
	return e != nil && e.code == "use_dpop_nonce"
}

// tokenType is the type that an access token must have: of another type it would not
// be tied to this device although we showed a key, so it is refused.
func (k *Client) tokenType() string {
	if k.config.DPoP != nil {
		return "DPoP"
	}
	return "Bearer"
}

// isClockOff tells whether the server's Date is too far from ours for a proof to pass.
func (k *Client) isClockOff(h http.Header) bool {
	theirs, err := http.ParseTime(h.Get("Date"))
	return err == nil && k.config.Now().Sub(theirs).Abs() > oidc.Tolerance
}

// getProtected fetches from an endpoint of the server with the access token, tied to its
// key if it is. A server may ask for its nonce once (RFC 9449, section 9).
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

// warnOfExpiry tells the log of a certificate that ends soon; it is called once for
// each copy of the metadata, which is once a day on a device in use.
func (k *Client) warnOfExpiry(now time.Time) {
	if k.config.Certificate == nil {
		return
	}
	if err := k.config.Certificate.CheckValidity(now); err != nil {
		k.log.Warn("mutual TLS", "trouble", err.Error())
	}
}
