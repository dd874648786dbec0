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
	// maxProofKeys limits the keys held at once: the current visit's, and those of requests that are polled only to
	// close them.
	maxProofKeys = 8

	// maxNonce limits a server's nonce; the longest seen is a JWE of 300 characters.
	maxNonce = 1024

	// maxOrigins limits the origins whose nonces are kept: server, its address for mutual TLS, API.
	maxOrigins = 8

	typProof = "dpop+jwt"
)

// DPoP makes proofs of possession. Each visit has its own key, made when first needed and kept in memory only, so
// that tokens on a stolen disk are useless. After a crash a new key is as good, as long as there is no token; an
// earlier token can still be revoked, which takes no proof. A DPoP is safe for concurrent use. (RFC 9449)
type DPoP struct {
	now func() time.Time

	mu     sync.Mutex
	keys   []proofKey        // the newest last
	nonces map[string]string // the newest, by origin
}

// proofKey is a visit's key, and the hashes of the secrets by which it is found: its auth_req_id and its access
// token.
type proofKey struct {
	holderHashes [][sha256.Size]byte // of its auth_req_id and its access token
	key          *ecdsa.PrivateKey
}

// NewDPoP returns a DPoP. now is the wall clock.
func NewDPoP(now func() time.Time) *DPoP { return &DPoP{now: now, nonces: map[string]string{}} }

// DPoPAlg is the algorithm of all proofs: every server with DPoP supports it, and its keys are made fast.
const DPoPAlg = string(jose.ES256)

// TokenProof returns the proof for a token request with an auth_req_id. The first one makes the visit's key.
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

// BindAccessToken records that the access token belongs to the key of requestID.
func (d *DPoP) BindAccessToken(requestID, access kiosk.Secret) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.find(requestID); i >= 0 {
		d.keys[i].holderHashes = append(d.keys[i].holderHashes[:1:1], sha256.Sum256(access))
	}
}

// ResourceProof returns the proof for a request with an access token. It fails if the token's key is unknown.
func (d *DPoP) ResourceProof(access kiosk.Secret, method, address string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.find(access)
	if i < 0 {
		return "", errors.New("the key of this access token is unknown")
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

func (d *DPoP) find(holder kiosk.Secret) int {
	h := sha256.Sum256(holder)
	return slices.IndexFunc(d.keys, func(k proofKey) bool { return slices.Contains(k.holderHashes, h) })
}

// sign returns a proof. (RFC 9449, section 4.2)
func (d *DPoP) sign(key *ecdsa.PrivateKey, method, address string, access kiosk.Secret) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("malformed address")
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

// StoreNonce keeps a response's nonce for the next proofs to the same origin, and reports whether it is a new one.
// (RFC 9449, section 8.2)
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
		clear(d.nonces) // servers send them again
	}
	d.nonces[origin] = values[0]
	return true
}

// RequiresNonce reports whether a protected resource's response demands a proof with the nonce it names. (RFC 9449,
// section 9)
func RequiresNonce(status int, h http.Header) bool {
	if status != http.StatusUnauthorized {
		return false
	}
	for _, challenge := range h.Values("WWW-Authenticate") {
		if len(challenge) <= maxNonce && challengesForNonce(challenge) {
			return true
		}
	}
	return false
}

// challengesForNonce reports whether a WWW-Authenticate value, which may hold several challenges, has
// error="use_dpop_nonce" in a DPoP challenge. (RFC 9110, section 11.6.1)
func challengesForNonce(s string) bool {
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
			if end < 0 || strings.Contains(s[1:1+end], `\`) { // use_dpop_nonce needs no escape
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

// tokenChars are the characters of a token and of a token68. (RFC 9110, section 5.6.2)
const tokenChars = "!#$%&'*+-.^_`|~/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// isValidNonce reports whether s consists of NQCHAR. (RFC 9449, section 8.1)
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
