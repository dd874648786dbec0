// Package providertest starts a development provider on a real socket and plays its
// client, for tests of the provider and of the phone page.
package providertest

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
)

// Grant types of the token endpoint, and the type of client assertions.
const (
	GrantCIBA     = "urn:openid:params:grant-type:ciba"
	GrantDevice   = "urn:ietf:params:oauth:grant-type:device_code"
	GrantRefresh  = "refresh_token"
	AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// Harness is a provider on a real socket and a client that talks to it.
type Harness struct {
	*provider.Server
	T     *testing.T
	URL   string
	Clock *testkit.Clock
	HTTP  *http.Client
}

// Start starts a provider. Unless the options say otherwise, it has a clock moved by
// hand and the socket's address as its issuer. setups add handlers, such as the phone
// page, before the first request.
func Start(t *testing.T, opt provider.Options, setups ...func(*provider.Server)) *Harness {
	t.Helper()
	c := testkit.NewClock(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	if opt.Now == nil {
		opt.Now = c.Now
	}
	s, err := provider.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	for _, setup := range setups {
		setup(s)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	t.Cleanup(s.Close) // runs first, so that nothing hangs
	if opt.Issuer == "" {
		if err := s.SetIssuer(web.URL); err != nil {
			t.Fatal(err)
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Harness{Server: s, T: t, URL: web.URL, Clock: c, HTTP: client}
}

// StartTLS starts a provider with TLS, to which the client presents the certificate of
// a built-in client; none if present is empty.
func StartTLS(t *testing.T, present string) *Harness {
	t.Helper()
	g := Start(t, provider.Options{})
	conf, ca, err := g.TLS()
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(g.Handler())
	web.TLS = conf
	web.StartTLS()
	t.Cleanup(web.Close)
	if err := g.SetIssuer(web.URL); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	clientTLS := &tls.Config{RootCAs: roots, Time: g.Clock.Now}
	if present != "" {
		c := g.MustClient(present)
		block, _ := pem.Decode(c.Cert)
		clientTLS.Certificates = []tls.Certificate{{Certificate: [][]byte{block.Bytes}, PrivateKey: c.Key}}
	}
	g.URL, g.HTTP = web.URL, &http.Client{Transport: &http.Transport{TLSClientConfig: clientTLS}}
	t.Cleanup(g.HTTP.CloseIdleConnections)
	return g
}

// Reply is an answer as received.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	JSON   map[string]any // nil if the body is no JSON object
	Err    error          // of the connection
}

// Text returns a string member of the JSON object, empty if there is none.
func (r Reply) Text(member string) string { s, _ := r.JSON[member].(string); return s }

// Want checks the status and the OAuth error, and that caches must not keep the answer.
func (r Reply) Want(t *testing.T, status int, code string) {
	t.Helper()
	if r.Status != status || r.Text("error") != code {
		t.Fatalf("got %d %q (%s), want %d %q", r.Status, r.Text("error"), r.Body, status, code)
	}
	if r.Header.Get("Cache-Control") != "no-store" {
		t.Error("caches may keep the answer")
	}
}

// Do sends a request.
func (g *Harness) Do(req *http.Request) Reply {
	g.T.Helper()
	resp, err := g.HTTP.Do(req)
	if err != nil {
		return Reply{Err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	out := Reply{Status: resp.StatusCode, Header: resp.Header, Body: body, Err: err}
	json.Unmarshal(body, &out.JSON) // many answers are not JSON
	return out
}

// Get gets a path, with a bearer token unless it is empty.
func (g *Harness) Get(path, bearer string) Reply {
	g.T.Helper()
	req, _ := http.NewRequest("GET", g.URL+path, nil)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	return g.Do(req)
}

// Post sends a form, authenticated as a built-in client unless client is empty.
func (g *Harness) Post(path, client string, form url.Values) Reply {
	g.T.Helper()
	if form == nil {
		form = url.Values{}
	}
	form = url.Values(http.Header(form).Clone())
	req, _ := http.NewRequest("POST", g.URL+path, nil)
	if client != "" {
		g.Authenticate(req, client, form)
	}
	req.Body = io.NopCloser(strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return g.Do(req)
}

// PostForm sends a form, with HTTP Basic authentication unless user is empty.
func (g *Harness) PostForm(path string, form url.Values, user, password string) Reply {
	g.T.Helper()
	req, _ := http.NewRequest("POST", g.URL+path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	return g.Do(req)
}

// Authenticate adds the credentials of a built-in client to a request or its form.
func (g *Harness) Authenticate(req *http.Request, id string, form url.Values) {
	g.T.Helper()
	c := g.MustClient(id)
	switch c.Auth {
	case "client_secret_basic":
		req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	case "client_secret_post":
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret)
	case "none":
		form.Set("client_id", c.ID)
	default:
		form.Set("client_assertion_type", AssertionType)
		form.Set("client_assertion", g.Assertion(c, nil))
	}
}

// MustClient returns a built-in client.
func (g *Harness) MustClient(id string) provider.Client {
	c, err := g.Client(id)
	if err != nil {
		g.T.Fatal(err)
	}
	return c
}

// Assertion makes a valid client assertion with some claims changed.
func (g *Harness) Assertion(c provider.Client, change map[string]any) string {
	g.T.Helper()
	now := g.Clock.Now().Unix()
	return SignJWT(g.T, c, nil, map[string]any{"iss": c.ID, "sub": c.ID, "aud": g.Issuer(), "iat": now, "exp": now + 60, "jti": rand.Text()}, change)
}

// SignJWT signs claims as a client. change replaces claims; nil removes one.
func SignJWT(t *testing.T, c provider.Client, opt *jose.SignerOptions, claims, change map[string]any) string {
	t.Helper()
	for name, v := range change {
		if claims[name] = v; v == nil {
			delete(claims, name)
		}
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(c.Alg), Key: c.Key}, opt)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Ask starts a request for a person and returns its auth_req_id. params are pairs of
// further parameters.
func (g *Harness) Ask(client, user string, params ...string) string {
	g.T.Helper()
	form := url.Values{"scope": {"openid profile"}, "login_hint": {user}, "binding_message": {"K7-4F9Q"}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	r := g.Post("/bc-authorize", client, form)
	if r.Status != 200 || r.Text("auth_req_id") == "" {
		g.T.Fatalf("asking for %s: %d %s", user, r.Status, r.Body)
	}
	return r.Text("auth_req_id")
}

// Poll polls for the tokens of a request.
func (g *Harness) Poll(client, id string) Reply {
	g.T.Helper()
	return g.Post("/token", client, url.Values{"grant_type": {GrantCIBA}, "auth_req_id": {id}})
}

// Visit asks for alice, approves, and returns the token answer.
func (g *Harness) Visit(params ...string) Reply {
	g.T.Helper()
	id := g.Ask("kiosk-basic", "alice", params...)
	if err := g.Approve("alice", ""); err != nil {
		g.T.Fatal(err)
	}
	return g.Poll("kiosk-basic", id)
}

// SetFault sets the fault list from JSON, as a script does; list has no brackets.
func (g *Harness) SetFault(list string) {
	g.T.Helper()
	resp, err := g.HTTP.Post(g.URL+"/dev/faults", "application/json", strings.NewReader("["+list+"]"))
	if err != nil {
		g.T.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		body, _ := io.ReadAll(resp.Body)
		g.T.Fatalf("fault refused: %s", body)
	}
}

// Claims verifies an ID token with the published keys and returns its claims.
func (g *Harness) Claims(token string) map[string]any {
	g.T.Helper()
	claims, err := VerifyIDToken(token, g.Get("/jwks", "").Body)
	if err != nil {
		g.T.Fatalf("ID token: %v", err)
	}
	return claims
}

// VerifyIDToken returns the claims of a token if the one key that it names in a JWK set
// signed it with an allowed algorithm.
func VerifyIDToken(token string, jwks []byte) (claims map[string]any, err error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(jwks, &set); err != nil {
		return nil, err
	}
	keys := set.Key(parsed.Headers[0].KeyID)
	if len(keys) != 1 {
		return nil, fmt.Errorf("kid %q: %d keys published", parsed.Headers[0].KeyID, len(keys))
	}
	err = parsed.Claims(keys[0].Key, &claims)
	return claims, err
}
