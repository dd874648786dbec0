package devserver

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// clock is a clock that tests move by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// rig is a server on a real socket and somebody who talks to it.
type rig struct {
	*Server
	t     *testing.T
	url   string
	clock *clock
	http  *http.Client
}

func start(t *testing.T, opt Options) *rig {
	t.Helper()
	c := &clock{t: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	if opt.Now == nil {
		opt.Now = c.now
	}
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	t.Cleanup(s.Close) // first, so that nothing hangs
	if opt.Issuer == "" {
		if err := s.SetIssuer(web.URL); err != nil {
			t.Fatal(err)
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &rig{Server: s, t: t, url: web.URL, clock: c, http: client}
}

// reply is an answer as received.
type reply struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
	err    error // of reading
}

func (r reply) text(member string) string { s, _ := r.json[member].(string); return s }

func (g *rig) do(req *http.Request) reply {
	g.t.Helper()
	resp, err := g.http.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	out := reply{status: resp.StatusCode, header: resp.Header, body: body, err: err}
	json.Unmarshal(body, &out.json) // many answers are not JSON
	return out
}

func (g *rig) get(path, bearer string) reply {
	g.t.Helper()
	req, _ := http.NewRequest("GET", g.url+path, nil)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	return g.do(req)
}

// post sends a form; with a client, authenticated as it.
func (g *rig) post(path, client string, form url.Values) reply {
	g.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	form = url.Values(http.Header(form).Clone())
	req, _ := http.NewRequest("POST", g.url+path, nil)
	if client != "" {
		g.sign(req, client, form)
	}
	req.Body = io.NopCloser(strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return g.do(req)
}

// sign authenticates a request as a ready-made client.
func (g *rig) sign(req *http.Request, id string, form url.Values) {
	g.t.Helper()
	c := g.client(id)
	switch c.Auth {
	case "client_secret_basic":
		req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	case "client_secret_post":
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret)
	case "none":
		form.Set("client_id", c.ID)
	default:
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", g.assertion(c, nil))
	}
}

func (g *rig) client(id string) Client {
	c, err := g.Client(id)
	if err != nil {
		g.t.Fatal(err)
	}
	return c
}

// assertion makes a good client assertion, but for the claims changed.
func (g *rig) assertion(c Client, change map[string]any) string {
	g.t.Helper()
	now := g.clock.now().Unix()
	claims := map[string]any{"iss": c.ID, "sub": c.ID, "aud": g.Issuer(), "iat": now, "exp": now + 60, "jti": secret()}
	for k, v := range change {
		if v == nil {
			delete(claims, k)
		} else {
			claims[k] = v
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(c.Alg), Key: c.Key}, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		g.t.Fatal(err)
	}
	return token
}

// ask starts a request for a person and returns its id.
func (g *rig) ask(client, user string, more ...string) string {
	g.t.Helper()
	form := url.Values{"scope": {"openid profile"}, "login_hint": {user}, "binding_message": {"K7-4F9Q"}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	r := g.post("/bc-authorize", client, form)
	if r.status != 200 || r.text("auth_req_id") == "" {
		g.t.Fatalf("asking for %s: %d %s", user, r.status, r.body)
	}
	return r.text("auth_req_id")
}

func (g *rig) poll(client, id string) reply {
	g.t.Helper()
	return g.post("/token", client, url.Values{"grant_type": {grantCIBA}, "auth_req_id": {id}})
}

// visit goes all the way for alice and returns the token answer.
func (g *rig) visit(more ...string) reply {
	g.t.Helper()
	id := g.ask("kiosk-basic", "alice", more...)
	if err := g.Approve("alice", ""); err != nil {
		g.t.Fatal(err)
	}
	return g.poll("kiosk-basic", id)
}

// claims checks an ID token's signature with the published keys and reads it.
func (g *rig) claims(token string) map[string]any {
	g.t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		g.t.Fatalf("ID token: %v", err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(g.get("/jwks", "").body, &set); err != nil {
		g.t.Fatal(err)
	}
	keys := set.Key(parsed.Headers[0].KeyID)
	if len(keys) != 1 {
		g.t.Fatalf("kid %q: %d keys published", parsed.Headers[0].KeyID, len(keys))
	}
	var claims map[string]any
	if err := parsed.Claims(keys[0].Key, &claims); err != nil {
		g.t.Fatalf("ID token: %v", err)
	}
	return claims
}

// want checks an OAuth error and that it is kept out of caches.
func (r reply) want(t *testing.T, status int, code string) {
	t.Helper()
	if r.status != status || r.text("error") != code {
		t.Fatalf("got %d %q (%s), want %d %q", r.status, r.text("error"), r.body, status, code)
	}
	if r.header.Get("Cache-Control") != "no-store" {
		t.Error("answer may be cached")
	}
}
