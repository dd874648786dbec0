package provider_test

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/providertest"
)

// pingEndpoint is a client's notification endpoint that records its pings.
type pingEndpoint struct {
	*httptest.Server
	mu       sync.Mutex
	received []string // method, bearer and auth_req_id
	news     chan struct{}
}

func startPingEndpoint(t *testing.T) *pingEndpoint {
	r := &pingEndpoint{news: make(chan struct{}, 100)}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		var v struct {
			ID string `json:"auth_req_id"`
		}
		json.Unmarshal(body, &v)
		r.mu.Lock()
		r.received = append(r.received, q.Method+" "+q.Header.Get("Authorization")+" "+v.ID)
		r.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
		r.news <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *pingEndpoint) roots() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}))
}

func (r *pingEndpoint) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.received...)
}

// The client is pinged when its request is answered, in each mode (CIBA section 10.2).
func TestPingModes(t *testing.T) {
	for mode, want := range map[string]int{"once": 1, "often": 3, "lost": 0, "early": 1, "foreign": 1} {
		t.Run(mode, func(t *testing.T) {
			g, in := providertest.Start(t, provider.Options{}), startPingEndpoint(t)
			if err := g.SetPing("kiosk-basic", in.URL, mode, in.roots()); err != nil {
				t.Fatal(err)
			}
			form := url.Values{"scope": {"openid"}, "login_hint": {"alice"}}
			g.Post("/bc-authorize", "kiosk-basic", form).Want(t, 400, "invalid_request") // no token
			form.Set("client_notification_token", "the-token")
			ack := g.Post("/bc-authorize", "kiosk-basic", form)
			if ack.Status != 200 {
				t.Fatalf("%d %s", ack.Status, ack.Body)
			}
			if n := len(in.all()); n != 0 && mode != "early" {
				t.Errorf("pinged %d times before the answer", n)
			}
			if err := g.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
			for range want {
				<-in.news
			}
			for _, got := range in.all() {
				if good := got == "POST Bearer the-token "+ack.Text("auth_req_id"); good == (mode == "foreign") {
					t.Errorf("pinged with %q", got)
				}
			}
			if n := len(in.all()); n != want {
				t.Errorf("pinged %d times, want %d", n, want)
			}
		})
	}
}

// The automatic answer comes even if nobody polls.
func TestAutomaticAnswerIsPinged(t *testing.T) {
	g, in := providertest.Start(t, provider.Options{Now: time.Now}), startPingEndpoint(t)
	if err := g.SetPing("kiosk-basic", in.URL, "", in.roots()); err != nil {
		t.Fatal(err)
	}
	if err := g.SetAuto("approve", time.Millisecond, ""); err != nil {
		t.Fatal(err)
	}
	g.Post("/bc-authorize", "kiosk-basic", url.Values{"scope": {"openid"}, "login_hint": {"alice"}, "client_notification_token": {"x"}})
	<-in.news
}

func TestInvalidPingEndpoints(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	for _, c := range [][3]string{
		{"kiosk-basic", "http://127.0.0.1:1/ping", ""}, {"kiosk-basic", "https://", ""}, {"kiosk-basic", "https://x/", "sometimes"},
		{"nobody", "https://x/", ""}, {"kiosk-device", "https://x/", ""},
	} {
		if g.SetPing(c[0], c[1], c[2], "") == nil {
			t.Errorf("%v was accepted", c)
		}
	}
}

// A request for Erin needs her user code (CIBA section 7.1.2).
func TestUserCode(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	form := url.Values{"scope": {"openid"}, "login_hint": {"erin"}}
	g.Post("/bc-authorize", "kiosk-basic", form).Want(t, 400, "missing_user_code")
	form.Set("user_code", "0852")
	g.Post("/bc-authorize", "kiosk-basic", form).Want(t, 400, "invalid_user_code")
	if n := len(g.Pending("erin")); n != 0 {
		t.Errorf("the phone shows %d requests", n)
	}
	form.Set("user_code", "25802580")
	if r := g.Post("/bc-authorize", "kiosk-basic", form); r.Status != 200 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

// Login hint tokens must be from this server, intact and not expired (CIBA section 7.1).
func TestLoginHintToken(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	token, err := g.HintToken("alice", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	with := func(token string) url.Values { return url.Values{"scope": {"openid"}, "login_hint_token": {token}} }
	if r := g.Post("/bc-authorize", "kiosk-basic", with(token)); r.Status != 200 || len(g.Pending("alice")) != 1 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	g.Post("/bc-authorize", "kiosk-basic", with(token+"x")).Want(t, 400, "invalid_request")
	g.Post("/bc-authorize", "kiosk-basic", with(g.Visit().Text("id_token"))).Want(t, 400, "invalid_request")
	g.Clock.Advance(2 * time.Minute)
	g.Post("/bc-authorize", "kiosk-basic", with(token)).Want(t, 400, "expired_login_hint_token")
	if _, err := g.HintToken("dave", time.Minute); err == nil {
		t.Error("a person without a phone got a login hint token")
	}
}
