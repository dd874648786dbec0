package oidc

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Limits of an ID token.
const (
	maxTokenSize = 16 << 10 // real ones are 1 to 3 KiB

	// Tolerance is how much the server's clock and ours may differ. A minute is usual; over five would accept tokens
	// that are plainly too old.
	Tolerance = time.Minute
)

// Claims that bind an ID token to a backchannel request. (CIBA Core, section 10.3.1)
const (
	claimRequestID   = "urn:openid:params:jwt:claim:auth_req_id"
	claimRefreshHash = "urn:openid:params:jwt:claim:rt_hash"
)

// ExpectedClaims are what an ID token must match.
type ExpectedClaims struct {
	Issuer   string   // compared byte for byte
	ClientID string   // must be in aud
	KeysURI  string   // where the issuer's keys are
	Algs     []string // from AcceptedAlgs; nil is DefaultAlgs
	// TrustedAudiences may be in aud beside ClientID; any other audience makes the token invalid.
	TrustedAudiences []string
	// RequestedAt is the wall time at which the request was sent; required. A token issued earlier, within Tolerance,
	// belongs to another request. This replaces the nonce, which backchannel requests lack.
	RequestedAt  time.Time
	AccessToken  kiosk.Secret // for at_hash
	RefreshToken kiosk.Secret // for rt_hash
	RequestID    kiosk.Secret // auth_req_id
	ACR          []string     // acr must be one of these; empty accepts any
}

// Claims are the contents of a validated ID token.
type Claims struct {
	strictjson.Object
	Subject string // sub
	Raw     []byte // the claims as JSON text
}

// Verifier validates ID tokens. It is safe for concurrent use.
type Verifier struct {
	keys *Keys
	now  func() time.Time
}

// NewVerifier returns a Verifier with the keys of k and the time of now.
func NewVerifier(k *Keys, now func() time.Time) *Verifier { return &Verifier{keys: k, now: now} }

// Verify validates a token: form, header, key, signature, claims, in this order. It makes every check of OpenID
// Connect Core 1.0 (section 3.1.3.7), RFC 8725 and CIBA Core; docs/protocol.md lists them as V1 to V13. The error is
// a *kiosk.Error: Unreachable if the keys could not be fetched, else Untrusted. Its text never contains a claim's
// value.
func (v *Verifier) Verify(ctx context.Context, token kiosk.Secret, e ExpectedClaims) (*Claims, error) {
	if e.Issuer == "" || e.ClientID == "" || e.KeysURI == "" || e.RequestedAt.IsZero() {
		return nil, kiosk.Fail(kiosk.Internal, "ID token", errors.New("no expected claims"))
	}
	c, err := v.verify(ctx, token, e)
	if err == nil {
		return c, nil
	}
	var k *kiosk.Error
	if errors.As(err, &k) {
		return nil, kiosk.Fail(k.Reason, "ID token", k)
	}
	return nil, kiosk.Fail(kiosk.Untrusted, "ID token", err)
}

func (v *Verifier) verify(ctx context.Context, token kiosk.Secret, e ExpectedClaims) (*Claims, error) {
	// V1: size and form
	head, body, err := decodeCompact(token)
	if err != nil {
		return nil, err
	}
	header, err := strictjson.Parse(head)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	claims, err := strictjson.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	alg, kid, err := checkHeader(header, e.Algs)
	if err != nil {
		return nil, err
	}
	if err := v.verifySignature(ctx, token, e.KeysURI, alg, kid); err != nil {
		return nil, err
	}
	sub, err := e.checkClaims(claims, v.now())
	if err != nil {
		return nil, err
	}
	if err := e.checkBindings(claims, alg); err != nil {
		return nil, err
	}
	return &Claims{Object: claims, Subject: sub, Raw: body}, nil
}

// decodeCompact returns the decoded header and claims of a compact JWS: three parts of base64url without padding,
// white space or stray bits. (RFC 7515, section 7.1)
func decodeCompact(token []byte) (header, claims []byte, err error) {
	if len(token) > maxTokenSize {
		return nil, nil, fmt.Errorf("longer than %d KiB", maxTokenSize>>10)
	}
	parts := strings.Split(string(token), ".")
	if len(parts) == 5 {
		return nil, nil, errors.New("encrypted, which this client did not register for")
	}
	if len(parts) != 3 {
		return nil, nil, errors.New("not three parts")
	}
	var out [3][]byte
	for i, p := range parts {
		// Go's decoder skips line breaks, so that one token would have many spellings.
		if p == "" || strings.ContainsAny(p, "\r\n") {
			return nil, nil, errors.New("not base64url")
		}
		if out[i], err = base64.RawURLEncoding.Strict().DecodeString(p); err != nil {
			return nil, nil, errors.New("not base64url")
		}
	}
	return out[0], out[1], nil
}

// checkHeader validates the header (V2) and returns its alg and kid. It ignores keys and their addresses in it (jwk,
// x5c, jku, x5u): a token does not choose its own key.
func checkHeader(h strictjson.Object, allowed []string) (alg, kid string, err error) {
	if allowed == nil {
		allowed = DefaultAlgs()
	}
	alg, _ = h.Text("alg")
	if _, known := findAlgorithm(alg); !known || !slices.Contains(allowed, alg) {
		return "", "", errors.New("alg is not allowed")
	}
	if _, present := h["crit"]; present { // no extension is supported (RFC 7515, section 4.1.11)
		return "", "", errors.New("crit: no extension is supported")
	}
	if h.Has("kid") {
		if kid, _ = h.Text("kid"); kid == "" {
			return "", "", errors.New("malformed kid")
		}
	}
	// A token with the type of another kind of token is not an ID token. (RFC 8725, section 3.11)
	typ, _ := h.Text("typ")
	if h.Has("typ") && (typ == "" || strings.HasSuffix(strings.ToLower(typ), "+jwt")) {
		return "", "", errors.New("typ is not that of an ID token")
	}
	return alg, kid, nil
}

// verifySignature finds the key and checks the signature (V3 to V5).
func (v *Verifier) verifySignature(ctx context.Context, token []byte, uri, alg, kid string) error {
	jws, err := jose.ParseSignedCompact(string(token), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return errors.New("not a signed token")
	}
	for try := 0; ; try++ {
		keys, err := v.keys.Find(ctx, uri, alg, kid)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if _, err := jws.Verify(k); err == nil {
				return nil
			}
		}
		again := false
		if try == 0 {
			if again, err = v.keys.Refetch(ctx, uri); err != nil {
				return err
			}
		}
		if !again {
			return errors.New("the signature matches no key of the server")
		}
	}
}
