package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// requestLife is how long a signed request is good: it is sent at once. FAPI
	// allows an hour; less is safer where one is stolen on its way.
	requestLifetime = 2 * time.Minute

	// requestLead is by how much nbf is set back, since a server whose clock is a
	// second behind would otherwise refuse what is good.
	requestBackdate = 10 * time.Second
)

// rawParameters are the parameters of a request that are JSON themselves; in a
// signed request they stand as what they are, not as text (RFC 9396, section 3).
var jsonParameters = []string{"authorization_details", "claims"}

// CheckRequestSigning tells why this key cannot sign authentication requests for this
// server; nil if it can. Only ES256 and PS256 are used, as FAPI wants (FAPI-CIBA,
// section 5.2.3): the key decides which, and the server must publish it. The text
// is for a technician.
func (k *ClientKey) CheckRequestSigning(m *Metadata) error {
	if err := k.CheckRequestKey(); err != nil {
		return err
	}
	alg := k.requestAlgorithm()
	switch {
	case m.RequestAlgs == nil:
		return errors.New("the server takes no signed requests: it publishes no backchannel_authentication_request_signing_alg_values_supported; set KIOSK_SIGNED_REQUEST=false or switch them on there")
	case !slices.Contains(m.RequestAlgs, alg):
		return fmt.Errorf("the server takes signed requests, but not with %s, which the client key is for", alg)
	}
	return nil
}

// CheckRequestKey tells why this key cannot sign authentication requests for any server;
// nil if it can.
func (k *ClientKey) CheckRequestKey() error {
	if k.requestAlgorithm() == "" {
		return errors.New("the client key cannot sign requests: it takes a P-256 key (ES256) or an RSA key (PS256)")
	}
	return nil
}

// requestAlgorithm is how this key signs requests; empty if it cannot.
func (k *ClientKey) requestAlgorithm() string {
	alg := ""
	switch s := k.signer.Public().(type) {
	case *ecdsa.PublicKey:
		if s.Curve == elliptic.P256() {
			alg = string(jose.ES256)
		}
	case *rsa.PublicKey:
		alg = string(jose.PS256)
	}
	if k.alg != "" && k.alg != alg { // the key's file says what it is for
		return ""
	}
	return alg
}

// SignRequest makes a signed authentication request of a request's parameters (CIBA
// Core, section 7.1.1). All of them become claims, as text but for those that are
// JSON; a parameter given more than once becomes a list. The client is the issuer
// and the server the audience. Each is good once and for two minutes.
func (k *ClientKey) SignRequest(m *Metadata, clientID string, parameters url.Values, now time.Time) (string, error) {
	if err := k.CheckRequestSigning(m); err != nil {
		return "", err
	}
	claims := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		values := parameters[name]
		switch {
		case len(values) == 1 && slices.Contains(jsonParameters, name):
			claims[name] = json.RawMessage(values[0])
		case len(values) == 1:
			claims[name] = values[0]
		default:
			claims[name] = values
		}
	}
	claims["iss"] = clientID
	claims["aud"] = m.Issuer
	claims["iat"] = now.Unix()
	claims["nbf"] = now.Add(-requestBackdate).Unix()
	claims["exp"] = now.Add(requestLifetime).Unix()
	claims["jti"] = rand.Text()
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", errors.New("a parameter that should be JSON is not") // the cause would quote it
	}
	return k.sign(payload, k.requestAlgorithm(), "JWT")
}
