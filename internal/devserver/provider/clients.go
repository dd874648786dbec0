package provider

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

// Grant types: CIBA section 4, RFC 8628 section 3.4 and RFC 6749 section 6.
const (
	grantCIBA    = "urn:openid:params:grant-type:ciba"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	grantRefresh = "refresh_token"
)

// client is a registered client.
type client struct {
	ID                   string            `json:"client_id"`
	Name                 string            `json:"client_name"`
	Auth                 string            `json:"token_endpoint_auth_method"`
	Secret               string            `json:"client_secret,omitempty"`
	Keys                 []jose.JSONWebKey `json:"keys,omitempty"` // public
	Grants               []string          `json:"grant_types"`
	Alg                  string            `json:"id_token_signed_response_alg"`
	Private              *jose.JSONWebKey  `json:"private,omitempty"` // built-in clients only
	Registered           time.Time         `json:"since,omitzero"`
	RegistrationToken    string            `json:"access,omitempty"` // digest of the registration access token
	BuiltIn              bool              `json:"ready,omitempty"`
	NotificationEndpoint string            `json:"backchannel_client_notification_endpoint,omitempty"` // ping mode; empty in poll mode
	PingMode             string            `json:"manner,omitempty"`                                   // one of PingModes
	NotificationCAs      string            `json:"roots,omitempty"`                                    // PEM; empty for the system's
	SignedRequestsOnly   bool              `json:"signs,omitempty"`                                    // accepts signed requests only
	CertSubject          string            `json:"tls_client_auth_subject_dn,omitempty"`               // of the client certificate
	Cert                 []byte            `json:"cert,omitempty"`                                     // DER; built-in clients only
}

// Client is a built-in client with its credentials.
type Client struct {
	// ID is the client_id. The phone shows Name.
	ID, Name string
	// Auth is the token_endpoint_auth_method; "none" for the public client.
	Auth string
	// Secret is the client secret, for the methods that use one.
	Secret string
	// Key is the private key and KeyID its kid, for private_key_jwt.
	Key   crypto.Signer
	KeyID string
	// Cert is the client certificate in PEM, for both methods of mutual TLS.
	Cert []byte
	// Alg is the JWS algorithm of the key: ES256 or RS256.
	Alg string
	// IDTokenAlg is the JWS algorithm of the client's ID tokens.
	IDTokenAlg string
}

// builtInClients are the clients that every server has. Their secrets are published
// here, so they are for development only.
var builtInClients = []client{
	{ID: "kiosk-basic", Name: "Corner Shop", Auth: "client_secret_basic", Secret: "development-only-basic-secret"},
	{ID: "kiosk-post", Name: "Corner Shop", Auth: "client_secret_post", Secret: "development-only-post-secret"},
	// This secret detects clients that do not form-encode it for Basic (RFC 6749 section 2.3.1).
	{ID: "kiosk-odd", Name: "Corner Shop", Auth: "client_secret_basic", Secret: "development only: 100%+odd/&=%41"},
	{ID: "kiosk-jwt", Name: "Corner Shop", Auth: "private_key_jwt"},
	{ID: "kiosk-jwt-rs", Name: "Corner Shop", Auth: "private_key_jwt", Alg: "RS256"},
	{ID: "kiosk-signed", Name: "Corner Shop", Auth: "private_key_jwt", SignedRequestsOnly: true},
	{ID: "kiosk-tls", Name: "Corner Shop", Auth: "tls_client_auth", CertSubject: "CN=kiosk-tls"},
	{ID: "kiosk-self-signed", Name: "Corner Shop", Auth: "self_signed_tls_client_auth"},
	{ID: "kiosk-device", Name: "Corner Shop", Auth: "none", Grants: []string{grantDevice, grantRefresh}},
}

// addBuiltInClients adds the built-in clients that the state file does not have. Existing
// ones stay, since their keys may be in use.
func (s *Server) addBuiltInClients() {
	for _, c := range builtInClients {
		if s.state.findClient(c.ID) != nil {
			continue
		}
		c.BuiltIn = true
		if c.Alg == "" {
			c.Alg = "ES256"
		}
		if c.Grants == nil {
			c.Grants = []string{grantCIBA, grantRefresh}
		}
		s.state.Clients = append(s.state.Clients, &c)
	}
}

// Clients lists the built-in clients.
func (s *Server) Clients() ([]Client, error) {
	var list []Client
	for _, c := range builtInClients {
		one, err := s.Client(c.ID)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// Client returns a built-in client. Its key is made on first use: an RSA key takes 100
// ms, too long for tests that start many servers.
func (s *Server) Client(id string) (Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.state.findClient(id)
	if c == nil || !c.BuiltIn {
		return Client{}, fmt.Errorf("client %s: not a built-in client", PlainText(id, 40))
	}
	if (c.Auth == "private_key_jwt" || strings.Contains(c.Auth, "tls")) && c.Private == nil {
		key := newSigningKey(c.Alg).JWK
		key.KeyID = thumbprint(key)
		// The public key is registered without a kid: a PEM file contains none, so a
		// client that reads its key from one cannot send it.
		public := key.Public()
		public.KeyID = ""
		c.Private, c.Keys = &key, []jose.JSONWebKey{public}
		s.state.ensureKey(c.Alg)
		if strings.Contains(c.Auth, "tls") {
			if err := s.issueClientCert(c); err != nil {
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

// findClient returns a client by its identifier, nil if there is none.
func (st *state) findClient(id string) *client {
	for _, c := range st.Clients {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// isAllowed reports whether the client is registered for a grant type.
func (c *client) isAllowed(grant string) bool { return slices.Contains(c.Grants, grant) }

// thumbprint returns the JWK thumbprint of a key (RFC 7638).
func thumbprint(key jose.JSONWebKey) string {
	sum, _ := key.Thumbprint(crypto.SHA256) // never fails for a valid key
	return base64.RawURLEncoding.EncodeToString(sum)
}
