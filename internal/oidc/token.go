package oidc

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/go-jose/go-jose/v4"
)

// Limits of an ID token.
const (
	maxTokenSize = 16 << 10 // real ones are 1 to 3 KiB

	// Tolerance is how far the server's clock and ours may be apart. A minute is
	// usual; over five would let through tokens that are plainly too old.
	Tolerance = time.Minute
)

// Names of the claims that tie an ID token to a backchannel request (CIBA Core,
// section 10.3.1).
const (
	claimRequestID   = "urn:openid:params:jwt:claim:auth_req_id"
	claimRefreshHash = "urn:openid:params:jwt:claim:rt_hash"
)

// ExpectedClaims are what an ID token must contain.
type ExpectedClaims struct {
	Issuer   string   // exactly
	ClientID string   // must be the audience
	KeysURI  string   // where the issuer's keys are
	Algs     []string // allow-list; nil is DefaultAlgs
	// Trusted are audiences that may stand beside our own; any other one refuses the token.
	TrustedAudiences []string
	// Since is the wall time at which the request was sent. A token from before,
	// less the tolerance, answers some other question: backchannel requests have no
	// nonce, so this takes its place. Required.
	RequestedAt  time.Time
	AccessToken  kiosk.Secret // for at_hash
	RefreshToken kiosk.Secret // for rt_hash
	RequestID    kiosk.Secret // auth_req_id
	ACR          []string     // one of these must be in acr; empty asks nothing
}

// Claims are the contents of an ID token that passed every check.
type Claims struct {
	strictjson.Object
	Subject string // sub
	Raw     []byte // the JSON text
}

// Verifier checks ID tokens. It is safe for concurrent use.
type Verifier struct {
	keys *Keys
	now  func() time.Time
}

// NewVerifier makes a Verifier that takes keys from k and the time from now.
func NewVerifier(k *Keys, now func() time.Time) *Verifier { return &Verifier{keys: k, now: now} }

// Verify makes every check of OpenID Connect Core 1.0, section 3.1.3.7, of RFC 8725
// and of CIBA Core, in the order form, header, key, signature, claims. The error is
// a *kiosk.Error: Unreachable if the keys could not be fetched, else Untrusted. Its
// text never holds a claim's value.
func (v *Verifier) Verify(ctx context.Context, token kiosk.Secret, e ExpectedClaims) (*Claims, error) {
	if e.Issuer == "" || e.ClientID == "" || e.KeysURI == "" || e.RequestedAt.IsZero() {
		return nil, kiosk.Fail(kiosk.Internal, "ID token", errors.New("nothing to compare it with"))
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
	// V1: size and form.
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

// decodeCompact cuts a compact JWS into its decoded header and claims (RFC 7515,
// section 7.1): three parts of base64url, no padding, no white space, no stray bits.
func decodeCompact(token []byte) (header, claims []byte, err error) {
	if len(token) > maxTokenSize {
		return nil, nil, fmt.Errorf("longer than %d KiB", maxTokenSize>>10)
	}
	parts := strings.Split(string(token), ".")
	if len(parts) == 5 {
		return nil, nil, errors.New("encrypted, which this client did not ask for")
	}
	if len(parts) != 3 {
		return nil, nil, errors.New("not three parts")
	}
	var out [3][]byte
	for i, p := range parts {
		// Go's decoder skips line breaks, which would give one token many spellings.
		if p == "" || strings.ContainsAny(p, "\r\n") {
			return nil, nil, errors.New("not base64url")
		}
		if out[i], err = base64.RawURLEncoding.Strict().DecodeString(p); err != nil {
			return nil, nil, errors.New("not base64url")
		}
	}
	return out[0], out[1], nil
}

// checkHeader is V2. Keys and addresses of keys in the header (jwk, x5c, jku, x5u)
// are not looked at: a token does not say what it is to be checked by.
func checkHeader(h strictjson.Object, allowed []string) (alg, kid string, err error) {
	if allowed == nil {
		allowed = DefaultAlgs()
	}
	alg, _ = h.Text("alg")
	if _, known := findAlgorithm(alg); !known || !slices.Contains(allowed, alg) {
		return "", "", errors.New("signed in a way that is not on the list")
	}
	if _, there := h["crit"]; there { // we understand no extension, so none can be met (RFC 7515, section 4.1.11)
		return "", "", errors.New("demands an extension")
	}
	if h.Has("kid") {
		if kid, _ = h.Text("kid"); kid == "" {
			return "", "", errors.New("bad key name")
		}
	}
	// RFC 8725, section 3.11: a token that says it is of another kind is no ID token.
	typ, _ := h.Text("typ")
	if h.Has("typ") && (typ == "" || strings.HasSuffix(strings.ToLower(typ), "+jwt")) {
		return "", "", errors.New("a token of another kind")
	}
	return alg, kid, nil
}

// verifySignature is V3 to V5.
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
			return errors.New("the signature is not the server's")
		}
	}
}
