package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// maxProofKeys limits the keys held at once: one for the current visit, and one for each earlier request that is
	// still polled until the server closes it.
	maxProofKeys = 8

	// maxNonce limits a server's nonce, and a challenge, in bytes. The longest nonce that we met, a JWE, has 300.
	maxNonce = 1024

	// maxOrigins limits the origins whose nonces are kept. A kiosk uses three: the authorization server, its endpoints
	// for mutual TLS, and the API.
	maxOrigins = 8

	typProof = "dpop+jwt"
)

// DPoP makes proofs of possession. Each visit has its own key, made when first needed and kept in memory only, so
// that tokens on a stolen disk are useless. A crash loses all keys: a request without tokens gets a new one; tokens
// issued before the crash can only be revoked, which needs no proof. A DPoP is safe for concurrent use. (RFC 9449)
type DPoP struct {
	now func() time.Time

	mu     sync.Mutex
	keys   []proofKey        // the oldest first
	nonces map[string]string // the latest of each origin
}

// proofKey is the key of one visit. It is found by the visit's auth_req_id or device_code, or by its access token.
type proofKey struct {
	secretHashes [][sha256.Size]byte // of the auth_req_id or device_code; then of the access token, once it is bound
	key          *ecdsa.PrivateKey
}

// NewDPoP returns a DPoP. now is the wall clock.
func NewDPoP(now func() time.Time) *DPoP { return &DPoP{now: now, nonces: map[string]string{}} }

// DPoPAlg is the algorithm of all proofs. Nearly every server with DPoP supports ES256, and its keys are quick to
// generate.
const DPoPAlg = string(jose.ES256)

// TokenProof returns the proof for a token request with an auth_req_id or a device_code. The first call for a request
// generates its key; beyond maxProofKeys the oldest key is dropped.
func (d *DPoP) TokenProof(requestID kiosk.Secret, address string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.find(requestID)
	if i < 0 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", err
		}
		d.keys = append(d.keys, proofKey{[][sha256.Size]byte{sha256.Sum256(requestID)}, key})
		if len(d.keys) > maxProofKeys {
			d.keys = slices.Delete(d.keys, 0, 1)
		}
		i = len(d.keys) - 1
	}
	return d.sign(d.keys[i].key, http.MethodPost, address, nil)
}

// BindAccessToken binds an access token to the key of requestID, so that ResourceProof finds it. It replaces a token
// that was bound earlier.
func (d *DPoP) BindAccessToken(requestID, access kiosk.Secret) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.find(requestID); i >= 0 {
		d.keys[i].secretHashes = append(d.keys[i].secretHashes[:1:1], sha256.Sum256(access))
	}
}

// ResourceProof returns the proof for a request with an access token. It fails if the token's key is unknown.
func (d *DPoP) ResourceProof(access kiosk.Secret, method, address string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.find(access)
	if i < 0 {
		return "", errors.New("DPoP proof: no key for this access token")
	}
	return d.sign(d.keys[i].key, method, address, access)
}

// Forget removes the key of an access token.
func (d *DPoP) Forget(access kiosk.Secret) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.find(access); i >= 0 {
		d.keys = slices.Delete(d.keys, i, i+1)
	}
}

// find returns the index of the key of a secret, or -1. The caller holds d.mu.
func (d *DPoP) find(secret kiosk.Secret) int {
	h := sha256.Sum256(secret)
	return slices.IndexFunc(d.keys, func(k proofKey) bool { return slices.Contains(k.secretHashes, h) })
}

// sign returns a proof, with the origin's nonce if one is known, and with ath if there is an access token. The caller
// holds d.mu. (RFC 9449, section 4.2)
func (d *DPoP) sign(key *ecdsa.PrivateKey, method, address string, access kiosk.Secret) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("DPoP proof: malformed URL")
	}
	origin := originOf(u)
	u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = "", false, "", ""
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": u.String(), "iat": d.now().Unix()}
	if access != nil {
		sum := sha256.Sum256(access)
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if n := d.nonces[origin]; n != "" {
		claims["nonce"] = n
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	opt := (&jose.SignerOptions{EmbedJWK: true}).WithType(typProof)
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(DPoPAlg), Key: key}, opt)
	if err != nil {
		return "", err
	}
	jws, err := s.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

// StoreNonce keeps a response's nonce for the next proofs to the same origin, and reports whether the nonce changed. A
// missing, repeated or malformed header changes nothing. (RFC 9449, section 8.2)
func (d *DPoP) StoreNonce(address string, h http.Header) bool {
	values := h.Values("DPoP-Nonce")
	u, err := url.Parse(address)
	if err != nil || len(values) != 1 || !isValidNonce(values[0]) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	origin := originOf(u)
	if d.nonces[origin] == values[0] {
		return false
	}
	if _, known := d.nonces[origin]; !known && len(d.nonces) >= maxOrigins {
		clear(d.nonces) // a server that requires a nonce sends one again
	}
	d.nonces[origin] = values[0]
	return true
}

// RequiresNonce reports whether a protected resource demands a proof with the nonce in its DPoP-Nonce header: status
// 401 and a DPoP challenge with error="use_dpop_nonce". (RFC 9449, section 9)
func RequiresNonce(status int, h http.Header) bool {
	if status != http.StatusUnauthorized {
		return false
	}
	for _, challenge := range h.Values("WWW-Authenticate") {
		if len(challenge) <= maxNonce && hasNonceChallenge(challenge) {
			return true
		}
	}
	return false
}

// hasNonceChallenge reports whether a WWW-Authenticate value, which may hold several challenges, has
// error="use_dpop_nonce" in a DPoP challenge. A value with an escape, in any parameter before it, is not understood.
// (RFC 9110, section 11.6.1)
func hasNonceChallenge(s string) bool {
	scheme := ""
	for s != "" {
		s = strings.TrimLeft(s, " \t,")
		word := s[:len(s)-len(strings.TrimLeft(s, tokenChars))]
		if word == "" {
			return false
		}
		s = strings.TrimLeft(s[len(word):], " \t")
		if !strings.HasPrefix(s, "=") { // not a parameter, but the scheme of the next challenge
			scheme = word
			continue
		}
		s = strings.TrimLeft(strings.TrimLeft(s, "="), " \t")
		var value string
		if strings.HasPrefix(s, `"`) {
			end := strings.IndexByte(s[1:], '"')
			if end < 0 || strings.Contains(s[1:1+end], `\`) {
				return false
			}
			value, s = s[1:1+end], s[end+2:]
		} else {
			value = s[:len(s)-len(strings.TrimLeft(s, tokenChars))]
			s = s[len(value):]
		}
		if strings.EqualFold(scheme, "DPoP") && strings.EqualFold(word, "error") && value == "use_dpop_nonce" {
			return true
		}
	}
	return false
}

// tokenChars are the characters of a token, and of a token68 without its padding. (RFC 9110, sections 5.6.2 and 11.2)
const tokenChars = "!#$%&'*+-.^_`|~/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// isValidNonce reports whether s is a nonce, one or more NQCHAR, of at most maxNonce bytes. (RFC 9449, section 8.1)
func isValidNonce(s string) bool {
	return s != "" && len(s) <= maxNonce && !strings.ContainsFunc(s, func(r rune) bool {
		return r < 0x21 || r > 0x7e || r == '"' || r == '\\'
	})
}

// originOf returns scheme, host and port. (RFC 6454)
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
