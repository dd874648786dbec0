package oidc

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// The methods of client authentication. (OpenID Connect Core 1.0, section 9; RFC 8705)
const (
	SecretBasic   = "client_secret_basic"
	SecretPost    = "client_secret_post"
	PrivateKeyJWT = "private_key_jwt"
	TLSClient     = "tls_client_auth"
	SelfSignedTLS = "self_signed_tls_client_auth"
)

// ClientAuth authenticates the client to the server, by the same method at the backchannel and the token endpoint.
// (CIBA Core, section 4)
type ClientAuth interface {
	// Method returns one of the names above.
	Method() string
	// MTLS reports whether a TLS client certificate is presented, so that the server's endpoints for such clients apply.
	MTLS() bool
	// Apply authenticates one request. Call it again for each request: an assertion is valid once.
	Apply(c AuthTarget, form url.Values, h http.Header) error
}

// AuthTarget is the destination of a request.
type AuthTarget struct {
	Metadata *Metadata
	Endpoint Endpoint
	Audience Audience // of a client assertion, if there is one
}

// Audience selects the aud claim of a client assertion.
type Audience uint8

// The audiences.
const (
	AudienceIssuer   Audience = iota // the issuer, as a string (RFC 7523bis, FAPI 2.0)
	AudienceToken                    // the token endpoint, for old servers
	AudienceEndpoint                 // the endpoint of the request, for old servers
)

// AuthOptions configure NewClientAuth.
type AuthOptions struct {
	Method   string // empty: private_key_jwt if there is a key, else client_secret_basic
	ClientID string
	Secret   kiosk.Secret // for the two client_secret methods
	Key      *ClientKey   // for private_key_jwt
	// Certificate is the one that the Transport presents. The two methods of mutual TLS authenticate by it; with the other
	// methods it only binds the access token to this device (RFC 8705, section 3).
	Certificate *Certificate
	Now         func() time.Time // for private_key_jwt
}

// authMethods maps each configurable method to its constructor.
var authMethods = map[string]func(AuthOptions) (ClientAuth, error){
	SecretBasic:   newSecretAuth,
	SecretPost:    newSecretAuth,
	PrivateKeyJWT: newAssertionAuth,
	TLSClient:     newCertificateAuth,
	SelfSignedTLS: newCertificateAuth,
}

// AuthMethods returns the methods that NewClientAuth supports, sorted.
func AuthMethods() []string {
	var out []string
	for m := range authMethods {
		out = append(out, m)
	}
	slices.Sort(out)
	return out
}

// NewClientAuth returns the client authentication that o configures. Its error is a kiosk.Misconfigured that says
// what is missing.
func NewClientAuth(o AuthOptions) (ClientAuth, error) {
	if o.Method == "" {
		o.Method = SecretBasic
		if o.Key != nil {
			o.Method = PrivateKeyJWT
		}
	}
	const what = "client authentication"
	build, ok := authMethods[o.Method]
	if !ok {
		return nil, kiosk.Fail(kiosk.Misconfigured, what, fmt.Errorf("unknown method; supported are %s", strings.Join(AuthMethods(), ", ")))
	}
	if o.ClientID == "" {
		return nil, kiosk.Fail(kiosk.Misconfigured, what, errors.New("no client id"))
	}
	a, err := build(o)
	if err != nil {
		return nil, kiosk.Fail(kiosk.Misconfigured, what, fmt.Errorf("%s: %w", o.Method, err))
	}
	return a, nil
}

// secretAuth is client_secret_basic and client_secret_post. (RFC 6749, section 2.3.1)
type secretAuth struct {
	clientID string
	secret   kiosk.Secret
	basic    bool
	mtls     bool
}

func newSecretAuth(o AuthOptions) (ClientAuth, error) {
	if len(o.Secret) == 0 {
		return nil, errors.New("no client secret")
	}
	return &secretAuth{clientID: o.ClientID, secret: slices.Clone(o.Secret), basic: o.Method == SecretBasic, mtls: o.Certificate != nil}, nil
}

func (s *secretAuth) MTLS() bool { return s.mtls }

func (s *secretAuth) Method() string {
	if s.basic {
		return SecretBasic
	}
	return SecretPost
}

func (s *secretAuth) Apply(_ AuthTarget, form url.Values, h http.Header) error {
	if !s.basic {
		form.Set("client_id", s.clientID)
		form.Set("client_secret", string(s.secret))
		return nil
	}
	// Form-encode first: the server would misread a colon or a letter outside ASCII.
	pair := url.QueryEscape(s.clientID) + ":" + url.QueryEscape(string(s.secret))
	h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	return nil
}

// assertionLifetime is the validity of a client assertion. It is used at once, and Auth0 recommends a minute.
const assertionLifetime = time.Minute

// assertionAuth is private_key_jwt. (RFC 7523; OpenID Connect Core 1.0, section 9)
type assertionAuth struct {
	clientID string
	key      *ClientKey
	now      func() time.Time
	mtls     bool
}

func newAssertionAuth(o AuthOptions) (ClientAuth, error) {
	if o.Key == nil {
		return nil, errors.New("no client key")
	}
	if o.Now == nil {
		return nil, errors.New("no clock")
	}
	return &assertionAuth{clientID: o.ClientID, key: o.Key, now: o.Now, mtls: o.Certificate != nil}, nil
}

func (a *assertionAuth) Method() string { return PrivateKeyJWT }
func (a *assertionAuth) MTLS() bool     { return a.mtls }

func (a *assertionAuth) Apply(c AuthTarget, form url.Values, _ http.Header) error {
	aud := c.Metadata.Issuer
	switch c.Audience {
	case AudienceToken:
		aud = c.Metadata.Endpoint(Token, false)
	case AudienceEndpoint:
		aud = c.Metadata.Endpoint(c.Endpoint, false)
	}
	now := a.now()
	payload, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		Expires  int64  `json:"exp"`
		Issued   int64  `json:"iat"`
		ID       string `json:"jti"`
	}{a.clientID, a.clientID, aud, now.Add(assertionLifetime).Unix(), now.Unix(), rand.Text()})
	if err != nil {
		return err
	}
	jwt, err := a.key.sign(payload, a.key.chooseAlgorithm(c.Metadata.AuthAlgs), "JWT")
	if err != nil {
		return err
	}
	form.Set("client_id", a.clientID) // optional (RFC 7521, section 4.2), but some servers look the client up by it
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", jwt)
	return nil
}

// certificateAuth is both methods of RFC 8705: the TLS handshake authenticates the client.
type certificateAuth struct{ clientID, method string }

func newCertificateAuth(o AuthOptions) (ClientAuth, error) {
	if o.Certificate == nil {
		return nil, errors.New("no client certificate")
	}
	return certificateAuth{o.ClientID, o.Method}, nil
}

func (c certificateAuth) Method() string { return c.method }
func (c certificateAuth) MTLS() bool     { return true }

func (c certificateAuth) Apply(_ AuthTarget, form url.Values, _ http.Header) error {
	form.Set("client_id", c.clientID)
	return nil
}
