package devserver

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// registration is the metadata of RFC 7591 section 2 and CIBA section 4 that we
// understand; the rest is ignored, as section 2 asks.
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

// register takes a new client; anybody may come (RFC 7591 section 3).
func (s *Server) register(c *call) answer {
	no := func(why string) answer { return refuse("invalid_client_metadata", why) }
	var m registration
	if json.Unmarshal(c.body, &m) != nil {
		return no("the body must be a JSON object of client metadata")
	}
	if m.Auth == "" {
		m.Auth = "client_secret_basic" // RFC 7591 section 2
	}
	if _, found := authMethod[m.Auth]; !found {
		return no("token_endpoint_auth_method is not supported here")
	}
	if len(m.Grants) == 0 {
		m.Grants = []string{grantCIBA}
	}
	for _, g := range m.Grants {
		if !slices.Contains(grantTypes(), g) {
			return no("grant_types holds one that is not supported here")
		}
	}
	if slices.Contains(m.Grants, grantCIBA) {
		if m.Auth == "none" {
			return no("CIBA is for confidential clients")
		}
		switch m.Delivery {
		case "", "poll":
			m.Notify = ""
		case "ping":
			if err := checkNotify(m.Notify); err != nil {
				return no(err.Error())
			}
		default:
			return no("backchannel_token_delivery_mode must be poll or ping here")
		}
	}
	if m.Alg == "" {
		m.Alg = "ES256"
	}
	if m.Alg != "ES256" && m.Alg != "RS256" {
		return no("id_token_signed_response_alg must be ES256 or RS256")
	}
	known := &client{ID: "c-" + secret()[:16], Name: plainText(m.Name, 60), Auth: m.Auth, Grants: m.Grants, Alg: m.Alg, Since: c.now,
		Notify: m.Notify, Manner: Manners[0]}
	if known.Name == "" {
		known.Name = known.ID
	}
	if m.Auth == "private_key_jwt" {
		if m.JWKSURI != "" {
			return no("send the keys as jwks; jwks_uri is not fetched here")
		}
		if why := known.takeKeys(m.JWKS); why != "" {
			return no(why)
		}
	}
	if m.Auth == "client_secret_basic" || m.Auth == "client_secret_post" {
		known.Secret = secret()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.book.Clients) >= maxClients {
		return no("too many clients are registered already")
	}
	s.book.Clients = append(s.book.Clients, known)
	s.book.needKey(known.Alg)
	if err := s.save(); err != nil {
		return failed(err.Error())
	}
	c.note(func(e *Arrival) { e.Client = known.ID })
	return jsonAnswer(http.StatusCreated, known.metadata(m.JWKS))
}

// takeKeys reads the client's public keys and says what is wrong with them.
func (k *client) takeKeys(set json.RawMessage) string {
	var keys jose.JSONWebKeySet
	if len(set) == 0 || json.Unmarshal(set, &keys) != nil || len(keys.Keys) == 0 || len(keys.Keys) > 10 {
		return "jwks must hold 1 to 10 public keys"
	}
	for _, key := range keys.Keys {
		if !key.Valid() || !key.IsPublic() {
			return "jwks holds a key that is private or malformed"
		}
	}
	k.Keys = keys.Keys
	return ""
}

// metadata is the answer of RFC 7591 section 3.2.1.
func (k *client) metadata(jwks json.RawMessage) map[string]any {
	m := map[string]any{
		"client_id": k.ID, "client_name": k.Name, "client_id_issued_at": k.Since.Truncate(time.Second).Unix(),
		"token_endpoint_auth_method": k.Auth, "grant_types": k.Grants, "id_token_signed_response_alg": k.Alg,
		"response_types": []string{}, "backchannel_token_delivery_mode": k.delivery(), "backchannel_user_code_parameter": true,
	}
	if k.Notify != "" {
		m["backchannel_client_notification_endpoint"] = k.Notify
	}
	if k.Secret != "" {
		m["client_secret"], m["client_secret_expires_at"] = k.Secret, 0
	}
	if len(k.Keys) > 0 {
		m["jwks"] = jwks
	}
	return m
}
