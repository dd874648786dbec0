package provider

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// registration is the supported client metadata; other members are ignored (RFC 7591
// section 2, CIBA section 4).
type registration struct {
	Name     string          `json:"client_name"`
	Auth     string          `json:"token_endpoint_auth_method"`
	Grants   []string        `json:"grant_types"`
	JWKS     json.RawMessage `json:"jwks"`
	JWKSURI  string          `json:"jwks_uri"`
	Alg      string          `json:"id_token_signed_response_alg"`
	Delivery string          `json:"backchannel_token_delivery_mode"`
	Notify   string          `json:"backchannel_client_notification_endpoint"`
}

// handleRegistration registers a new client. An initial access token is required only
// with GuardRegistration, but a wrong one is always rejected (RFC 7591 section 3).
func (s *Server) handleRegistration(c *call) faults.Answer {
	if failure := c.checkInitialToken(); failure != nil {
		return *failure
	}
	cl, m, failure := c.parseMetadata()
	if failure != nil {
		return *failure
	}
	cl.ID, cl.Registered = "c-"+newSecret()[:16], c.now
	if cl.Name == "" {
		cl.Name = cl.ID
	}
	if cl.Auth == "client_secret_basic" || cl.Auth == "client_secret_post" {
		cl.Secret = newSecret()
	}
	access := newSecret()
	cl.RegistrationToken = digest(access)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.state.Clients) >= maxClients {
		return faults.OAuthError("invalid_client_metadata", "too many clients are registered already")
	}
	s.state.Clients = append(s.state.Clients, cl)
	s.state.ensureKey(cl.Alg)
	if err := s.save(); err != nil {
		return faults.ServerError(err.Error())
	}
	c.annotate(func(e *Arrival) { e.Client = cl.ID })
	return faults.JSON(http.StatusCreated, s.registrationAnswer(cl, m, access))
}

// checkInitialToken checks the initial access token: one from the control interface,
// valid once, or the access token of a person who signed in.
func (c *call) checkInitialToken() *faults.Answer {
	s := c.server
	_, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if token == "" && !s.opt.GuardRegistration {
		return nil
	}
	s.mu.Lock()
	i := slices.Index(s.state.InitialTokens, digest(token))
	if token != "" && i >= 0 {
		s.state.InitialTokens = slices.Delete(s.state.InitialTokens, i, i+1)
		err := s.save()
		s.mu.Unlock()
		if err != nil {
			a := faults.ServerError(err.Error())
			return &a
		}
		return nil
	}
	s.mu.Unlock()
	_, failure := c.authorize()
	return failure
}

// InitialAccessToken makes a token that allows one registration (RFC 7591 section 3).
func (s *Server) InitialAccessToken() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := newSecret()
	s.state.InitialTokens = append(s.state.InitialTokens, digest(token))
	return token, s.save()
}

// handleClientConfiguration reads, changes or deletes a registration. A change replaces the
// registration access token, so that a client that does not store the new one fails (RFC
// 7592 section 2.2).
func (s *Server) handleClientConfiguration(c *call) faults.Answer {
	_, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	s.mu.Lock()
	cl := s.state.findClient(c.r.PathValue("id"))
	if cl == nil || cl.RegistrationToken == "" || token == "" || cl.RegistrationToken != digest(token) {
		s.mu.Unlock()
		return faults.InvalidToken()
	}
	defer s.mu.Unlock()
	c.annotate(func(e *Arrival) { e.Client = cl.ID })
	var jwks json.RawMessage
	switch c.r.Method {
	case http.MethodDelete:
		s.state.Clients = slices.DeleteFunc(s.state.Clients, func(k *client) bool { return k == cl })
		if err := s.save(); err != nil {
			return faults.ServerError(err.Error())
		}
		return faults.Answer{Status: http.StatusNoContent, Header: http.Header{"Cache-Control": {"no-store"}}}
	case http.MethodPut:
		var body struct {
			ID string `json:"client_id"`
		}
		if json.Unmarshal(c.body, &body) != nil || body.ID != cl.ID {
			return faults.OAuthError("invalid_client_metadata", "client_id must be that of the registration")
		}
		fresh, m, failure := c.parseMetadata()
		if failure != nil {
			return *failure
		}
		token = newSecret()
		fresh.ID, fresh.Registered, fresh.Secret, fresh.RegistrationToken = cl.ID, cl.Registered, cl.Secret, digest(token)
		*cl, jwks = *fresh, m
		s.state.ensureKey(cl.Alg)
		if err := s.save(); err != nil {
			return faults.ServerError(err.Error())
		}
	default:
		set, err := json.Marshal(map[string]any{"keys": cl.Keys})
		if err != nil {
			return faults.ServerError(err.Error())
		}
		jwks = set
	}
	return jsonOK(s.registrationAnswer(cl, jwks, token))
}

// registrationAnswer is the metadata with the address and token of the client
// configuration endpoint. The lock must be held (RFC 7592 section 3).
func (s *Server) registrationAnswer(k *client, jwks json.RawMessage, access string) map[string]any {
	m := k.metadata(jwks)
	m["registration_client_uri"] = strings.TrimSuffix(s.issuer, "/") + "/register/" + k.ID
	m["registration_access_token"] = access
	return m
}

// parseMetadata validates client metadata and returns the client and its jwks as sent.
func (c *call) parseMetadata() (*client, json.RawMessage, *faults.Answer) {
	reject := func(why string) (*client, json.RawMessage, *faults.Answer) {
		a := faults.OAuthError("invalid_client_metadata", why)
		return nil, nil, &a
	}
	var m registration
	if json.Unmarshal(c.body, &m) != nil {
		return reject("the body must be a JSON object of client metadata")
	}
	if m.Auth == "" {
		m.Auth = "client_secret_basic" // RFC 7591 section 2
	}
	if _, found := authMethodChecks[m.Auth]; !found {
		return reject("token_endpoint_auth_method is not supported")
	}
	if len(m.Grants) == 0 {
		m.Grants = []string{grantCIBA}
	}
	for _, g := range m.Grants {
		if !slices.Contains(supportedGrants(), g) {
			return reject("grant_types contains an unsupported grant type")
		}
	}
	if slices.Contains(m.Grants, grantCIBA) {
		if m.Auth == "none" {
			return reject("CIBA requires client authentication")
		}
		switch m.Delivery {
		case "", "poll":
			m.Notify = ""
		case "ping":
			if err := checkNotificationEndpoint(m.Notify); err != nil {
				return reject(err.Error())
			}
		default:
			return reject("backchannel_token_delivery_mode must be poll or ping")
		}
	}
	if m.Alg == "" {
		m.Alg = "ES256"
	}
	if m.Alg != "ES256" && m.Alg != "RS256" {
		return reject("id_token_signed_response_alg must be ES256 or RS256")
	}
	cl := &client{Name: PlainText(m.Name, 60), Auth: m.Auth, Grants: m.Grants, Alg: m.Alg, NotificationEndpoint: m.Notify, PingMode: PingModes[0]}
	if m.Auth == "private_key_jwt" {
		if m.JWKSURI != "" {
			return reject("jwks_uri is not supported; send the keys as jwks")
		}
		if err := cl.parseKeys(m.JWKS); err != nil {
			return reject(err.Error())
		}
	}
	return cl, m.JWKS, nil
}

// parseKeys sets the client's public keys from a JWK set.
func (k *client) parseKeys(set json.RawMessage) error {
	var keys jose.JSONWebKeySet
	if len(set) == 0 || json.Unmarshal(set, &keys) != nil || len(keys.Keys) == 0 || len(keys.Keys) > 10 {
		return errors.New("jwks must contain 1 to 10 public keys")
	}
	for _, key := range keys.Keys {
		if !key.Valid() || !key.IsPublic() {
			return errors.New("jwks contains a private or malformed key")
		}
	}
	k.Keys = keys.Keys
	return nil
}

// metadata returns the registered metadata (RFC 7591 section 3.2.1).
func (k *client) metadata(jwks json.RawMessage) map[string]any {
	m := map[string]any{
		"client_id": k.ID, "client_name": k.Name, "client_id_issued_at": k.Registered.Truncate(time.Second).Unix(),
		"token_endpoint_auth_method": k.Auth, "grant_types": k.Grants, "id_token_signed_response_alg": k.Alg,
		"response_types": []string{}, "backchannel_token_delivery_mode": k.deliveryMode(), "backchannel_user_code_parameter": true,
	}
	if k.NotificationEndpoint != "" {
		m["backchannel_client_notification_endpoint"] = k.NotificationEndpoint
	}
	if k.Secret != "" {
		m["client_secret"], m["client_secret_expires_at"] = k.Secret, 0
	}
	if len(k.Keys) > 0 {
		m["jwks"] = jwks
	}
	return m
}
