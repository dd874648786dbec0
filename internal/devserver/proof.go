package devserver

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// What ties a token to whoever may use it: a certificate (RFC 8705) or a key whose
// possession is proven with each request (RFC 9449).

// proofAlgs are the algorithms of proofs of possession.
var proofAlgs = []string{"ES256", "PS256"}

const (
	// proofAge is how old, or how far in the future, a proof's iat may be.
	proofAge = time.Minute
	// nonceLife is how long a nonce of ours is good.
	nonceLife = 5 * time.Minute
)

// certificateOf is the client certificate of the connection; nil if there is none.
// Whether anybody vouches for it is for the ways of authentication to say.
func (c *call) certificateOf() *x509.Certificate {
	if c.r.TLS == nil || len(c.r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return c.r.TLS.PeerCertificates[0]
}

// certified names the certificate of the connection (x5t#S256); empty if there is none.
func (c *call) certified() string {
	cert := c.certificateOf()
	if cert == nil {
		return ""
	}
	sum := sha256.Sum256(cert.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// checkIssued is tls_client_auth (RFC 8705 section 2.1): a certificate of our own
// authority with the subject that is registered.
func (c *call) checkIssued(known *client, _ proof) error {
	cert := c.certificateOf()
	if cert == nil {
		return errors.New("no client certificate in the TLS handshake")
	}
	c.server.mu.Lock()
	ca, _, err := c.server.authority(c.now)
	c.server.mu.Unlock()
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: c.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return errors.New("the client certificate is not of our authority, or not valid now")
	}
	if known.Subject == "" || cert.Subject.String() != known.Subject {
		return errors.New("the client certificate names another subject")
	}
	return nil
}

// checkSelfSigned is self_signed_tls_client_auth (RFC 8705 section 2.2): a certificate
// of a registered key; who signed it does not matter.
func (c *call) checkSelfSigned(known *client, _ proof) error {
	cert := c.certificateOf()
	if cert == nil {
		return errors.New("no client certificate in the TLS handshake")
	}
	for _, key := range known.Keys {
		if public, ok := key.Key.(interface{ Equal(crypto.PublicKey) bool }); ok && public.Equal(cert.PublicKey) {
			return nil
		}
	}
	return errors.New("the client certificate is of a key that is not registered")
}

// possession checks the proof of a request, if it has one or a nonce is due. It gives
// the key's thumbprint, empty without a proof, or the error code. access is the token
// that comes with it at a protected resource; empty at the token endpoint.
func (c *call) possession(access string) (jkt, code, why string) {
	no := func(why string) (string, string, string) { return "", "invalid_dpop_proof", why }
	all := c.r.Header.Values("DPoP")
	if len(all) == 0 {
		return "", "", ""
	}
	if len(all) > 1 {
		return no("more than one proof")
	}
	token, err := jwt.ParseSigned(all[0], algorithms(proofAlgs))
	if err != nil || len(token.Headers) != 1 {
		return no("no JWT with an allowed algorithm")
	}
	h := token.Headers[0]
	if h.ExtraHeaders["typ"] != "dpop+jwt" || h.JSONWebKey == nil || !h.JSONWebKey.IsPublic() || !h.JSONWebKey.Valid() {
		return no("typ must be dpop+jwt and jwk a public key")
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
		return no("the signature is not of the key in it")
	}
	sum := sha256.Sum256([]byte(access))
	switch {
	case claims.Method != c.r.Method || claims.URI != c.server.base()+c.r.URL.Path:
		return no("it is for another request")
	case claims.Issued == nil || claims.ID == "" || len(claims.ID) > 256:
		return no("iat or jti is missing")
	case access != "" && claims.Hash != base64.RawURLEncoding.EncodeToString(sum[:]):
		return no("ath is not of this access token")
	case c.server.opt.DPoPNonce && claims.Nonce == "", claims.Nonce != "" && !c.server.isNonce(claims.Nonce, c.now):
		return "", "use_dpop_nonce", "a proof must have the nonce of this answer"
	case claims.Nonce == "" && c.now.Sub(claims.Issued.Time()).Abs() > proofAge: // a nonce is a better clock
		return no("iat is too far from now")
	}
	if !c.server.once("proof", claims.ID, c.now.Add(2*proofAge+nonceLife)) {
		return no("this jti was used before")
	}
	return thumbprint(*h.JSONWebKey), "", ""
}

// once tells whether an identifier is seen for the first time.
func (s *Server) once(kind, id string, until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := digest(kind + "\x00" + id)
	_, seen := s.book.Seen[key]
	s.book.Seen[key] = until
	return !seen
}

// nonce makes a nonce that tells its own age, so that none has to be remembered.
func (s *Server) nonce(now time.Time) string {
	b := make([]byte, 16, 16+sha256.Size)
	binary.BigEndian.PutUint64(b, uint64(now.Unix()))
	rand.Read(b[8:]) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(s.sealNonce(b))
}

func (s *Server) sealNonce(b []byte) []byte {
	m := hmac.New(sha256.New, s.book.Forms) // set once, when the server is made
	m.Write([]byte("nonce"))
	m.Write(b[:16])
	return m.Sum(b[:16:16])
}

func (s *Server) isNonce(n string, now time.Time) bool {
	b, err := base64.RawURLEncoding.DecodeString(n)
	if err != nil || len(b) != 16+sha256.Size || subtle.ConstantTimeCompare(b, s.sealNonce(slices.Clone(b))) != 1 {
		return false
	}
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint64(b)), 0))
	return age >= -time.Second && age <= nonceLife
}

// unproven is the token endpoint's answer to a proof that will not do.
func (c *call) unproven(code, why string) answer {
	a := refuse(code, "DPoP: "+why)
	if code == "use_dpop_nonce" {
		a.header.Set("DPoP-Nonce", c.server.nonce(c.now))
		c.uncount()
	}
	return a
}

// uncount makes a poll that was turned away for a nonce no poll: the next one may
// come at once (RFC 9449 section 8).
func (c *call) uncount() {
	c.note(func(e *Arrival) { e.Kind = "nonce" })
	if c.polled == nil {
		return
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.polled.lastPoll = c.before
}

// challenge is a protected resource's answer to a token of type DPoP that it does not
// take (RFC 9449 section 7.1).
func (c *call) challenge(code string) answer {
	a := jsonAnswer(http.StatusUnauthorized, map[string]string{"error": code})
	a.header.Set("WWW-Authenticate", `DPoP realm="devserver", error="`+code+`", algs="`+strings.Join(proofAlgs, " ")+`"`)
	if code == "use_dpop_nonce" {
		a.header.Set("DPoP-Nonce", c.server.nonce(c.now))
		c.note(func(e *Arrival) { e.Kind = "nonce" })
	}
	a.code = code
	return a
}

// proofKinds are the faults of proofs and of what they are for.
var proofKinds = []faultKind{
	{name: "dpop_nonce", places: "token", step: instead, about: "ask for a new nonce, whatever nonce the proof has",
		change: func(c *call, f *Fault, a *answer) { *a = c.unproven("use_dpop_nonce", "a fault") }},
	{name: "dpop_nonce", places: "api userinfo", step: instead, about: "the same with a 401",
		change: func(c *call, f *Fault, a *answer) { *a = c.challenge("use_dpop_nonce") }},
	{name: "no_binding", places: "token", step: rewrite, on: "success", about: "token_type Bearer, whatever proof there was",
		change: func(c *call, f *Fault, a *answer) { a.edit(func(m map[string]any) { m["token_type"] = "Bearer" }) }},
	{name: "more_details", places: "token", step: rewrite, on: "success", about: "one more of authorization_details than was asked for: value, or one of another type",
		change: func(c *call, f *Fault, a *answer) {
			a.edit(func(m map[string]any) {
				list, _ := m["authorization_details"].([]any)
				more := any(map[string]any{"type": "payment", "actions": []string{"pay"}})
				if len(f.Value) > 0 {
					more = f.Value
				}
				m["authorization_details"] = append(list, more)
			})
		}},
	{name: "fewer_details", places: "token", step: rewrite, on: "success", about: "none of the authorization_details",
		change: func(c *call, f *Fault, a *answer) {
			a.edit(func(m map[string]any) { m["authorization_details"] = []any{} })
		}},
	member("no_signed_requests", "discovery", "no backchannel_authentication_request_signing_alg_values_supported", nil, requestAlgsName),
	member("other_signed_requests", "discovery", "signed requests with RS512 only", `["RS512"]`, requestAlgsName),
	member("other_dpop", "discovery", "proofs of possession with RS512 only", `["RS512"]`, "dpop_signing_alg_values_supported"),
	member("no_mtls_aliases", "discovery", "no mtls_endpoint_aliases", nil, "mtls_endpoint_aliases"),
}

// requestAlgsName is CIBA section 4's.
const requestAlgsName = "backchannel_authentication_request_signing_alg_values_supported"

// requestAlgs are the algorithms of signed requests.
var requestAlgs = []string{"ES256", "PS256"}

// unpack takes the parameters out of a signed authentication request (CIBA section
// 7.1.1): none may stand beside it. It gives the error code.
func (c *call) unpack(known *client) (code string, err error) {
	const bad = "invalid_request"
	for name := range c.form {
		switch name {
		case "request", "client_id", "client_secret", "client_assertion", "client_assertion_type":
		default:
			return bad, errors.New("a parameter beside the signed request")
		}
	}
	signed := c.form.Get("request")
	token, err := jwt.ParseSigned(signed, algorithms(requestAlgs))
	if err != nil || len(token.Headers) != 1 {
		return bad, errors.New("request: not a JWT signed with ES256 or PS256")
	}
	claims, err := verifyByClient(known, signed, requestAlgs)
	if err != nil {
		return bad, errors.New("request: the signature does not fit a registered key")
	}
	if claims.Issuer != known.ID || !claims.Audience.Contains(c.server.Issuer()) {
		return bad, errors.New("request: iss must be the client and aud the issuer")
	}
	if claims.IssuedAt == nil || claims.NotBefore == nil {
		return bad, errors.New("request: iat and nbf must be there")
	}
	if err := c.server.fresh(known.ID, claims, c.now); err != nil {
		return bad, errors.New(strings.Replace(err.Error(), "assertion", "request", 1))
	}
	var all map[string]json.RawMessage
	if token.UnsafeClaimsWithoutVerification(&all) != nil { // verified above
		return bad, errors.New("request: no JSON object")
	}
	for name, raw := range all {
		switch name {
		case "iss", "aud", "exp", "iat", "nbf", "jti":
			continue
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw) // a number, or JSON of its own
		}
		if text != "" {
			c.form.Set(name, text)
		}
	}
	return "", nil
}
