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
	// requestLifetime is the validity of a signed request. It is sent at once, so two minutes suffice; FAPI allows an
	// hour.
	requestLifetime = 2 * time.Minute

	// requestBackdate sets nbf back, because a server whose clock is a second behind would otherwise reject the
	// request.
	requestBackdate = 10 * time.Second
)

// jsonParameters are the parameters whose value is JSON. In a signed request they are JSON too, not a string. (RFC
// 9396, section 3)
var jsonParameters = []string{"authorization_details", "claims"}

// CheckRequestSigning returns why this key cannot sign authentication requests for this server; nil if it can. Only
// ES256 and PS256 are used, as FAPI requires: the key decides which, and the server must publish it. The text is for
// a technician. (FAPI-CIBA, section 5.2.3)
func (k *ClientKey) CheckRequestSigning(m *Metadata) error {
	if err := k.CheckRequestKey(); err != nil {
		return err
	}
	alg := k.requestAlgorithm()
	switch {
	case m.RequestAlgs == nil:
		return errors.New("the server accepts no signed requests: it publishes no backchannel_authentication_request_signing_alg_values_supported; set KIOSK_SIGNED_REQUEST=false, or enable them at the server")
	case !slices.Contains(m.RequestAlgs, alg):
		return fmt.Errorf("the server accepts signed requests, but not with %s, the client key's algorithm", alg)
	}
	return nil
}

// CheckRequestKey returns why this key cannot sign authentication requests for any server; nil if it can.
func (k *ClientKey) CheckRequestKey() error {
	if k.requestAlgorithm() == "" {
		return errors.New("the client key cannot sign requests: use a P-256 key (ES256) or an RSA key (PS256)")
	}
	return nil
}

// requestAlgorithm returns the algorithm for signing requests; empty if there is none.
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
	if k.alg != "" && k.alg != alg { // the key's JWK fixes another algorithm
		return ""
	}
	return alg
}

// SignRequest returns a signed authentication request. All parameters become claims: strings, except those that are
// JSON, and lists where a parameter is repeated. The client is the issuer, the server the audience. Each is valid
// once, for two minutes. (CIBA Core, section 7.1.1)
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
		return "", errors.New("a parameter that must be JSON is not") // the cause would quote the parameter
	}
	return k.sign(payload, k.requestAlgorithm(), "oauth-authz-req+jwt") // RFC 9101, section 10.8
}
