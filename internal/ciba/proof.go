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

// canProve tells a technician why the server does not take the proofs that the
// settings ask for; nil if it does, or says nothing about them.
func (k *Client) canProve(m *oidc.Metadata) error {
	if k.c.SignKey != nil {
		if err := k.c.SignKey.CheckRequestSigning(m); err != nil {
			return err
		}
	}
	if k.c.DPoP != nil && !oidc.Offers(m.DPoPAlgs, oidc.DPoPAlg) {
		return fmt.Errorf("the server takes proofs of possession, but not with %s; set KIOSK_DPOP=false", oidc.DPoPAlg)
	}
	return nil
}

// signed turns the parameters of a request into a signed one, if that is wanted: then
// nothing else but what authenticates the client stands beside it.
func (k *Client) signed(m *oidc.Metadata, form url.Values) (url.Values, error) {
	if k.c.SignKey == nil {
		return form, nil
	}
	request, err := k.c.SignKey.SignRequest(m, k.c.ClientID, form, k.c.Now())
	if err != nil {
		return nil, kiosk.Fail(kiosk.Misconfigured, "signed request", err)
	}
	return url.Values{"request": {request}}, nil
}

// proofID is what the key of a token request's proof is kept by: the request's name.
func proofID(form url.Values) kiosk.Secret {
	return kiosk.Secret(form.Get("auth_req_id") + form.Get("device_code"))
}

// prove adds a proof of possession to a token request.
func (k *Client) prove(to oidc.Endpoint, address string, form url.Values, h http.Header) error {
	if k.c.DPoP == nil || to != oidc.Token {
		return nil
	}
	proof, err := k.c.DPoP.TokenProof(proofID(form), address)
	if err != nil {
		return err
	}
	h.Set("DPoP", proof)
	return nil
}

// wantsProofAnew notes the nonce of an answer and tells whether the same token
// request is to be sent again at once because of it (RFC 9449, section 8): the server
// has not looked at it yet, so that is no poll too many. No other request is ever
// sent again.
func (k *Client) wantsProofAnew(to oidc.Endpoint, address string, reply *oidc.Reply) bool {
	if k.c.DPoP == nil || reply == nil || !k.c.DPoP.StoreNonce(address, reply.Header) || to != oidc.Token {
		return false
	}
	e := readError(reply.Body)
	return e != nil && e.code == "use_dpop_nonce"
}

// tokenType is the type that an access token must have: of another type it would not
// be tied to this device although we showed a key, so it is refused.
func (k *Client) tokenType() string {
	if k.c.DPoP != nil {
		return "DPoP"
	}
	return "Bearer"
}

// clockOff tells whether the server's Date is too far from ours for a proof to pass.
func (k *Client) clockOff(h http.Header) bool {
	theirs, err := http.ParseTime(h.Get("Date"))
	return err == nil && k.c.Now().Sub(theirs).Abs() > oidc.Tolerance
}

// getWith fetches from an endpoint of the server with the access token, tied to its
// key if it is. A server may ask for its nonce once (RFC 9449, section 9).
func (k *Client) getWith(ctx context.Context, address string, access kiosk.Secret) (*oidc.Reply, error) {
	send := k.c.Transport.Send
	for nonceSent := false; ; {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, kiosk.Fail(kiosk.Internal, "address", errors.New("bad address"))
		}
		r.Header.Set("Authorization", k.tokenType()+" "+string(access))
		r.Header.Set("Accept", "application/json")
		if k.c.DPoP != nil {
			proof, err := k.c.DPoP.ResourceProof(access, http.MethodGet, address)
			if err != nil {
				return nil, kiosk.Fail(kiosk.Internal, "proof of possession", err)
			}
			r.Header.Set("DPoP", proof)
		}
		reply, err := send(r, oidc.MaxResponse)
		again := err == nil && k.c.DPoP != nil && k.c.DPoP.StoreNonce(address, reply.Header) && oidc.RequiresNonce(reply.Status, reply.Header)
		switch {
		case oidc.IsStaleConnection(err):
			send = k.c.Transport.SendOnce // on a new connection, which cannot be stale
		case again && !nonceSent:
			nonceSent = true
		default:
			return reply, err
		}
	}
}

// noteCertificate tells the log of a certificate that ends soon; it is called once for
// each copy of the metadata, which is once a day on a device in use.
func (k *Client) noteCertificate(now time.Time) {
	if k.c.Certificate == nil {
		return
	}
	if err := k.c.Certificate.CheckValidity(now); err != nil {
		k.log.Warn("mutual TLS", "trouble", err.Error())
	}
}
