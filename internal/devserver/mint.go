package devserver

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// minting is a token answer in the making; faults change it before it is signed.
type minting struct {
	server *Server
	ticket ticket
	now    time.Time
	access string
	claims map[string]any
	key    jose.SigningKey
	header map[jose.HeaderKey]any
	forge  func(payload []byte) string // signs in another way; nil for the right one
	spoil  func(token string) string   // damages the signed token; nil for not
}

// idTokenLife is how long an ID token is valid.
const idTokenLife = 5 * time.Minute

// mint makes the tokens of an approval (CIBA section 10.1.1, OIDC section 3.1.3.3).
func (s *Server) mint(c *call, t ticket) answer {
	m := &minting{server: s, ticket: t, now: c.now, access: secret(), header: map[jose.HeaderKey]any{}}
	key := s.signer(t.client.Alg)
	m.key = jose.SigningKey{Algorithm: jose.SignatureAlgorithm(t.client.Alg), Key: key.JWK}

	f, k := s.faults.take(c.place, mint, "success")
	if f != nil {
		c.note(func(e *Arrival) { e.Fault = f.Kind })
		if k.early != nil {
			k.early(m, f)
		}
	}
	m.claim()
	if f != nil && k.late != nil {
		k.late(m, f)
	}
	token, err := m.sign()
	if err != nil {
		return failed("the ID token could not be signed")
	}
	body := map[string]any{
		"access_token": m.access, "token_type": "Bearer", "id_token": token,
		"expires_in": int(accessTokenLife.Seconds()), "scope": strings.Join(m.ticket.scope, " "),
	}
	if c.key != "" {
		body["token_type"] = "DPoP"
	}
	if len(t.details) > 0 {
		body["authorization_details"] = t.details
	}
	if slices.Contains(m.ticket.scope, "offline_access") {
		body["refresh_token"] = secret()
	}
	if err := s.issue(c, m, body["refresh_token"]); err != nil {
		return failed(err.Error())
	}
	c.note(func(e *Arrival) { e.User = m.ticket.person.Username })
	return ok(body)
}

// claim fills in the claims of the ID token (OIDC section 2, CIBA section 10.3.1
// for the request's id).
func (m *minting) claim() {
	m.claims = m.ticket.person.claims()
	m.claims["iss"] = m.server.Issuer()
	m.claims["aud"] = m.ticket.client.ID
	m.claims["iat"] = m.now.Unix()
	m.claims["exp"] = m.now.Add(idTokenLife).Unix()
	m.claims["auth_time"] = m.ticket.auth.Unix()
	m.claims["at_hash"] = leftHalf(m.access)
	if m.ticket.authReqID != "" {
		m.claims["urn:openid:params:jwt:claim:auth_req_id"] = m.ticket.authReqID
	}
	if m.ticket.acr != "" {
		m.claims["acr"] = m.ticket.acr
	}
}

// leftHalf is the hash of OIDC section 3.1.3.6; both our algorithms go with SHA-256.
func leftHalf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

func (m *minting) sign() (string, error) {
	payload, err := json.Marshal(m.claims)
	if err != nil {
		return "", err
	}
	if m.forge != nil {
		return m.forge(payload), nil
	}
	signer, err := jose.NewSigner(m.key, &jose.SignerOptions{ExtraHeaders: m.header})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	token, err := signed.CompactSerialize()
	if err == nil && m.spoil != nil {
		token = m.spoil(token)
	}
	return token, err
}

// issue remembers the tokens given out.
func (s *Server) issue(c *call, m *minting, refresh any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := grant{Token: digest(m.access), Request: m.ticket.request, Client: m.ticket.client.ID,
		Person: m.ticket.person.Username, Scope: m.ticket.scope, Auth: m.ticket.auth, ACR: m.ticket.acr,
		Expires: m.now.Add(accessTokenLife), Key: c.key, Cert: c.certified()}
	s.book.Grants = append(s.book.Grants, &g)
	if token, given := refresh.(string); given {
		r := g
		r.Token, r.Refresh, r.Expires = digest(token), true, m.now.Add(refreshTokenLife)
		s.book.Grants = append(s.book.Grants, &r)
	}
	return s.save()
}
