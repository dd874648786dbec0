package provider

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// hintType distinguishes login hint tokens from ID tokens, which have the same key.
const hintType = "login-hint+jwt"

// HintToken makes a login hint token for a person, as an app on their phone might show
// for scanning (CIBA section 7.1).
func (s *Server) HintToken(user string, life time.Duration) (string, error) {
	p := PersonWithPhone(user)
	if p == nil {
		return "", faults.ErrNoSuchPerson
	}
	key := s.newestKey("ES256")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key.JWK}, (&jose.SignerOptions{}).WithType(hintType))
	if err != nil {
		return "", err
	}
	now := s.opt.Now()
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: s.Issuer(), Subject: p.Subject, ID: newSecret(), IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(life)),
	}).Serialize()
}

// controlHint handles POST /dev/hint?user=alice[&life=60s].
func (s *Server) controlHint(w http.ResponseWriter, r *http.Request) {
	life := time.Minute
	if l := r.URL.Query().Get("life"); l != "" {
		var err error
		if life, err = time.ParseDuration(l); err != nil {
			writeError(w, http.StatusBadRequest, errors.New("life must be a duration such as 60s"))
			return
		}
	}
	token, err := s.HintToken(r.URL.Query().Get("user"), life)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, map[string]string{"login_hint_token": token})
}

// personByHintToken returns the person that a login hint token names, or the code of an
// OAuth error (CIBA section 13).
func (s *Server) personByHintToken(token string, now time.Time) (p *Person, code string) {
	const bad = "invalid_request"
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(parsed.Headers) != 1 || parsed.Headers[0].ExtraHeaders["typ"] != hintType {
		return nil, bad
	}
	s.mu.Lock()
	keys := slices.Clone(s.state.Keys)
	s.mu.Unlock()
	for _, k := range keys {
		var claims jwt.Claims
		if parsed.Claims(k.JWK.Public().Key, &claims) != nil || claims.Issuer != s.Issuer() {
			continue
		}
		if claims.Expiry == nil || now.After(claims.Expiry.Time()) {
			return nil, "expired_login_hint_token"
		}
		return personBySubject(claims.Subject), ""
	}
	return nil, bad
}
