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

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/go-jose/go-jose/v4"
)

const (
	// keptKeys is how many visits' keys are held at once: the present one's, and
	// those of requests that are polled only to be closed.
	maxProofKeys = 8

	// maxNonce bounds a server's nonce; the longest seen is a JWE of 300 characters.
	maxNonce = 1024

	// maxOrigins bounds whose nonces are remembered: server, its address for mutual
	// TLS, API.
	maxOrigins = 8

	typProof = "dpop+jwt"
)

// DPoP makes proofs of possession (RFC 9449). Each visit has a key of its own, made
// when it is first needed and kept in memory only: what a thief of the device finds
// on disk is worth nothing without it. After a crash a new key is as good, until
// there is a token; one that came before can still be revoked, which takes no proof.
// It is safe for concurrent use.
type DPoP struct {
	now func() time.Time

	mu     sync.Mutex
	keys   []proofKey        // the newest last
	nonces map[string]string // by origin, the newest
}

// proofKey is a visit's key, and of whom it is known by now.
type proofKey struct {
	holderHashes [][sha256.Size]byte // hashes of its auth_req_id and its access token
	key          *ecdsa.PrivateKey
}

// NewDPoP makes a DPoP. now is the wall clock.
func NewDPoP(now func() time.Time) *DPoP { return &DPoP{now: now, nonces: map[string]string{}} }

// DPoPAlg is the one algorithm of proofs: every server that knows DPoP knows it, and
// its keys are made in a moment.
const DPoPAlg = string(jose.ES256)

// TokenProof makes the proof for a token request about an auth_req_id. The first one
// makes the visit's key.
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

// BindAccessToken notes that an access token came for an auth_req_id: it is tied to the same
// key.
func (d *DPoP) BindAccessToken(requestID, access kiosk.Secret) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.find(requestID); i >= 0 {
		d.keys[i].holderHashes = append(d.keys[i].holderHashes[:1:1], sha256.Sum256(access))
	}
}

// ResourceProof makes the proof for a request with an access token. It fails where the
// token's key is not at hand.
func (d *DPoP) ResourceProof(access kiosk.Secret, method, address string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.find(access)
	if i < 0 {
		return "", errors.New("the key of this access token is not known any more")
	}
	return d.sign(d.keys[i].key, method, address, access)
}

// Forget drops the key of an access token that is not used any more.
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

// sign is RFC 9449, section 4.2.
func (d *DPoP) sign(key *ecdsa.PrivateKey, method, address string, access kiosk.Secret) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("bad address")
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

// StoreNonce keeps the nonce of an answer for the next proofs to the same origin (RFC 9449,
// section 8.2) and tells whether it is a new one.
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
		clear(d.nonces) // they are had again by asking
	}
	d.nonces[origin] = values[0]
	return true
}

// RequiresNonce tells whether an answer of a protected resource asks for a proof with
// the nonce that it names (RFC 9449, section 9).
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

// challengesForNonce looks through one WWW-Authenticate value, which may hold several
// challenges (RFC 9110, section 11.6.1), for error="use_dpop_nonce" of scheme DPoP.
func challengesForNonce(s string) bool {
	scheme := ""
	for s != "" {
		s = strings.TrimLeft(s, " \t,")
		word := s[:len(s)-len(strings.TrimLeft(s, tokenChars))]
		if word == "" {
			return false
		}
		s = strings.TrimLeft(s[len(word):], " \t")
		if !strings.HasPrefix(s, "=") { // not a parameter: the next challenge's scheme
			scheme = word
			continue
		}
		s = strings.TrimLeft(strings.TrimLeft(s, "="), " \t")
		var value string
		if strings.HasPrefix(s, `"`) {
			end := strings.IndexByte(s[1:], '"')
			if end < 0 || strings.Contains(s[1:1+end], `\`) { // nothing we look for needs an escape
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

// tokenChars are those of a token (RFC 9110, section 5.6.2), and of a token68.
const tokenChars = "!#$%&'*+-.^_`|~/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// isValidNonce is NQCHAR of RFC 9449, section 8.1.
func isValidNonce(s string) bool {
	return s != "" && len(s) <= maxNonce && !strings.ContainsFunc(s, func(r rune) bool {
		return r < 0x21 || r > 0x7e || r == '"' || r == '\\'
	})
}

// originOf is scheme, host and port (RFC 6454).
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
