package ciba

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/go-jose/go-jose/v4"
)

// claimsOf verifies a JWS with a key, or with its embedded key, and returns its claims.
func claimsOf(t *testing.T, token string, key any) strictjson.Object {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if key == nil {
		key = jws.Signatures[0].Header.JSONWebKey
	}
	body, err := jws.Verify(key)
	if err != nil {
		t.Fatal(err)
	}
	o, err := strictjson.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestSignedRequestContainsAllParameters(t *testing.T) {
	for _, method := range []string{oidc.SecretBasic, oidc.SecretPost, oidc.PrivateKeyJWT, oidc.SelfSignedTLS} {
		p := newOP(t)
		p.play(discoveryPath, say(200, p.document().with(obj{"backchannel_authentication_request_signing_alg_values_supported": []string{"ES256"}})))
		auth, err := oidc.NewClientAuth(oidc.AuthOptions{
			Method: method, ClientID: clientID, Secret: kiosk.Secret("s"), Key: testKey(t), Now: func() time.Time { return noon },
			Certificate: certificateFor(t, method),
		})
		if err != nil {
			t.Fatal(err)
		}
		k := p.kiosk(func(c *Config) {
			c.Auth, c.SignKey, c.AuthorizationDetails, c.Resource, c.ACRValues = auth, testKey(t), oneDetail, "https://api.example", "gold"
		})
		ask(t, k)
		outside := map[string]bool{"request": true, "client_id": true, "client_secret": true, "client_assertion": true, "client_assertion_type": true}
		r := p.got("/bc")[0]
		for name := range r.form {
			if !outside[name] {
				t.Errorf("%s: %s is outside the request object", method, name)
			}
		}
		c := claimsOf(t, r.form.Get("request"), opKey.Public())
		for name, want := range map[string]string{
			"iss": clientID, "aud": p.issuer, "scope": "openid profile", "login_hint": "alice", "binding_message": "K7-4F9Q",
			"requested_expiry": "120", "resource": "https://api.example", "acr_values": "gold",
		} {
			if got, _ := c.Text(name); got != want {
				t.Errorf("%s: %s is %v", method, name, c[name])
			}
		}
		for _, name := range []string{"exp", "iat", "nbf", "jti", "authorization_details"} {
			if !c.Has(name) {
				t.Errorf("%s: no %s", method, name)
			}
		}
		k.Poll(t.Context(), requestID)
		if p.got("/token")[0].form.Has("request") {
			t.Error("a poll is signed")
		}
	}
}

// PingFederate wants client_id inside the signed request as well.
func TestSignedRequestContainsClientIDWhereTheProfileSaysSo(t *testing.T) {
	for profile, want := range map[string]string{"pingfederate": clientID, "keycloak": ""} {
		p := newOP(t)
		p.play(discoveryPath, say(200, p.document().with(obj{"backchannel_authentication_request_signing_alg_values_supported": []string{"ES256"}})))
		k := p.kiosk(func(c *Config) { c.SignKey, c.Profile = testKey(t), profile })
		ask(t, k)
		if got, _ := claimsOf(t, p.got("/bc")[0].form.Get("request"), opKey.Public()).Text("client_id"); got != want {
			t.Errorf("%s: client_id %q, want %q", profile, got, want)
		}
	}
}

func TestUnsupportedProofsAreMisconfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*Config)
		document obj
		words    string
	}{
		"no signed requests":         {func(c *Config) { c.SignKey = testKey(t) }, nil, "KIOSK_SIGNED_REQUEST=false"},
		"other algorithms":           {func(c *Config) { c.SignKey = testKey(t) }, obj{"backchannel_authentication_request_signing_alg_values_supported": []string{"PS256"}}, "not with ES256"},
		"DPoP with other algorithms": {func(c *Config) { c.DPoP = oidc.NewDPoP(c.Now) }, obj{"dpop_signing_alg_values_supported": []string{"RS256"}}, "KIOSK_DPOP=false"},
		"DPoP not published":         {func(c *Config) { c.DPoP = oidc.NewDPoP(c.Now) }, nil, ""},
		"DPoP with our algorithm":    {func(c *Config) { c.DPoP = oidc.NewDPoP(c.Now) }, obj{"dpop_signing_alg_values_supported": []string{"RS256", "ES256"}}, ""},
	} {
		p := newOP(t)
		p.play(discoveryPath, say(200, p.document().with(c.document)))
		k := p.kiosk(c.change)
		_, err := k.Ask(t.Context(), alice)
		if c.words == "" {
			wantReason(t, err, kiosk.NoReason)
			continue
		}
		wantReason(t, err, kiosk.Misconfigured)
		if err != nil && !strings.Contains(err.Error(), c.words) || len(p.got("/bc")) != 0 {
			t.Errorf("%s: %v, %d requests", name, err, len(p.got("/bc")))
		}
		if _, err := k.Probe(t.Context()); kiosk.ReasonOf(err) != kiosk.Misconfigured {
			t.Errorf("%s: checkServer: %v", name, err)
		}
	}
}

// bound is a kiosk with DPoP.
func (p *op) bound() *Client {
	return p.kiosk(func(c *Config) { c.DPoP = oidc.NewDPoP(c.Now) })
}

func nonce(l line, value string) line {
	if l.header == nil {
		l.header = map[string]string{}
	}
	l.header["DPoP-Nonce"] = value
	return l
}

func TestPollHasDPoPProof(t *testing.T) {
	p := newOP(t)
	k := p.bound()
	ask(t, k)
	if r := p.got("/bc")[0]; r.header.Get("DPoP") != "" {
		t.Error("the backchannel request has a DPoP proof")
	}
	good := p.tokens(noon, obj{"token_type": "dpop"})
	p.play("/token", oops(400, "authorization_pending"), say(200, good))
	if a := k.Poll(t.Context(), requestID); a.Verdict != kiosk.Pending {
		t.Fatalf("%+v", a)
	}
	a := k.Poll(t.Context(), requestID)
	if a.Verdict != kiosk.Granted || a.Tokens.Type != "DPoP" {
		t.Fatalf("%v", a.Err)
	}
	var jtis []string
	for _, r := range p.got("/token") {
		c := claimsOf(t, r.header.Get("DPoP"), nil)
		jti, _ := c.Text("jti")
		jtis = append(jtis, jti)
		if c["htm"] != "POST" || c["htu"] != p.issuer+"/token" || c.Has("ath") {
			t.Errorf("%v", c)
		}
	}
	if len(jtis) != 2 || jtis[0] == jtis[1] {
		t.Errorf("proofs %v", jtis)
	}
}

func TestNonceIsUsedAtOnceAndOnce(t *testing.T) {
	p := newOP(t)
	k := p.bound()
	p.play("/token", nonce(oops(400, "use_dpop_nonce"), "n1"), nonce(oops(400, "authorization_pending"), "n2"), oops(400, "authorization_pending"))
	for range 2 {
		if a := k.Poll(t.Context(), requestID); a.Verdict != kiosk.Pending {
			t.Fatalf("%+v", a)
		}
	}
	var nonces []any
	for _, r := range p.got("/token") {
		nonces = append(nonces, claimsOf(t, r.header.Get("DPoP"), nil)["nonce"])
	}
	if len(nonces) != 3 || nonces[0] != nil || nonces[1] != "n1" || nonces[2] != "n2" {
		t.Errorf("nonces %v", nonces)
	}

	for name, lines := range map[string][]line{
		"new nonce for every request": {nonce(oops(400, "use_dpop_nonce"), "a"), nonce(oops(400, "use_dpop_nonce"), "b"), nonce(oops(400, "use_dpop_nonce"), "c")},
		"no nonce":                    {oops(400, "use_dpop_nonce")},
	} {
		p := newOP(t)
		p.play("/token", lines...)
		if a := p.bound().Poll(t.Context(), requestID); a.Verdict != kiosk.Fatal || a.Reason != kiosk.Misconfigured {
			t.Errorf("%s: %+v", name, a)
		}
		if n := len(p.got("/token")); n > 2 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

func TestBackchannelRequestIsNotRepeatedForNonce(t *testing.T) {
	p := newOP(t)
	p.play("/bc", nonce(oops(400, "use_dpop_nonce"), "n1"))
	_, err := p.bound().Ask(t.Context(), alice)
	wantReason(t, err, kiosk.Misconfigured)
	if n := len(p.got("/bc")); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestUnboundTokensAreRevoked(t *testing.T) {
	for name, c := range map[string]struct {
		proof bool
		typ   string
	}{
		"Bearer with a proof":  {true, "Bearer"},
		"DPoP without a proof": {false, "DPoP"},
		"MAC with a proof":     {true, "MAC"},
	} {
		p := newOP(t)
		p.play("/token", say(200, p.tokens(noon, obj{"token_type": c.typ})))
		k := p.kiosk(nil)
		if c.proof {
			k = p.bound()
		}
		a := k.Poll(t.Context(), requestID)
		if a.Verdict != kiosk.Fatal || a.Reason != kiosk.Untrusted || len(a.Tokens.Access) == 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestRefusedProofMayBeClock(t *testing.T) {
	for date, want := range map[time.Time]kiosk.Reason{
		noon: kiosk.Misconfigured, noon.Add(30 * time.Second): kiosk.Misconfigured,
		noon.Add(time.Hour): kiosk.BadClock, noon.AddDate(-10, 0, 0): kiosk.BadClock,
	} {
		p := newOP(t)
		l := oops(400, "invalid_dpop_proof")
		l.header = map[string]string{"Date": date.Format(http.TimeFormat)}
		p.play("/token", l)
		if a := p.bound().Poll(t.Context(), requestID); a.Verdict != kiosk.Fatal || a.Reason != want {
			t.Errorf("%v: %+v, want %v", date, a, want)
		}
	}
}

func TestUserInfoHasDPoPProof(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(func(c *Config) { c.DPoP, c.SubjectClaim = oidc.NewDPoP(c.Now), "member" })
	p.play("/token", nonce(say(200, p.tokens(noon, obj{"token_type": "DPoP"})), "from-the-token-endpoint"))
	challenge := line{status: 401, header: map[string]string{"WWW-Authenticate": `DPoP error="use_dpop_nonce"`, "DPoP-Nonce": "n7"}}
	p.play("/me", challenge, say(200, obj{"sub": "alice", "member": "alice"}))
	a := k.Poll(t.Context(), requestID)
	if _, err := k.Verify(t.Context(), a.Tokens, askedFor(nil)); err != nil {
		t.Fatal(err)
	}
	got := p.got("/me")
	if len(got) != 2 {
		t.Fatalf("%d requests", len(got))
	}
	for i, want := range []string{"from-the-token-endpoint", "n7"} {
		c := claimsOf(t, got[i].header.Get("DPoP"), nil)
		if c["nonce"] != want || c["htm"] != "GET" || c["htu"] != p.issuer+"/me" || !c.Has("ath") || got[i].header.Get("Authorization") != "DPoP the-access-token" {
			t.Errorf("request %d: %v %v", i+1, c, got[i].header)
		}
	}
	p.play("/me", challenge, line{status: 401, header: map[string]string{"WWW-Authenticate": `DPoP error="use_dpop_nonce"`, "DPoP-Nonce": "n8"}}, say(200, "{}"))
	if _, err := k.Verify(t.Context(), a.Tokens, askedFor(nil)); kiosk.ReasonOf(err) != kiosk.Untrusted || len(p.got("/me")) > 4 {
		t.Errorf("server that rejects every nonce: %v, %d requests", err, len(p.got("/me")))
	}

	// After a crash the key is gone; revocation needs none.
	later := p.bound()
	if err := later.Revoke(t.Context(), a.Tokens); err != nil || len(p.got("/revoke")) != 1 || p.got("/revoke")[0].header.Get("DPoP") != "" {
		t.Errorf("revocation: %v", err)
	}
	if err := k.Revoke(t.Context(), a.Tokens); err != nil {
		t.Error(err)
	}
	if _, err := k.Verify(t.Context(), a.Tokens, askedFor(nil)); kiosk.ReasonOf(err) != kiosk.Internal {
		t.Errorf("the key was kept after its token: %v", err)
	}
}

// The token is for the resource only (RFC 8707 2.2), and some servers read the parameter at the token endpoint only.
func TestResourceIsSentToBothEndpoints(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(func(c *Config) { c.Resource, c.Audience = "https://api.example/v1", "https://api.example" })
	ask(t, k)
	k.Poll(t.Context(), requestID)
	for _, path := range []string{"/bc", "/token"} {
		if got := p.got(path)[0].form.Get("resource"); got != "https://api.example/v1" {
			t.Errorf("%s: %q", path, got)
		}
	}
	if p.got("/token")[0].form.Has("audience") {
		t.Error("audience is sent with the token request")
	}
}

func TestCertificateExpiryIsLogged(t *testing.T) {
	for now, words := range map[time.Time]string{
		noon: "", noon.AddDate(1, 0, -10): "client certificate: expires on 2027-11-22", noon.AddDate(2, 0, 0): "client certificate: expired on 2027-11-22",
	} {
		p := newOP(t)
		var book notebook
		k := p.kiosk(func(c *Config) {
			c.Certificate, c.Log, c.Now = testCertificate(t), book.logger(), func() time.Time { return now }
		})
		ask(t, k)
		ask(t, k)
		if got := strings.Count(book.String(), "mutual TLS"); (words != "") != (got == 1) || !strings.Contains(book.String(), words) {
			t.Errorf("%v: %s", now, book.String())
		}
	}
}

// A server that rejects the client certificate in the handshake is a matter for the technician, not a network fault.
func TestRejectedCertificateIsMisconfiguration(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = requireCertificate()
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	p := newOP(t)
	p.play(discoveryPath, say(200, p.document().with(obj{"mtls_endpoint_aliases": obj{"backchannel_authentication_endpoint": s.URL + "/bc"}})))
	auth, err := oidc.NewClientAuth(oidc.AuthOptions{Method: oidc.TLSClient, ClientID: clientID, Certificate: testCertificate(t)})
	if err != nil {
		t.Fatal(err)
	}
	k := p.kiosk(func(c *Config) {
		c.Auth, c.Transport = auth, oidc.NewTransport(oidc.TransportOptions{Roots: roots}) // which forgets the certificate
	})
	_, err = k.Ask(t.Context(), alice)
	wantReason(t, err, kiosk.Misconfigured)
	if err != nil && !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("%v", err)
	}
}
