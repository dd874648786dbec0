package enrol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// authServer is an authorization server for enrolments: technicians sign in, clients register and change their registration.
type authServer struct {
	t      *testing.T
	issuer string

	mu            sync.Mutex
	polls         []string // responses to polls, one after another; the last one repeats
	clients       map[string]*registered
	number        int
	sent          []map[string]any // registration requests
	initialTokens map[string]bool  // initial access tokens; false after use
	revoked       []string
	respond       func(w http.ResponseWriter, c *registered) bool // replaces the response to a registration; false: the usual response
	unmanaged     bool                                            // without the management protocol

	sameToken bool // a change does not replace the registration access token
}

type registered struct {
	id, access string
	keys       []jose.JSONWebKey
	metadata   map[string]any
}

func newAuthServer(t *testing.T) *authServer {
	o := &authServer{t: t, polls: []string{"authorization_pending", "slow_down", ""}, clients: map[string]*registered{}, initialTokens: map[string]bool{}}
	web := httptest.NewServer(o)
	t.Cleanup(web.Close)
	o.issuer = web.URL
	return o
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func sayError(w http.ResponseWriter, status int, code string) {
	say(w, status, map[string]string{"error": code, "error_description": "CANARY-DESCRIPTION"})
}

func (o *authServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, bearer, _ := strings.Cut(r.Header.Get("Authorization"), "Bearer ")
	switch at := r.Method + " " + r.URL.Path; {
	case at == "GET /.well-known/openid-configuration":
		say(w, 200, map[string]any{"issuer": o.issuer, "token_endpoint": o.issuer + "/token", "jwks_uri": o.issuer + "/jwks",
			"backchannel_authentication_endpoint": o.issuer + "/bc", "device_authorization_endpoint": o.issuer + "/device",
			"registration_endpoint": o.issuer + "/register", "revocation_endpoint": o.issuer + "/revoke",
			"backchannel_user_code_parameter_supported": true, "grant_types_supported": []string{oidc.GrantCIBA, "refresh_token"}})
	case at == "POST /device":
		if r.FormValue("client_id") != "bootstrap" {
			sayError(w, 401, "invalid_client")
			return
		}
		say(w, 200, map[string]any{"device_code": "CANARY-DEVICE-CODE", "user_code": "BCDF-GHJK", "expires_in": 300, "interval": 2,
			"verification_uri": o.issuer + "/d", "verification_uri_complete": o.issuer + "/d?c=BCDF-GHJK"})
	case at == "POST /token" && r.FormValue("grant_type") == oidc.GrantCIBA:
		o.authenticate(w, r)
	case at == "POST /token":
		code := o.polls[0]
		if len(o.polls) > 1 {
			o.polls = o.polls[1:]
		}
		if code != "" {
			sayError(w, 400, code)
			return
		}
		o.initialTokens["CANARY-TECHNICIAN"] = true
		say(w, 200, map[string]any{"access_token": "CANARY-TECHNICIAN", "refresh_token": "CANARY-TECHNICIAN-REFRESH", "token_type": "Bearer", "expires_in": 300})
	case at == "POST /revoke":
		o.revoked = append(o.revoked, r.FormValue("token"))
	case at == "POST /register":
		o.register(w, r, bearer)
	case strings.HasPrefix(at, "PUT /register/"):
		o.change(w, r, bearer)
	default:
		w.WriteHeader(404)
	}
}

func (o *authServer) register(w http.ResponseWriter, r *http.Request, bearer string) {
	if !o.initialTokens[bearer] {
		sayError(w, 401, "invalid_token")
		return
	}
	o.initialTokens[bearer] = false
	var body map[string]any
	json.NewDecoder(r.Body).Decode(&body)
	o.sent = append(o.sent, body)
	o.number++
	c := &registered{id: fmt.Sprintf("c-%d", o.number), access: fmt.Sprintf("CANARY-ACCESS-%d", o.number), metadata: body}
	c.keys = keysOf(o.t, body)
	o.clients[c.id] = c
	if o.respond != nil && o.respond(w, c) {
		return
	}
	say(w, 201, o.information(c))
}

func (o *authServer) information(c *registered) map[string]any {
	m := map[string]any{}
	for k, v := range c.metadata {
		m[k] = v
	}
	m["client_id"], m["client_id_issued_at"], m["client_secret"] = c.id, 1, "CANARY-SECRET"
	if !o.unmanaged {
		m["registration_client_uri"], m["registration_access_token"] = o.issuer+"/register/"+c.id, c.access
	}
	return m
}

func (o *authServer) change(w http.ResponseWriter, r *http.Request, bearer string) {
	c := o.clients[strings.TrimPrefix(r.URL.Path, "/register/")]
	if c == nil || bearer != c.access {
		sayError(w, 401, "invalid_token")
		return
	}
	var body map[string]any
	json.NewDecoder(r.Body).Decode(&body)
	for _, theirs := range []string{"registration_access_token", "registration_client_uri", "client_secret", "client_id_issued_at"} {
		if body[theirs] != nil {
			o.t.Errorf("%s was sent back (RFC 7592, section 2.2)", theirs)
		}
	}
	if body["client_id"] != c.id || body["client_name"] == nil {
		sayError(w, 400, "invalid_client_metadata")
		return
	}
	c.keys, c.metadata = keysOf(o.t, body), body
	if !o.sameToken {
		c.access += "+" // each change replaces the token
	}
	say(w, 200, o.information(c))
}

// authenticate responds to a token request with an unknown auth_req_id.
func (o *authServer) authenticate(w http.ResponseWriter, r *http.Request) {
	c := o.clients[r.FormValue("client_id")]
	token, err := jwt.ParseSigned(r.FormValue("client_assertion"), []jose.SignatureAlgorithm{jose.ES256})
	if c == nil || err != nil {
		sayError(w, 401, "invalid_client")
		return
	}
	for _, k := range c.keys {
		if k.KeyID == token.Headers[0].KeyID && token.Claims(k) == nil {
			sayError(w, 400, "invalid_grant")
			return
		}
	}
	sayError(w, 401, "invalid_client")
}

func keysOf(t *testing.T, body map[string]any) []jose.JSONWebKey {
	raw, _ := json.Marshal(body["jwks"])
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &set); err != nil {
		t.Errorf("jwks: %v", err)
	}
	for _, k := range set.Keys {
		if !k.IsPublic() {
			t.Error("a private key left the device")
		}
	}
	return set.Keys
}

// device is a device with its state directory and an uptime that advances when it sleeps.
type device struct {
	t   *testing.T
	o   *authServer
	dir string
	log strings.Builder
	now time.Duration
}

func newDevice(t *testing.T, o *authServer) *device {
	return &device{t: t, o: o, dir: filepath.Join(t.TempDir(), "state")}
}

func (d *device) open() (*Enrolment, error) {
	return Open(Options{Dir: d.dir, Issuer: d.o.issuer, BootstrapClientID: "bootstrap", Scope: "openid", ClientName: "Kiosk Shop 7",
		Client:    ClientSettings{Scope: "openid profile", Delivery: "poll"},
		Transport: oidc.NewTransport(oidc.TransportOptions{}), Now: time.Now, Uptime: func() time.Duration { return d.now },
		Log: slog.New(slog.NewTextHandler(&d.log, nil)),
		Sleep: func(ctx context.Context, wait time.Duration) error {
			d.now += wait
			return ctx.Err()
		}})
}

func (d *device) mustOpen() *Enrolment {
	d.t.Helper()
	e, err := d.open()
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(e.Close)
	return e
}

// registered opens the registration and registers the device with an approval.
func (d *device) registered() *Enrolment {
	d.t.Helper()
	e := d.mustOpen()
	if err := e.Register(d.t.Context(), nil, false, func(Approval) {}); err != nil {
		d.t.Fatal(err)
	}
	return e
}

// powerCut makes the write after n others fail.
func powerCut(e *Enrolment, n int) {
	e.dir.failWrite = func() error {
		if n == 0 {
			return errors.New("power cut")
		}
		n--
		return nil
	}
}

func publicOf(t *testing.T, k *oidc.ClientKey) []byte {
	t.Helper()
	b, err := k.PublicJWK()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func noApproval(t *testing.T) func(Approval) {
	return func(Approval) { t.Error("a technician was asked") }
}

func TestRegisterWithApproval(t *testing.T) {
	o := newAuthServer(t)
	d := newDevice(t, o)
	e := d.mustOpen()
	var shown []Approval
	if err := e.Register(t.Context(), nil, false, func(a Approval) { shown = append(shown, a) }); err != nil {
		t.Fatal(err)
	}
	if len(shown) != 1 || shown[0].UserCode != "BCDF-GHJK" || shown[0].VerificationURIComplete != o.issuer+"/d?c=BCDF-GHJK" || shown[0].ExpiresIn != 300*time.Second {
		t.Errorf("shown: %+v", shown)
	}
	// The responses are authorization_pending, slow_down and success: 2 s, 2 s, then 7 s.
	if d.now < 11*time.Second || d.now > 15*time.Second {
		t.Errorf("waited %v", d.now)
	}
	if e.ClientID() != "c-1" || !e.IsManaged() {
		t.Errorf("client %q, managed %v", e.ClientID(), e.IsManaged())
	}
	sent := o.sent[0]
	for name, want := range map[string]any{
		"token_endpoint_auth_method": "private_key_jwt", "backchannel_token_delivery_mode": "poll", "scope": "openid profile",
		"backchannel_user_code_parameter": true,
	} {
		if sent[name] != want {
			t.Errorf("%s is %v", name, sent[name])
		}
	}
	if name, _ := sent["client_name"].(string); !strings.HasPrefix(name, "Kiosk Shop 7 (") {
		t.Errorf("client_name %q", name)
	}
	// With the refresh token, the revocation at the end of a visit also ends the session at Keycloak.
	if grants := fmt.Sprint(sent["grant_types"]); grants != "["+oidc.GrantCIBA+" refresh_token]" {
		t.Errorf("grant_types %s", grants)
	}
	if !slices.Equal(o.revoked, []string{"CANARY-TECHNICIAN-REFRESH", "CANARY-TECHNICIAN"}) {
		t.Errorf("the technician's tokens were not revoked: %v", o.revoked)
	}
	if err := e.ProbeClient(t.Context(), e.ClientID()); err != nil {
		t.Error(err)
	}
	e.Close()

	// A second run changes nothing.
	again := d.mustOpen()
	if err := again.Register(t.Context(), nil, false, noApproval(t)); err != nil {
		t.Error(err)
	}
	if err := again.Register(t.Context(), nil, true, noApproval(t)); err != nil {
		t.Error(err)
	}
	if again.Key().ID() != e.Key().ID() || len(o.sent) != 1 {
		t.Errorf("registered %d times", len(o.sent))
	}
}

func TestRegistrationOmitsOpenIDWhereAServerWantsIt(t *testing.T) {
	o := newAuthServer(t)
	e := newDevice(t, o).mustOpen()
	defer e.Close()
	e.options.Client.OmitsOpenID = func(*oidc.Metadata) bool { return true }
	if err := e.Register(t.Context(), nil, false, func(Approval) {}); err != nil {
		t.Fatal(err)
	}
	if scope := o.sent[0]["scope"]; scope != "profile" {
		t.Errorf("scope %q", scope)
	}
}

func TestRefusedScopeIsExplained(t *testing.T) {
	o := newAuthServer(t)
	o.respond = func(w http.ResponseWriter, _ *registered) bool { sayError(w, 403, "insufficient_scope"); return true }
	e := newDevice(t, o).mustOpen()
	defer e.Close()
	err := e.Register(t.Context(), nil, false, func(Approval) {})
	if kiosk.ReasonOf(err) != kiosk.Misconfigured || !strings.Contains(err.Error(), "scopes openid profile") {
		t.Errorf("%v", err)
	}
}

func TestFilesAreReadableByTheDeviceOnly(t *testing.T) {
	d := newDevice(t, newAuthServer(t))
	e := d.registered()
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range entries {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", f.Name(), info.Mode(), err)
		}
		data, err := os.ReadFile(filepath.Join(d.dir, f.Name()))
		if err != nil || strings.Contains(string(data), "CANARY") {
			t.Errorf("%s holds a secret: %s %v", f.Name(), data, err)
		}
	}
	if info, _ := os.Stat(d.dir); info.Mode().Perm() != 0o700 {
		t.Errorf("folder: mode %v", info.Mode())
	}
	if strings.Contains(d.log.String(), "CANARY") {
		t.Errorf("log: %s", d.log.String())
	}
	if s := fmt.Sprintf("%v %+v %#v %s", e.Key(), e.Key(), e.Key(), e.Key()); strings.Contains(s, "D:") || strings.Count(s, "[private key]") != 4 {
		t.Errorf("a key is printed as %s", s)
	}
}

func TestRegisterWithInitialAccessToken(t *testing.T) {
	o := newAuthServer(t)
	o.initialTokens["one-time"] = true
	d := newDevice(t, o)
	e := d.mustOpen()
	if err := e.Register(t.Context(), kiosk.Secret("one-time"), false, noApproval(t)); err != nil || e.ClientID() != "c-1" {
		t.Fatalf("%q, %v", e.ClientID(), err)
	}
	e.Close()
	other := newDevice(t, o)
	err := other.mustOpen().Register(t.Context(), kiosk.Secret("one-time"), false, noApproval(t))
	if kiosk.ReasonOf(err) != kiosk.Misconfigured || !strings.Contains(err.Error(), "invalid_token") {
		t.Errorf("used twice: %v", err)
	}
}

// TestRejectedRegistrationLeavesNoRecord checks that the run after a rejected registration tries again.
func TestRejectedRegistrationLeavesNoRecord(t *testing.T) {
	o := newAuthServer(t)
	d := newDevice(t, o)
	e := d.mustOpen()
	if err := e.Register(t.Context(), kiosk.Secret("bad"), false, noApproval(t)); err == nil || errors.Is(err, ErrUnknownOutcome) {
		t.Fatalf("%v", err)
	}
	if err := e.Register(t.Context(), nil, false, func(Approval) {}); err != nil {
		t.Error(err)
	}
}

func TestApprovalOutcomes(t *testing.T) {
	for answer, want := range map[string]kiosk.Reason{
		"access_denied": kiosk.Declined, "expired_token": kiosk.Misconfigured, "invalid_client": kiosk.Misconfigured, "CANARY-CODE": kiosk.Misconfigured,
	} {
		o := newAuthServer(t)
		o.polls = []string{answer}
		d := newDevice(t, o)
		err := d.mustOpen().Register(t.Context(), nil, false, func(Approval) {})
		if kiosk.ReasonOf(err) != want || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: %v", answer, err)
		}
		if len(o.sent) != 0 {
			t.Errorf("%s: registered", answer)
		}
	}
	t.Run("nobody approves", func(t *testing.T) {
		o := newAuthServer(t)
		o.polls = []string{"authorization_pending"}
		d := newDevice(t, o)
		err := d.mustOpen().Register(t.Context(), nil, false, func(Approval) {})
		if kiosk.ReasonOf(err) != kiosk.Expired || d.now < 299*time.Second || d.now > 320*time.Second {
			t.Errorf("after %v: %v", d.now, err)
		}
	})
}

// TestUnknownOutcomeIsReported loses the response to a registration.
func TestUnknownOutcomeIsReported(t *testing.T) {
	for name, lose := range map[string]func(w http.ResponseWriter, c *registered) bool{
		"no response": func(w http.ResponseWriter, _ *registered) bool { panic(http.ErrAbortHandler) },
		"server error": func(w http.ResponseWriter, _ *registered) bool {
			sayError(w, 500, "server_error")
			return true
		},
		"not JSON": func(w http.ResponseWriter, _ *registered) bool {
			io.WriteString(w, "<html>")
			return true
		},
		"another authentication method": func(w http.ResponseWriter, c *registered) bool {
			say(w, 201, map[string]any{"client_id": c.id, "token_endpoint_auth_method": "client_secret_basic"})
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newAuthServer(t)
			o.respond = lose
			d := newDevice(t, o)
			e := d.mustOpen()
			err := e.Register(t.Context(), nil, false, func(Approval) {})
			if !errors.Is(err, ErrUnknownOutcome) || !strings.Contains(err.Error(), "Kiosk Shop 7 (") {
				t.Fatalf("%v", err)
			}
			e.Close()
			o.respond = nil
			e = d.mustOpen()
			err = e.Register(t.Context(), nil, false, noApproval(t))
			if !errors.Is(err, ErrUnknownOutcome) || kiosk.ReasonOf(err) != kiosk.NotProvisioned {
				t.Errorf("the next run: %v", err)
			}
			if len(o.sent) != 1 {
				t.Fatalf("registered %d times without again", len(o.sent))
			}
			o.polls = []string{""}
			if err := e.Register(t.Context(), nil, true, func(Approval) {}); err != nil || e.ClientID() != "c-2" {
				t.Errorf("with again: %q, %v", e.ClientID(), err)
			}
		})
	}
}

func TestRegisterWithAnotherIssuerNeedsAgain(t *testing.T) {
	d := newDevice(t, newAuthServer(t))
	e := d.registered()
	e.Close()
	d.o = newAuthServer(t)
	e = d.mustOpen()
	if e.ClientID() != "" {
		t.Errorf("client %q of another server", e.ClientID())
	}
	if err := e.Register(t.Context(), nil, false, noApproval(t)); kiosk.ReasonOf(err) != kiosk.Misconfigured {
		t.Errorf("%v", err)
	}
	if err := e.Register(t.Context(), nil, true, func(Approval) {}); err != nil || e.ClientID() != "c-1" {
		t.Errorf("%q, %v", e.ClientID(), err)
	}
}

func TestOneEnrolmentAtATime(t *testing.T) {
	d := newDevice(t, newAuthServer(t))
	first := d.mustOpen()
	if _, err := d.open(); !errors.Is(err, ErrBusy) {
		t.Errorf("%v", err)
	}
	first.Close()
	d.mustOpen()
}

func TestRotateKeepsTheKioskWorking(t *testing.T) {
	o := newAuthServer(t)
	d := newDevice(t, o)
	e := d.registered()
	old := e.Key()
	for range 2 { // the second call changes nothing
		if state, err := e.Rotate(t.Context(), "c-1"); err != nil || state != BothKeysValid {
			t.Fatalf("%v, %v", state, err)
		}
	}
	if e.Key().ID() == old.ID() {
		t.Error("the key is the old one")
	}
	// A running kiosk still uses the old key.
	if err := e.probe(t.Context(), "c-1", old); err != nil {
		t.Errorf("old: %v", err)
	}
	e.Close()
	e = d.mustOpen() // another process finishes the rotation
	if state, err := e.FinishRotation(t.Context()); err != nil || state != Rotated {
		t.Fatalf("%v, %v", state, err)
	}
	if err := e.probe(t.Context(), "c-1", old); kiosk.ReasonOf(err) != kiosk.Misconfigured {
		t.Errorf("the old key is still accepted: %v", err)
	}
	if err := e.ProbeClient(t.Context(), "c-1"); err != nil {
		t.Error(err)
	}
	if next, err := e.NextKey(); next != nil || err != nil {
		t.Errorf("%v, %v", next, err)
	}
	if state, err := e.Rotate(t.Context(), "c-1"); err != nil || state != BothKeysValid {
		t.Errorf("another time: %v, %v", state, err)
	}
}

// TestRotationAsksForRefreshTokens: earlier versions registered without them.
func TestRotationAsksForRefreshTokens(t *testing.T) {
	o := newAuthServer(t)
	e := newDevice(t, o).registered()
	defer e.Close()
	e.record.Metadata = []byte(strings.Replace(string(e.record.Metadata), `,"refresh_token"`, "", 1))
	if strings.Contains(string(e.record.Metadata), "refresh_token") {
		t.Fatalf("metadata: %s", e.record.Metadata)
	}
	if _, err := e.Rotate(t.Context(), "c-1"); err != nil {
		t.Fatal(err)
	}
	if grants := fmt.Sprint(o.clients["c-1"].metadata["grant_types"]); !strings.Contains(grants, "refresh_token") {
		t.Errorf("grant_types %s", grants)
	}
}

func TestRotateAtAPortal(t *testing.T) {
	o := newAuthServer(t)
	o.unmanaged = true
	d := newDevice(t, o)
	e := d.registered()
	old := e.Key()
	for range 2 { // it stays so until the operator acts
		if state, err := e.Rotate(t.Context(), "c-1"); err != nil || state != AwaitsOperator {
			t.Fatalf("%v, %v", state, err)
		}
	}
	next, err := e.NextKey()
	if err != nil || e.Key().ID() != old.ID() {
		t.Fatalf("%v; the key changed before the server knows it", err)
	}
	var public jose.JSONWebKey
	if err := json.Unmarshal(publicOf(t, next), &public); err != nil || !public.IsPublic() {
		t.Fatalf("%v", err)
	}
	o.clients["c-1"].keys = append(o.clients["c-1"].keys, public)
	if state, err := e.Rotate(t.Context(), "c-1"); err != nil || state != BothKeysValid || e.Key().ID() != next.ID() {
		t.Fatalf("%v, %v", state, err)
	}
	if state, err := e.FinishRotation(t.Context()); err != nil || state != Rotated {
		t.Errorf("%v, %v", state, err)
	}
}

// TestRotationSurvivesPowerCuts cuts the power before each write of a rotation, and checks that the next run finishes it.
func TestRotationSurvivesPowerCuts(t *testing.T) {
	o := newAuthServer(t)
	o.sameToken = true
	d := newDevice(t, o)
	e := d.registered()
	e.Close()
	for cut, whole := 0, false; !whole; cut++ {
		e := d.mustOpen()
		old := e.Key()
		powerCut(e, cut)
		if _, err := e.Rotate(t.Context(), "c-1"); err == nil {
			_, err = e.FinishRotation(t.Context())
			whole = err == nil
		}
		e.Close()
		e = d.mustOpen()
		if !whole {
			if _, err := e.Rotate(t.Context(), "c-1"); err != nil {
				t.Fatalf("cut %d: %v", cut, err)
			}
			if _, err := e.FinishRotation(t.Context()); err != nil {
				t.Fatalf("cut %d: %v", cut, err)
			}
		}
		if err := e.ProbeClient(t.Context(), "c-1"); err != nil || e.Key().ID() == old.ID() {
			t.Errorf("cut %d: %v, changed %v", cut, err, e.Key().ID() != old.ID())
		}
		if n := len(o.clients["c-1"].keys); n != 1 {
			t.Errorf("cut %d: the server accepts %d keys", cut, n)
		}
		e.Close()
		if cut > 20 {
			t.Fatal("the rotation does not end")
		}
	}
}

// TestRegistrationSurvivesPowerCuts cuts the power before each write of a registration: the device is registered once, or the
// outcome is reported as unknown.
func TestRegistrationSurvivesPowerCuts(t *testing.T) {
	for cut := range 4 {
		o := newAuthServer(t)
		d := newDevice(t, o)
		e := d.mustOpen()
		powerCut(e, cut)
		first := e.Register(t.Context(), nil, false, func(Approval) {})
		e.Close()
		o.polls = []string{""}
		e = d.mustOpen()
		err := e.Register(t.Context(), nil, false, func(Approval) {})
		switch {
		case first == nil && err == nil, errors.Is(err, ErrUnknownOutcome):
		case err != nil:
			t.Errorf("cut %d: %v", cut, err)
		}
		if errors.Is(err, ErrUnknownOutcome) != (cut == 1) {
			t.Errorf("cut %d: %v", cut, err)
		}
		if len(o.sent) != 1 {
			t.Errorf("cut %d: registered %d times", cut, len(o.sent))
		}
	}
}

// TestRotateWithoutReadableAccessToken has a server that replaced the registration access token, with the response lost.
func TestRotateWithoutReadableAccessToken(t *testing.T) {
	o := newAuthServer(t)
	d := newDevice(t, o)
	e := d.registered()
	o.clients["c-1"].access = "another"
	if _, err := e.Rotate(t.Context(), "c-1"); err == nil || kiosk.ReasonOf(err) != kiosk.Misconfigured {
		t.Errorf("%v", err)
	}
	if err := e.ProbeClient(t.Context(), "c-1"); err != nil {
		t.Errorf("the device no longer works: %v", err)
	}
}

func FuzzApproval(f *testing.F) {
	f.Add([]byte(`{"device_code":"d","user_code":"U","expires_in":300,"interval":5,"verification_uri":"https://op.example/d"}`))
	f.Add([]byte(`{"device_code":"d","user_code":"U","expires_in":1e300,"interval":-5,"verification_uri":"javascript:x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := strictjson.Parse(data)
		if err != nil {
			return
		}
		a, interval, err := parseApproval(o)
		if err != nil {
			return
		}
		if len(a.DeviceCode) == 0 || a.UserCode == "" || a.ExpiresIn <= 0 || a.ExpiresIn > maxApprovalWait || interval <= 0 || interval > maxApprovalWait {
			t.Errorf("%+v every %v", a, interval)
		}
		if strings.ContainsFunc(a.UserCode+a.VerificationURI+a.VerificationURIComplete, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%+v", a)
		}
	})
}
