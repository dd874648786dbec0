package ciba

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// noon is the time of the tests with real sockets.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const clientID = "kiosk-1"

// obj is a JSON object; a nil value removes a member.
type obj map[string]any

func (o obj) with(changes obj) obj {
	o = maps.Clone(o)
	maps.Copy(o, changes)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return o
}

func (o obj) String() string {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// line is one scripted answer. A zero status is 200.
type line struct {
	status int
	header map[string]string
	body   string
	do     func(w http.ResponseWriter, r *http.Request) // instead of all that
}

func say(status int, body any) line { return line{status: status, body: fmt.Sprint(body)} }

func oops(status int, code string) line { return say(status, obj{"error": code}) }

// seen is one received request.
type seen struct {
	path   string
	method string
	query  string
	header http.Header
	body   string
	form   url.Values
	from   string // the other end of the connection
}

// op is a scripted authorization server: each path has its answers in order, the last one repeated.
type op struct {
	t      *testing.T
	issuer string
	client *oidc.Transport
	key    *ecdsa.PrivateKey

	mu     sync.Mutex
	script map[string][]line
	seen   []seen
}

var opKey = func() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}()

func newOP(t *testing.T) *op {
	p := &op{t: t, key: opKey, script: map[string][]line{}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.issuer = s.URL
	p.client = oidc.NewTransport(oidc.TransportOptions{})
	t.Cleanup(p.client.CloseIdleConnections)
	p.standard()
	return p
}

// virtual is an op in memory for use inside a synctest bubble; close stops it.
func virtual(t *testing.T) (p *op, stop func()) {
	network := testkit.NewNetwork()
	p = &op{t: t, key: opKey, script: map[string][]line{}, issuer: "http://localhost:8765"}
	p.client = oidc.NewTransport(oidc.TransportOptions{Dial: network.Dial})
	s := &http.Server{Handler: p}
	go s.Serve(network)
	p.standard()
	return p, func() { p.client.CloseIdleConnections(); s.Close() }
}

const discoveryPath = "/.well-known/openid-configuration"

func (p *op) document() obj {
	return obj{
		"issuer":                              p.issuer,
		"backchannel_authentication_endpoint": p.issuer + "/bc",
		"token_endpoint":                      p.issuer + "/token",
		"jwks_uri":                            p.issuer + "/jwks",
		"userinfo_endpoint":                   p.issuer + "/me",
		"revocation_endpoint":                 p.issuer + "/revoke",
		"backchannel_token_delivery_modes_supported": []string{"poll"},
	}
}

func (p *op) standard() {
	key, err := jose.JSONWebKey{Key: p.key.Public(), KeyID: "k1", Use: "sig"}.MarshalJSON()
	if err != nil {
		p.t.Fatal(err)
	}
	p.play(discoveryPath, say(200, p.document()))
	p.play("/jwks", say(200, `{"keys":[`+string(key)+`]}`))
	p.play("/bc", say(200, goodAck))
	p.play("/token", oops(400, "authorization_pending"))
	p.play("/revoke", say(200, ""))
	p.play("/me", say(404, ""))
}

var goodAck = obj{"auth_req_id": "the-request-id", "expires_in": 120, "interval": 5}

// setUserInfo sets the answer of the UserInfo endpoint; nil removes the endpoint from the metadata.
func (p *op) setUserInfo(info any) {
	if info != nil {
		p.play("/me", say(200, info))
	} else {
		p.play(discoveryPath, say(200, p.document().with(obj{"userinfo_endpoint": nil})))
	}
}

func (p *op) play(path string, lines ...line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script[path] = lines
}

func (p *op) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	p.mu.Lock()
	p.seen = append(p.seen, seen{r.URL.Path, r.Method, r.URL.RawQuery, r.Header.Clone(), string(body), form, r.RemoteAddr})
	l := line{status: 404}
	if s := p.script[r.URL.Path]; len(s) > 0 {
		l = s[0]
		if len(s) > 1 {
			p.script[r.URL.Path] = s[1:]
		}
	}
	p.mu.Unlock()
	if l.do != nil {
		l.do(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	for k, v := range l.header {
		w.Header().Set(k, v)
	}
	if l.status == 0 {
		l.status = 200
	}
	w.WriteHeader(l.status)
	io.WriteString(w, l.body)
}

// got returns the requests received at a path.
func (p *op) got(path string) []seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []seen
	for _, s := range p.seen {
		if s.path == path {
			out = append(out, s)
		}
	}
	return out
}

// idToken signs an ID token for alice, with changes.
func (p *op) idToken(now time.Time, changes obj) string {
	claims := obj{
		"iss": p.issuer, "aud": clientID, "sub": "alice",
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}.with(changes)
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, (&jose.SignerOptions{}).WithHeader("kid", "k1"))
	if err != nil {
		p.t.Fatal(err)
	}
	jws, err := s.Sign([]byte(claims.String()))
	if err != nil {
		p.t.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// tokens is a valid token response.
func (p *op) tokens(now time.Time, changes obj) obj {
	return obj{
		"access_token": "the-access-token", "token_type": "Bearer", "expires_in": 3600,
		"id_token": p.idToken(now, nil), "scope": "openid profile",
	}.with(changes)
}

// config is a valid configuration for this server; change modifies it.
func (p *op) config(change func(*Config)) Config {
	auth, err := oidc.NewClientAuth(oidc.AuthOptions{ClientID: clientID, Secret: kiosk.Secret("the-client-secret")})
	if err != nil {
		p.t.Fatal(err)
	}
	c := Config{
		Issuer: p.issuer, ClientID: clientID, Auth: auth, Transport: p.client,
		Now: func() time.Time { return noon }, Scope: "openid profile",
		RequestedExpiry: 120 * time.Second, BindingMessage: "{code}", Site: "Shop 7",
	}
	if change != nil {
		change(&c)
	}
	return c
}

func (p *op) kiosk(change func(*Config)) *Client {
	p.t.Helper()
	k, err := New(p.config(change))
	if err != nil {
		p.t.Fatal(err)
	}
	return k
}

var alice = kiosk.Request{Identifier: kiosk.Secret("alice"), Code: "K7-4F9Q"}

func ask(t *testing.T, k *Client) kiosk.Ack {
	t.Helper()
	ack, err := k.Ask(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	return ack
}

func askedFor(expect kiosk.Secret) kiosk.Expectation {
	return kiosk.Expectation{Identifier: alice.Identifier, RequestID: kiosk.Secret("the-request-id"), ExpectedSubject: expect, RequestedAt: noon}
}

// wantReason compares the reason of an error; NoReason wants none.
func wantReason(t *testing.T, err error, want kiosk.Reason) {
	t.Helper()
	if got := kiosk.ReasonOf(err); got != want {
		t.Errorf("reason %v, want %v: %v", got, want, err)
	}
}

// notebook is a log that tests read.
type notebook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (n *notebook) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(b)
}

func (n *notebook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

func (n *notebook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(n, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
func testKey(t *testing.T) *oidc.ClientKey {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(opKey)
	if err != nil {
		t.Fatal(err)
	}
	k, err := oidc.ParseClientKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return k
}
