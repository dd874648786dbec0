package provider

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// idTokenLife is how long an ID token is valid.
const idTokenLife = 5 * time.Minute

// approval is what tokens are issued for.
type approval struct {
	client    *client
	person    *Person
	request   int
	scope     []string
	acr       string
	authTime  time.Time
	authReqID string
	details   []json.RawMessage
}

// issueTokens makes the tokens of an approval (CIBA section 10.1.1, OIDC section
// 3.1.3.3).
func (s *Server) issueTokens(c *call, a approval) faults.Answer {
	token := &faults.Token{
		Now: c.now, ClientID: a.client.ID, Username: a.person.Username, Scope: a.scope, Key: s.newestKey(a.client.Alg).JWK, NewKey: newPrivateKey,
	}
	fault := s.faultList.Take(c.place, faults.IssueTokens, "success")
	if fault != nil {
		c.annotate(func(e *Arrival) { e.Fault = fault.Kind })
	}
	fault.BeforeClaims(token)
	a.person, a.scope = personByUsername(token.Username), token.Scope
	access, refresh := newSecret(), ""
	token.Claims = s.idTokenClaims(a, c.now, access)
	fault.BeforeSigning(token)
	idToken, err := token.Sign()
	if err != nil {
		return faults.ServerError("the ID token could not be signed")
	}
	body := map[string]any{
		"access_token": access, "token_type": "Bearer", "id_token": idToken,
		"expires_in": int(accessTokenLife.Seconds()), "scope": strings.Join(a.scope, " "),
	}
	if c.keyThumbprint != "" {
		body["token_type"] = "DPoP"
	}
	if len(a.details) > 0 {
		body["authorization_details"] = a.details
	}
	if slices.Contains(a.scope, "offline_access") {
		refresh = newSecret()
		body["refresh_token"] = refresh
	}
	if err := s.storeTokens(c, a, access, refresh); err != nil {
		return faults.ServerError(err.Error())
	}
	c.annotate(func(e *Arrival) { e.User = a.person.Username })
	return jsonOK(body)
}

// idTokenClaims returns the claims of an ID token (OIDC section 2; CIBA section
// 10.3.1 for the request's identifier).
func (s *Server) idTokenClaims(a approval, now time.Time, access string) map[string]any {
	claims := a.person.claims()
	claims["iss"] = s.Issuer()
	claims["aud"] = a.client.ID
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(idTokenLife).Unix()
	claims["auth_time"] = a.authTime.Unix()
	claims["at_hash"] = tokenHash(access)
	if a.authReqID != "" {
		claims["urn:openid:params:jwt:claim:auth_req_id"] = a.authReqID
	}
	if a.acr != "" {
		claims["acr"] = a.acr
	}
	return claims
}

// tokenHash returns the at_hash of an access token. It uses SHA-256, which belongs to
// both signature algorithms of this server (OIDC section 3.1.3.6).
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// storeTokens remembers issued tokens; refresh is empty if there is none.
func (s *Server) storeTokens(c *call, a approval, access, refresh string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := grant{Token: digest(access), Request: a.request, Client: a.client.ID,
		Person: a.person.Username, Scope: a.scope, AuthTime: a.authTime, ACR: a.acr,
		Expires: c.now.Add(accessTokenLife), KeyThumbprint: c.keyThumbprint, CertThumbprint: c.certThumbprint()}
	s.state.Grants = append(s.state.Grants, &g)
	if refresh != "" {
		r := g
		r.Token, r.Refresh, r.Expires = digest(refresh), true, c.now.Add(refreshTokenLife)
		s.state.Grants = append(s.state.Grants, &r)
	}
	return s.save()
}
