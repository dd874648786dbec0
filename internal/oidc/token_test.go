package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	issuer   = "https://op.example/"
	clientID = "kiosk-1"
)

// claims returns the claims of a good ID token with changes; nil removes one.
func claims(changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": issuer, "aud": clientID, "sub": "alice",
		"iat": noon.Unix(), "exp": noon.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// expected returns what the good token matches; the request was sent ten seconds before.
func expected(s *server) ExpectedClaims {
	return ExpectedClaims{
		Issuer: issuer, ClientID: clientID, KeysURI: s.URL + "/jwks", RequestedAt: noon.Add(-10 * time.Second),
		AccessToken: kiosk.Secret("the-access-token"), RequestID: kiosk.Secret("the-request"),
	}
}

func newVerifier(t *testing.T) (*Verifier, *server) {
	s := newServer(t)
	s.put("/jwks", jwks(jwk(rsaKey, "rsa", nil), jwk(ecKey, "ec", nil), jwk(edKey, "ed", nil)))
	now := func() time.Time { return noon }
	return NewVerifier(NewKeys(NewTransport(TransportOptions{}), now), now), s
}

var ecHeader = map[string]any{"alg": "ES256", "kid": "ec", "typ": "JWT"}

func half(sum []byte) string { return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]) }

func hash256(s string) string { h := sha256.Sum256([]byte(s)); return half(h[:]) }
func hash512(s string) string { h := sha512.Sum512([]byte(s)); return half(h[:]) }

func TestVerifyAcceptsGoodTokens(t *testing.T) {
	v, s := newVerifier(t)
	for name, c := range map[string]struct {
		header, claims map[string]any
		key            any
		change         func(*ExpectedClaims)
	}{
		"signed with ES256":               {ecHeader, claims(nil), ecKey, nil},
		"signed with RS256":               {map[string]any{"alg": "RS256", "kid": "rsa"}, claims(nil), rsaKey, nil},
		"signed with PS256":               {map[string]any{"alg": "PS256", "kid": "rsa"}, claims(nil), rsaKey, nil},
		"signed with EdDSA":               {map[string]any{"alg": "EdDSA", "kid": "ed"}, claims(nil), edKey, nil},
		"without kid":                     {map[string]any{"alg": "ES256"}, claims(nil), ecKey, nil},
		"audience as a list of one":       {ecHeader, claims(map[string]any{"aud": []string{clientID}}), ecKey, nil},
		"azp is this client":              {ecHeader, claims(map[string]any{"azp": clientID}), ecKey, nil},
		"another trusted audience":        {ecHeader, claims(map[string]any{"aud": []string{clientID, "https://api.example"}, "azp": clientID}), ecKey, func(e *ExpectedClaims) { e.TrustedAudiences = []string{"https://api.example"} }},
		"times with fractions":            {ecHeader, claims(map[string]any{"iat": float64(noon.Unix()) + 0.25, "exp": float64(noon.Unix()) + 300.5}), ecKey, nil},
		"expired 59 s ago":                {ecHeader, claims(map[string]any{"exp": noon.Unix() - 59}), ecKey, nil},
		"iat in 60 s":                     {ecHeader, claims(map[string]any{"iat": noon.Unix() + 60}), ecKey, nil},
		"iat a minute before the request": {ecHeader, claims(map[string]any{"iat": noon.Unix() - 70}), ecKey, nil},
		"nbf a minute from now":           {ecHeader, claims(map[string]any{"nbf": noon.Unix() + 60}), ecKey, nil},
		"subject of 255 characters":       {ecHeader, claims(map[string]any{"sub": strings.Repeat("a", 255)}), ecKey, nil},
		"at_hash":                         {ecHeader, claims(map[string]any{"at_hash": hash256("the-access-token")}), ecKey, nil},
		"at_hash, EdDSA":                  {map[string]any{"alg": "EdDSA", "kid": "ed"}, claims(map[string]any{"at_hash": hash512("the-access-token")}), edKey, nil},
		"rt_hash":                         {ecHeader, claims(map[string]any{claimRefreshHash: hash256("the-refresh-token")}), ecKey, func(e *ExpectedClaims) { e.RefreshToken = kiosk.Secret("the-refresh-token") }},
		"auth_req_id":                     {ecHeader, claims(map[string]any{claimRequestID: "the-request"}), ecKey, nil},
		"acr is one of those requested":   {ecHeader, claims(map[string]any{"acr": "gold"}), ecKey, func(e *ExpectedClaims) { e.ACR = []string{"silver", "gold"} }},
		"an empty nonce":                  {ecHeader, claims(map[string]any{"nonce": ""}), ecKey, nil},
		"unknown claims":                  {ecHeader, claims(map[string]any{"urn:x": map[string]any{"y": []int{1}}}), ecKey, nil},
		"header points to other keys":     {map[string]any{"alg": "ES256", "kid": "ec", "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x5u"}, claims(nil), ecKey, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := expected(s)
			if c.change != nil {
				c.change(&e)
			}
			token := sign(c.header, c.claims, c.header["alg"].(string), c.key)
			got, err := v.Verify(context.Background(), kiosk.Secret(token), e)
			if err != nil {
				t.Fatal(err)
			}
			if got.Subject != c.claims["sub"] || !json.Valid(got.Raw) || got.Object["iss"] != issuer {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestVerifyRejectsAttacks(t *testing.T) {
	v, s := newVerifier(t)
	evil := ecKey2
	evilJWK := jwk(evil, "ec", nil)
	good := sign(ecHeader, claims(nil), "ES256", ecKey)
	parts := strings.Split(good, ".")
	pem := []byte("-----BEGIN PUBLIC KEY-----") // which a careless library would use as an HMAC key

	with := func(changes map[string]any) string { return sign(ecHeader, claims(changes), "ES256", ecKey) }
	head := func(changes map[string]any, k any) string {
		h := maps.Clone(ecHeader)
		maps.Copy(h, changes)
		return sign(h, claims(nil), h["alg"].(string), k)
	}
	for name, c := range map[string]struct {
		token  string
		says   string // a part of the error, to show that the right check failed
		change func(*ExpectedClaims)
	}{
		// V1: form
		"nothing":                   {"", "three parts", nil},
		"two parts":                 {parts[0] + "." + parts[1], "three parts", nil},
		"four parts":                {good + ".x", "three parts", nil},
		"encrypted":                 {"a.b.c.d.e", "encrypted", nil},
		"no signature":              {parts[0] + "." + parts[1] + ".", "base64url", nil},
		"padding":                   {parts[0] + "=." + parts[1] + "." + parts[2], "base64url", nil},
		"a line break inside":       {parts[0][:5] + "\n" + parts[0][5:] + "." + parts[1] + "." + parts[2], "base64url", nil},
		"a space in front":          {" " + good, "base64url", nil},
		"standard base64":           {parts[0] + "." + strings.Repeat("+/", 8) + "." + parts[2], "base64url", nil},
		"stray bits at the end":     {parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])-1] + strayBits(parts[2]), "base64url", nil},
		"longer than 16 KiB":        {with(map[string]any{"x": strings.Repeat("x", maxTokenSize)}), "longer", nil},
		"header is a list":          {sign("[]", claims(nil), "ES256", ecKey), "header", nil},
		"claims are a list":         {sign(ecHeader, "[]", "ES256", ecKey), "claims", nil},
		"claims are not JSON":       {sign(ecHeader, "hello", "ES256", ecKey), "claims", nil},
		"a duplicate claim":         {sign(ecHeader, strings.Replace(text(claims(nil)), "{", `{"sub":"bob",`, 1), "ES256", ecKey), "duplicate name", nil},
		"a duplicate header member": {sign(`{"alg":"none","alg":"ES256","kid":"ec"}`, claims(nil), "ES256", ecKey), "duplicate name", nil},
		"a second document":         {sign(ecHeader, text(claims(nil))+"{}", "ES256", ecKey), "claims", nil},
		"nested a thousand deep":    {sign(ecHeader, `{"sub":"alice","x":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+`}`, "ES256", ecKey), "nested deeper", nil},
		"general JSON form":         {`{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`, "three parts", nil},

		// V2: algorithm and header
		"alg none":                   {b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + "." + parts[2], "alg is not allowed", nil},
		"alg None":                   {b64([]byte(`{"alg":"None"}`)) + "." + parts[1] + "." + parts[2], "alg is not allowed", nil},
		"no alg":                     {b64([]byte(`{"kid":"ec"}`)) + "." + parts[1] + "." + parts[2], "alg is not allowed", nil},
		"alg in another case":        {b64([]byte(`{"ALG":"ES256","kid":"ec"}`)) + "." + parts[1] + "." + parts[2], "alg is not allowed", nil},
		"HMAC with the public key":   {head(map[string]any{"alg": "HS256", "kid": "rsa"}, pem), "alg is not allowed", nil},
		"HMAC on the allow-list":     {head(map[string]any{"alg": "HS256", "kid": "rsa"}, pem), "alg is not allowed", func(e *ExpectedClaims) { e.Algs = []string{"HS256", "none"} }},
		"none on the allow-list":     {b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + "." + parts[2], "alg is not allowed", func(e *ExpectedClaims) { e.Algs = []string{"HS256", "none"} }},
		"an alg that is not allowed": {good, "alg is not allowed", func(e *ExpectedClaims) { e.Algs = []string{"RS256"} }},
		"a critical extension":       {head(map[string]any{"crit": []string{"b64"}, "b64": true}, ecKey), "extension", nil},
		"crit is empty":              {head(map[string]any{"crit": []string{}}, ecKey), "extension", nil},
		"an access token":            {head(map[string]any{"typ": "at+jwt"}, ecKey), "typ is not", nil},
		"a logout token":             {head(map[string]any{"typ": "logout+JWT"}, ecKey), "typ is not", nil},
		"typ is a number":            {head(map[string]any{"typ": 5}, ecKey), "typ is not", nil},
		"kid is a number":            {head(map[string]any{"kid": 5}, ecKey), "malformed kid", nil},
		"kid is empty":               {head(map[string]any{"kid": ""}, ecKey), "malformed kid", nil},

		// V3 to V5: key and signature
		"kid of no key":                 {head(map[string]any{"kid": "../../dev/null"}, ecKey), "no key", nil},
		"kid of a key of another type":  {head(map[string]any{"kid": "rsa"}, ecKey), "no key", nil},
		"signed with another key":       {sign(ecHeader, claims(nil), "ES256", evil), "signature", nil},
		"contains its own key (jwk)":    {head(map[string]any{"jwk": evilJWK}, evil), "signature", nil},
		"contains its own key, no kid":  {sign(map[string]any{"alg": "ES256", "jwk": evilJWK}, claims(nil), "ES256", evil), "signature", nil},
		"points to its own keys (jku)":  {head(map[string]any{"jku": s.URL + "/evil"}, evil), "signature", nil},
		"points to its own chain (x5u)": {head(map[string]any{"x5u": s.URL + "/evil"}, evil), "signature", nil},
		"claims changed":                {parts[0] + "." + b64([]byte(text(claims(map[string]any{"sub": "bob"})))) + "." + parts[2], "signature", nil},
		"header changed":                {b64([]byte(`{"alg":"ES256","kid":"ec"}`)) + "." + parts[1] + "." + parts[2], "signature", nil},
		"signature of zeros":            {parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)), "signature", nil},
		"signature too short":           {parts[0] + "." + parts[1] + "." + b64(make([]byte, 63)), "signature", nil},

		// V6: issuer
		"another issuer":           {with(map[string]any{"iss": "https://evil.example/"}), "iss", nil},
		"issuer without its slash": {with(map[string]any{"iss": "https://op.example"}), "iss", nil},
		"issuer in capitals":       {with(map[string]any{"iss": "https://OP.example/"}), "iss", nil},
		"no issuer":                {with(map[string]any{"iss": nil}), "iss", nil},
		"issuer as a list":         {with(map[string]any{"iss": []string{issuer}}), "iss", nil},

		// V7, V8: audience
		"another audience":                        {with(map[string]any{"aud": "kiosk-2"}), "aud", nil},
		"no audience":                             {with(map[string]any{"aud": nil}), "aud", nil},
		"empty audience":                          {with(map[string]any{"aud": ""}), "aud", nil},
		"empty list of audiences":                 {with(map[string]any{"aud": []string{}}), "aud", nil},
		"audience that is a number":               {with(map[string]any{"aud": 1}), "aud", nil},
		"audience list with a number":             {with(map[string]any{"aud": []any{clientID, 1}}), "aud", nil},
		"audience that begins with the client ID": {with(map[string]any{"aud": clientID + "0"}), "aud", nil},
		"this client and an unknown audience":     {with(map[string]any{"aud": []string{clientID, "evil"}, "azp": clientID}), "unknown audience", nil},
		"trusted, without this client":            {with(map[string]any{"aud": []string{"api"}, "azp": clientID}), "does not name", func(e *ExpectedClaims) { e.TrustedAudiences = []string{"api"} }},
		"two audiences without azp":               {with(map[string]any{"aud": []string{clientID, "api"}}), "azp", func(e *ExpectedClaims) { e.TrustedAudiences = []string{"api"} }},
		"azp is another client":                   {with(map[string]any{"azp": "kiosk-2"}), "azp", nil},
		"azp is a list":                           {with(map[string]any{"azp": []string{clientID}}), "azp", nil},

		// V9 to V11: times
		"no exp":                    {with(map[string]any{"exp": nil}), "exp is missing", nil},
		"exp as a text":             {with(map[string]any{"exp": "9999999999"}), "exp", nil},
		"exp is null":               {sign(ecHeader, strings.Replace(text(claims(map[string]any{"exp": 1})), `"exp":1`, `"exp":null`, 1), "ES256", ecKey), "exp", nil},
		"expired a minute ago":      {with(map[string]any{"exp": noon.Unix() - 60}), "expired", nil},
		"expired six minutes ago":   {with(map[string]any{"exp": noon.Unix() - 360}), "expired", nil},
		"exp before 1970":           {with(map[string]any{"exp": -1}), "exp", nil},
		"exp out of range":          {sign(ecHeader, strings.Replace(text(claims(map[string]any{"exp": 1})), `"exp":1`, `"exp":1e300`, 1), "ES256", ecKey), "exp", nil},
		"no iat":                    {with(map[string]any{"iat": nil}), "iat is missing", nil},
		"iat as a text":             {with(map[string]any{"iat": "1"}), "iat", nil},
		"iat tomorrow":              {with(map[string]any{"iat": noon.Add(24 * time.Hour).Unix(), "exp": noon.Add(25 * time.Hour).Unix()}), "future", nil},
		"iat in 61 s":               {with(map[string]any{"iat": noon.Unix() + 61}), "future", nil},
		"iat before the request":    {with(map[string]any{"iat": noon.Unix() - 71}), "older than the request", nil},
		"iat a week ago":            {with(map[string]any{"iat": noon.Add(-7 * 24 * time.Hour).Unix()}), "older than the request", nil},
		"not valid before tomorrow": {with(map[string]any{"nbf": noon.Add(24 * time.Hour).Unix()}), "nbf", nil},
		"nbf as a text":             {with(map[string]any{"nbf": "1"}), "nbf", nil},
		"acr requested and absent":  {good, "acr", func(e *ExpectedClaims) { e.ACR = []string{"gold"} }},
		"acr not requested":         {with(map[string]any{"acr": "tin"}), "acr", func(e *ExpectedClaims) { e.ACR = []string{"gold"} }},
		"a nonce":                   {with(map[string]any{"nonce": "n-0S6_WzA2Mj"}), "nonce", nil},

		// V12: subject
		"no sub":                      {with(map[string]any{"sub": nil}), "sub", nil},
		"empty sub":                   {with(map[string]any{"sub": ""}), "sub", nil},
		"sub is a number":             {with(map[string]any{"sub": 7}), "sub", nil},
		"sub of 256 characters":       {with(map[string]any{"sub": strings.Repeat("a", 256)}), "sub", nil},
		"sub with an escape sequence": {with(map[string]any{"sub": "a\x1b[2Jb"}), "sub", nil},
		"sub outside ASCII":           {with(map[string]any{"sub": "аlice"}), "sub", nil},

		// V13: bindings to the rest of the response
		"at_hash of another token":      {with(map[string]any{"at_hash": hash256("another")}), "at_hash", nil},
		"at_hash whole instead of half": {with(map[string]any{"at_hash": b64([]byte(hash256("the-access-token")))}), "at_hash", nil},
		"at_hash is a number":           {with(map[string]any{"at_hash": 1}), "at_hash", nil},
		"at_hash and no access token":   {with(map[string]any{"at_hash": hash256("")}), "at_hash", func(e *ExpectedClaims) { e.AccessToken = nil }},
		"rt_hash of another token":      {with(map[string]any{claimRefreshHash: hash256("another")}), "rt_hash", func(e *ExpectedClaims) { e.RefreshToken = kiosk.Secret("r") }},
		"rt_hash and no refresh token":  {with(map[string]any{claimRefreshHash: hash256("")}), "rt_hash", nil},
		"another request's auth_req_id": {with(map[string]any{claimRequestID: "another"}), "auth_req_id", nil},
		"auth_req_id is a number":       {with(map[string]any{claimRequestID: 1}), "auth_req_id", nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := expected(s)
			if c.change != nil {
				c.change(&e)
			}
			got, err := v.Verify(context.Background(), kiosk.Secret(c.token), e)
			if err == nil {
				t.Fatalf("accepted: %+v", got)
			}
			if kiosk.ReasonOf(err) != kiosk.Untrusted {
				t.Errorf("reason %v", kiosk.ReasonOf(err))
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("rejected for another reason: %q, want %q in it", err, c.says)
			}
		})
	}
	if s.count("/evil") != 0 {
		t.Error("a request went to an address from a token")
	}
}

// strayBits returns a base64url text with the unused bits of its last character set.
func strayBits(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, s[len(s)-1])+1:][:1]
}

func TestVerifyRequiresExpectedClaims(t *testing.T) {
	v, s := newVerifier(t)
	token := kiosk.Secret(sign(ecHeader, claims(nil), "ES256", ecKey))
	for name, change := range map[string]func(*ExpectedClaims){
		"no issuer":  func(e *ExpectedClaims) { e.Issuer = "" },
		"no client":  func(e *ExpectedClaims) { e.ClientID = "" },
		"no keys":    func(e *ExpectedClaims) { e.KeysURI = "" },
		"no request": func(e *ExpectedClaims) { e.RequestedAt = time.Time{} },
	} {
		e := expected(s)
		change(&e)
		if _, err := v.Verify(context.Background(), token, e); kiosk.ReasonOf(err) != kiosk.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnreachableKeysDoNotMakeATokenUntrusted(t *testing.T) {
	v, s := newVerifier(t)
	s.setStatus("/jwks", 503)
	_, err := v.Verify(context.Background(), kiosk.Secret(sign(ecHeader, claims(nil), "ES256", ecKey)), expected(s))
	if kiosk.ReasonOf(err) != kiosk.Unreachable {
		t.Errorf("%v", err)
	}
}

func TestReplacedKeyWithTheSameKidIsFetched(t *testing.T) {
	v, s := newVerifier(t)
	old := kiosk.Secret(sign(ecHeader, claims(nil), "ES256", ecKey))
	if _, err := v.Verify(context.Background(), old, expected(s)); err != nil {
		t.Fatal(err)
	}
	s.put("/jwks", jwks(jwk(ecKey2, "ec", nil)))
	fresh := kiosk.Secret(sign(ecHeader, claims(nil), "ES256", ecKey2))
	if _, err := v.Verify(context.Background(), fresh, expected(s)); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if n := s.count("/jwks"); n != 2 {
		t.Errorf("asked %d times", n)
	}
	// Forged signatures cause no further fetch.
	for range 10 {
		forged := kiosk.Secret(sign(ecHeader, claims(nil), "ES256", ecKey))
		v.Verify(context.Background(), forged[:len(forged)-2], expected(s))
	}
	if n := s.count("/jwks"); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestDefaultAlgorithmsAreAsymmetric(t *testing.T) {
	if got := strings.Join(DefaultAlgs(), " "); got != "RS256 PS256 ES256 EdDSA" {
		t.Errorf("got %s", got)
	}
	for _, a := range algorithms {
		if strings.HasPrefix(string(a.name), "HS") || strings.EqualFold(string(a.name), "none") {
			t.Errorf("%s is understood", a.name)
		}
	}
}

func TestErrorsContainNoClaims(t *testing.T) {
	v, s := newVerifier(t)
	for _, claim := range []string{"iss", "aud", "azp", "sub", "nonce", "acr", "at_hash", claimRequestID, claimRefreshHash} {
		token := sign(ecHeader, claims(map[string]any{claim: "canary\x1b"}), "ES256", ecKey)
		e := expected(s)
		e.ACR = []string{"gold"}
		_, err := v.Verify(context.Background(), kiosk.Secret(token), e)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", claim, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	now := func() time.Time { return noon }
	k := NewKeys(NewTransport(TransportOptions{}), now)
	k.uri, k.attempted, k.ttl, k.refetchedAt = "https://op.example/jwks", noon, documentTTL, noon
	k.keys = []serverKey{{kid: "ec", public: ecKey.Public()}, {kid: "rsa", public: rsaKey.Public()}}
	v := NewVerifier(k, now)
	e := ExpectedClaims{Issuer: issuer, ClientID: clientID, KeysURI: k.uri, RequestedAt: noon.Add(-time.Second)}
	good := sign(ecHeader, claims(nil), "ES256", ecKey)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(`{}`)) + ".")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := v.Verify(context.Background(), kiosk.Secret(token), e)
		if err == nil && token != good {
			// The fuzzer has no key: only seeds signed in this process may pass.
			if c.Subject != "alice" {
				t.Fatalf("accepted a token that nobody signed: %q", token)
			}
		}
		var k *kiosk.Error
		if err != nil && !errors.As(err, &k) {
			t.Fatalf("an error without a reason: %v", err)
		}
	})
}

// FuzzClaims checks that accepted claims have the right issuer, audience, times and subject.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(text(claims(nil))))
	f.Add([]byte(text(claims(map[string]any{"aud": []string{clientID, "x"}}))))
	f.Add([]byte(`{"iss":"https://op.example/","aud":["kiosk-1"],"sub":"a","iat":1.795e9,"exp":1e11}`))
	e := ExpectedClaims{Issuer: issuer, ClientID: clientID, RequestedAt: noon.Add(-time.Second)}
	f.Fuzz(func(t *testing.T, in []byte) {
		o, err := strictjson.Parse(in)
		if err != nil {
			return
		}
		sub, err := e.checkClaims(o, noon)
		if err != nil {
			return
		}
		var plain struct {
			Iss string          `json:"iss"`
			Aud json.RawMessage `json:"aud"`
			Exp float64         `json:"exp"`
			Iat float64         `json:"iat"`
		}
		if err := json.Unmarshal(in, &plain); err != nil && sub == "" {
			t.Fatal(err)
		}
		if o["iss"] != issuer || sub == "" || !strings.Contains(string(plain.Aud), clientID) && !strings.Contains(string(plain.Aud), `\u`) {
			t.Fatalf("passed: %s", in)
		}
	})
}
