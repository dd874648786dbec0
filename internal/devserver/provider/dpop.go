package provider

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// proofAlgs are the algorithms of DPoP proofs.
var proofAlgs = []string{"ES256", "PS256"}

const (
	// proofAge is how far a proof's iat may be from now, in either direction.
	proofAge = time.Minute
	// nonceLife is how long a nonce is valid.
	nonceLife = 5 * time.Minute
)

// verifyProof checks the DPoP proof of a request and returns the thumbprint of its key,
// empty without a proof. A bad proof has the code of an OAuth error. access is the token
// sent to a protected resource; empty at the token endpoint (RFC 9449 section 4.3).
func (c *call) verifyProof(access string) (jkt, code, why string) {
	reject := func(why string) (string, string, string) { return "", "invalid_dpop_proof", why }
	all := c.r.Header.Values("DPoP")
	if len(all) == 0 {
		return "", "", ""
	}
	if len(all) > 1 {
		return reject("more than one proof")
	}
	token, err := jwt.ParseSigned(all[0], signatureAlgorithms(proofAlgs))
	if err != nil || len(token.Headers) != 1 {
		return reject("not a JWT with an allowed algorithm")
	}
	h := token.Headers[0]
	if h.ExtraHeaders["typ"] != "dpop+jwt" || h.JSONWebKey == nil || !h.JSONWebKey.IsPublic() || !h.JSONWebKey.Valid() {
		return reject("typ must be dpop+jwt and jwk a public key")
	}
	var claims struct {
		ID     string           `json:"jti"`
		Method string           `json:"htm"`
		URI    string           `json:"htu"`
		Issued *jwt.NumericDate `json:"iat"`
		Hash   string           `json:"ath"`
		Nonce  string           `json:"nonce"`
	}
	if token.Claims(h.JSONWebKey.Key, &claims) != nil {
		return reject("the signature does not match its jwk")
	}
	sum := sha256.Sum256([]byte(access))
	switch {
	case claims.Method != c.r.Method || claims.URI != c.server.baseURL()+c.r.URL.Path:
		return reject("htm and htu belong to another request")
	case claims.Issued == nil || claims.ID == "" || len(claims.ID) > 256:
		return reject("iat or jti is missing")
	case access != "" && claims.Hash != base64.RawURLEncoding.EncodeToString(sum[:]):
		return reject("ath does not match the access token")
	case c.server.opt.DPoPNonce && claims.Nonce == "", claims.Nonce != "" && !c.server.isFreshNonce(claims.Nonce, c.now):
		return "", "use_dpop_nonce", "the proof must contain the nonce of this answer"
	case claims.Nonce == "" && c.now.Sub(claims.Issued.Time()).Abs() > proofAge: // a nonce replaces the clock
		return reject("iat is too far from now")
	}
	if !c.server.isFirstUse("proof", claims.ID, c.now.Add(2*proofAge+nonceLife)) {
		return reject("this jti was used before")
	}
	return thumbprint(*h.JSONWebKey), "", ""
}

// isFirstUse reports whether a jti of an issuer is new, and remembers it.
func (s *Server) isFirstUse(issuer, jti string, until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := digest(issuer + "\x00" + jti)
	_, seen := s.state.UsedIDs[key]
	s.state.UsedIDs[key] = until
	return !seen
}

// newNonce makes a nonce that contains its time of issue, so that the server need not
// remember it.
func (s *Server) newNonce(now time.Time) string {
	b := make([]byte, 16, 16+sha256.Size)
	binary.BigEndian.PutUint64(b, uint64(now.Unix()))
	rand.Read(b[8:]) // never fails
	return base64.RawURLEncoding.EncodeToString(s.appendNonceMAC(b))
}

// appendNonceMAC appends the MAC to the first 16 bytes of a nonce.
func (s *Server) appendNonceMAC(b []byte) []byte {
	m := hmac.New(sha256.New, s.state.FormKey) // set once, when the server is made
	m.Write([]byte("nonce"))
	m.Write(b[:16])
	return m.Sum(b[:16:16])
}

// isFreshNonce reports whether a nonce is from this server and not too old.
func (s *Server) isFreshNonce(n string, now time.Time) bool {
	b, err := base64.RawURLEncoding.DecodeString(n)
	if err != nil || len(b) != 16+sha256.Size || subtle.ConstantTimeCompare(b, s.appendNonceMAC(slices.Clone(b))) != 1 {
		return false
	}
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint64(b)), 0))
	return age >= -time.Second && age <= nonceLife
}

// proofError answers a bad proof at the token endpoint.
func (c *call) proofError(code, why string) faults.Answer {
	a := faults.OAuthError(code, "DPoP: "+why)
	if code == "use_dpop_nonce" {
		a.Header.Set("DPoP-Nonce", c.server.newNonce(c.now))
		c.forgetPoll()
	}
	return a
}

// forgetPoll undoes the timing of a poll that was rejected for its nonce, so that the
// client may repeat it at once (RFC 9449 section 8).
func (c *call) forgetPoll() {
	c.annotate(func(e *Arrival) { e.Kind = "nonce" })
	if c.polledRequest == nil {
		return
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.polledRequest.lastPoll = c.previousPoll
}

// proofChallenge answers a rejected DPoP token at a protected resource (RFC 9449
// section 7.1).
func (c *call) proofChallenge(code string) faults.Answer {
	a := faults.JSON(http.StatusUnauthorized, map[string]string{"error": code})
	a.Header.Set("WWW-Authenticate", `DPoP realm="devserver", error="`+code+`", algs="`+strings.Join(proofAlgs, " ")+`"`)
	if code == "use_dpop_nonce" {
		a.Header.Set("DPoP-Nonce", c.server.newNonce(c.now))
		c.annotate(func(e *Arrival) { e.Kind = "nonce" })
	}
	a.Code = code
	return a
}
