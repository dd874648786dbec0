package devserver

import (
	"crypto"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Names of grants, from CIBA section 4, RFC 8628 section 3.4 and RFC 6749 section 6.
const (
	grantCIBA    = "urn:openid:params:grant-type:ciba"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	grantRefresh = "refresh_token"
)

// client is a registered client.
type client struct {
	ID      string            `json:"client_id"`
	Name    string            `json:"client_name"`
	Auth    string            `json:"token_endpoint_auth_method"`
	Secret  string            `json:"client_secret,omitempty"`
	Keys    []jose.JSONWebKey `json:"keys,omitempty"` // public
	Grants  []string          `json:"grant_types"`
	Alg     string            `json:"id_token_signed_response_alg"`
	Private *jose.JSONWebKey  `json:"private,omitempty"` // ready-made clients only
	Since   time.Time         `json:"since,omitzero"`
	Access  string            `json:"access,omitempty"` // digest of the registration access token
	Ready   bool              `json:"ready,omitempty"`
	Notify  string            `json:"backchannel_client_notification_endpoint,omitempty"` // ping mode; empty polls
	Manner  string            `json:"manner,omitempty"`                                   // how it is pinged, one of Manners
	Roots   string            `json:"roots,omitempty"`                                    // PEM certificates that vouch for Notify; empty: the system's
	Signs   bool              `json:"signs,omitempty"`                                    // sends signed requests only
	Subject string            `json:"tls_client_auth_subject_dn,omitempty"`               // of its certificate
	Cert    []byte            `json:"cert,omitempty"`                                     // DER; ready-made clients only
}

// Client is a ready-made client with all it takes to authenticate as it.
type Client struct {
	// ID is the client_id, Name what the phone shows.
	ID, Name string
	// Auth is the token_endpoint_auth_method; "none" for the public client.
	Auth string
	// Secret is the client secret, for the methods that use one.
	Secret string
	// Key is the private key and KeyID its kid, for private_key_jwt.
	Key   crypto.Signer
	KeyID string
	// Cert is the client certificate in PEM form, for the two ways of mutual TLS.
	Cert []byte
	// Alg is the JWS algorithm of the key: ES256 or RS256.
	Alg string
	// IDTokenAlg is how ID tokens for this client are signed.
	IDTokenAlg string
}

// readyMade is the table of ready-made clients. The secrets are known to all the
// world: they are for development only.
var readyMade = []client{
	{ID: "kiosk-basic", Name: "CIBA Kiosk", Auth: "client_secret_basic", Secret: "development-only-basic-secret"},
	{ID: "kiosk-post", Name: "CIBA Kiosk", Auth: "client_secret_post", Secret: "development-only-post-secret"},
	// This secret finds out who sends Basic without form-encoding it first (RFC 6749 section 2.3.1).
	{ID: "kiosk-odd", Name: "CIBA Kiosk", Auth: "client_secret_basic", Secret: "development only: 100%+odd/&=%41"},
	{ID: "kiosk-jwt", Name: "CIBA Kiosk", Auth: "private_key_jwt"},
	{ID: "kiosk-jwt-rs", Name: "CIBA Kiosk", Auth: "private_key_jwt", Alg: "RS256"},
	{ID: "kiosk-signed", Name: "CIBA Kiosk", Auth: "private_key_jwt", Signs: true},
	{ID: "kiosk-tls", Name: "CIBA Kiosk", Auth: "tls_client_auth", Subject: "CN=kiosk-tls"},
	{ID: "kiosk-self-signed", Name: "CIBA Kiosk", Auth: "self_signed_tls_client_auth"},
	{ID: "kiosk-device", Name: "CIBA Kiosk", Auth: "none", Grants: []string{grantDevice, grantRefresh}},
}

// addReadyMade puts the ready-made clients in the book, keeping those that a state
// file already had, because their keys may be in use.
func (s *Server) addReadyMade() {
	for _, c := range readyMade {
		if s.book.client(c.ID) != nil {
			continue
		}
		c.Ready = true
		if c.Alg == "" {
			c.Alg = "ES256"
		}
		if c.Grants == nil {
			c.Grants = []string{grantCIBA, grantRefresh}
		}
		s.book.Clients = append(s.book.Clients, &c)
	}
}

// Clients lists the ready-made clients.
func (s *Server) Clients() ([]Client, error) {
	var list []Client
	for _, c := range readyMade {
		one, err := s.Client(c.ID)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// Client gives out a ready-made client by its client_id. Its key is made the first
// time it is asked for: making an RSA key takes a tenth of a second, which tests
// that start many servers need not spend.
func (s *Server) Client(id string) (Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.book.client(id)
	if c == nil || !c.Ready {
		return Client{}, fmt.Errorf("client %s: not a ready-made one", plainText(id, 40))
	}
	if (c.Auth == "private_key_jwt" || strings.Contains(c.Auth, "tls")) && c.Private == nil {
		key := newSigningKey(c.Alg).JWK
		key.KeyID = thumbprint(key)
		// The public key is registered without a kid, since whoever has the key
		// from a PEM file cannot know one: the signature is what counts.
		public := key.Public()
		public.KeyID = ""
		c.Private, c.Keys = &key, []jose.JSONWebKey{public}
		s.book.needKey(c.Alg)
		if strings.Contains(c.Auth, "tls") {
			if err := s.certify(c); err != nil {
				return Client{}, err
			}
		}
		if err := s.save(); err != nil {
			return Client{}, err
		}
	}
	out := Client{ID: c.ID, Name: c.Name, Auth: c.Auth, Secret: c.Secret, IDTokenAlg: c.Alg}
	if c.Private != nil {
		out.Key, _ = c.Private.Key.(crypto.Signer)
		out.KeyID, out.Alg = c.Private.KeyID, c.Private.Algorithm
	}
	if c.Cert != nil {
		out.Cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Cert})
	}
	return out, nil
}

// client finds a client by its identifier; nil if there is none.
func (b *book) client(id string) *client {
	for _, c := range b.Clients {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// may reports whether the client is registered for a grant.
func (c *client) may(grant string) bool { return slices.Contains(c.Grants, grant) }

// thumbprint is the name of a key that follows from the key itself (RFC 7638).
func thumbprint(key jose.JSONWebKey) string {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		panic(err) // a key that we just made
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}
