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

// The ways of client authentication (OpenID Connect Core 1.0, section 9; RFC 8705).
const (
	SecretBasic   = "client_secret_basic"
	SecretPost    = "client_secret_post"
	PrivateKeyJWT = "private_key_jwt"
	TLSClient     = "tls_client_auth"
	SelfSignedTLS = "self_signed_tls_client_auth"
)

// ClientAuth proves to the server who is asking. One and the same way is used at
// the backchannel and the token endpoint (CIBA Core, section 4).
type ClientAuth interface {
	// Method is one of the names above.
	Method() string
	// MTLS tells whether a TLS client certificate is presented, as the proof or beside
	// it, so that the server's addresses for such clients are to be used.
	MTLS() bool
	// Apply adds the proof to one request that is about to be sent. It must be
	// called anew for every request: an assertion is good once.
	Apply(c Call, form url.Values, h http.Header) error
}

// Call is where a request is about to go.
type Call struct {
	Metadata *Metadata
	To       Endpoint
	Audience Audience // of a client assertion, where one is made
}

// Audience is whom a client assertion is addressed to.
type Audience uint8

// The audiences.
const (
	AudienceIssuer   Audience = iota // the issuer, as a string: RFC 7523bis, FAPI 2.0
	AudienceToken                    // the token endpoint: for old servers only
	AudienceEndpoint                 // whichever endpoint is asked: for old servers only
)

// AuthOptions says how this client proves who it is.
type AuthOptions struct {
	Method   string // empty: private_key_jwt if there is a key, else client_secret_basic
	ClientID string
	Secret   kiosk.Secret // for the two client_secret methods
	Key      *ClientKey   // for private_key_jwt
	// Certificate is the one that the Transport presents: the proof of the two ways of
	// mutual TLS; with the others it only ties the access token to this device (RFC 8705,
	// section 3).
	Certificate *Certificate
	Now         func() time.Time // for private_key_jwt
}

// authMethods is the table of what can be configured.
var authMethods = map[string]func(AuthOptions) (ClientAuth, error){
	SecretBasic:   newSecret,
	SecretPost:    newSecret,
	PrivateKeyJWT: newAssertion,
	TLSClient:     newCertificate,
	SelfSignedTLS: newCertificate,
}

// AuthMethods lists the names that NewClientAuth knows, sorted.
func AuthMethods() []string {
	var out []string
	for m := range authMethods {
		out = append(out, m)
	}
	slices.Sort(out)
	return out
}

// NewClientAuth makes the proof that the options ask for. The error is a
// kiosk.Misconfigured and says what is missing.
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
		return nil, kiosk.Fail(kiosk.Misconfigured, what, fmt.Errorf("unknown way; known are %s", strings.Join(AuthMethods(), ", ")))
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

// secret is client_secret_basic and client_secret_post (RFC 6749, section 2.3.1).
type secret struct {
	id     string
	secret kiosk.Secret
	basic  bool
	mtls   bool
}

func newSecret(o AuthOptions) (ClientAuth, error) {
	if len(o.Secret) == 0 {
		return nil, errors.New("no client secret")
	}
	return &secret{id: o.ClientID, secret: slices.Clone(o.Secret), basic: o.Method == SecretBasic, mtls: o.Certificate != nil}, nil
}

func (s *secret) MTLS() bool { return s.mtls }

func (s *secret) Method() string {
	if s.basic {
		return SecretBasic
	}
	return SecretPost
}

func (s *secret) Apply(_ Call, form url.Values, h http.Header) error {
	if !s.basic {
		form.Set("client_id", s.id)
		form.Set("client_secret", string(s.secret))
		return nil
	}
	// Form-encoded first, since a colon or a letter outside ASCII would otherwise
	// be read differently at the other end.
	pair := url.QueryEscape(s.id) + ":" + url.QueryEscape(string(s.secret))
	h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	return nil
}

// assertion is private_key_jwt (RFC 7523; OpenID Connect Core 1.0, section 9).
type assertion struct {
	id   string
	key  *ClientKey
	now  func() time.Time
	mtls bool
}

func newAssertion(o AuthOptions) (ClientAuth, error) {
	if o.Key == nil {
		return nil, errors.New("no client key")
	}
	if o.Now == nil {
		return nil, errors.New("no clock")
	}
	return &assertion{id: o.ClientID, key: o.Key, now: o.Now, mtls: o.Certificate != nil}, nil
}

func (a *assertion) Method() string { return PrivateKeyJWT }
func (a *assertion) MTLS() bool     { return a.mtls }

func (a *assertion) Apply(c Call, form url.Values, _ http.Header) error {
	aud := c.Metadata.Issuer
	switch c.Audience {
	case AudienceToken:
		aud = c.Metadata.Endpoint(Token, false)
	case AudienceEndpoint:
		aud = c.Metadata.Endpoint(c.To, false)
	}
	now := a.now()
	payload, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		Expires  int64  `json:"exp"`
		Issued   int64  `json:"iat"`
		ID       string `json:"jti"`
	}{a.id, a.id, aud, now.Add(assertionLife).Unix(), now.Unix(), rand.Text()})
	if err != nil {
		return err
	}
	jwt, err := a.key.sign(payload, a.key.signingAlg(c.Metadata.AuthAlgs), "JWT")
	if err != nil {
		return err
	}
	form.Set("client_id", a.id) // optional in RFC 7521, section 4.2, but some servers look it up first
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", jwt)
	return nil
}

// certificate is both ways of RFC 8705: the proof is in the TLS handshake.
type certificate struct{ id, method string }

func newCertificate(o AuthOptions) (ClientAuth, error) {
	if o.Certificate == nil {
		return nil, errors.New("no client certificate")
	}
	return certificate{o.ClientID, o.Method}, nil
}

func (c certificate) Method() string { return c.method }
func (c certificate) MTLS() bool     { return true }

func (c certificate) Apply(_ Call, form url.Values, _ http.Header) error {
	form.Set("client_id", c.id)
	return nil
}
