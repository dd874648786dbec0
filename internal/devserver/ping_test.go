package devserver

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
)

// receiver is a client's ping endpoint that remembers what came.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	came []string // bearer and auth_req_id
	news chan struct{}
}

func receive(t *testing.T) *receiver {
	r := &receiver{news: make(chan struct{}, 100)}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		var v struct {
			ID string `json:"auth_req_id"`
		}
		json.Unmarshal(body, &v)
		r.mu.Lock()
		r.came = append(r.came, q.Method+" "+q.Header.Get("Authorization")+" "+v.ID)
		r.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
		r.news <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) roots() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}))
}

func (r *receiver) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.came...)
}

// Ping mode (CIBA 10.2): the client is told once its request is answered, in the
// manner that a test wants.
func TestPingMode(t *testing.T) {
	for manner, want := range map[string]int{"once": 1, "often": 3, "lost": 0, "early": 1, "foreign": 1} {
		t.Run(manner, func(t *testing.T) {
			g, in := start(t, Options{}), receive(t)
			if err := g.SetPing("kiosk-basic", in.URL, manner, in.roots()); err != nil {
				t.Fatal(err)
			}
			form := url.Values{"scope": {"openid"}, "login_hint": {"alice"}}
			g.post("/bc-authorize", "kiosk-basic", form).want(t, 400, "invalid_request") // no token
			form.Set("client_notification_token", "the-token")
			ack := g.post("/bc-authorize", "kiosk-basic", form)
			if ack.status != 200 {
				t.Fatalf("%d %s", ack.status, ack.body)
			}
			if n := len(in.all()); n != 0 && manner != "early" {
				t.Errorf("pinged %d times before anybody answered", n)
			}
			if err := g.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
			for range want {
				<-in.news
			}
			for _, got := range in.all() {
				if good := got == "POST Bearer the-token "+ack.text("auth_req_id"); good == (manner == "foreign") {
					t.Errorf("pinged with %q", got)
				}
			}
			if n := len(in.all()); n != want {
				t.Errorf("pinged %d times, want %d", n, want)
			}
		})
	}
}

// Nobody looks while a client waits for its ping: the automatic answer comes all the same.
func TestAnAutomaticAnswerIsPinged(t *testing.T) {
	g, in := start(t, Options{Now: time.Now}), receive(t)
	if err := g.SetPing("kiosk-basic", in.URL, "", in.roots()); err != nil {
		t.Fatal(err)
	}
	if err := g.SetAuto("approve", time.Millisecond, ""); err != nil {
		t.Fatal(err)
	}
	g.post("/bc-authorize", "kiosk-basic", url.Values{"scope": {"openid"}, "login_hint": {"alice"}, "client_notification_token": {"x"}})
	<-in.news
}

func TestPingEndpointsThatWillNotDo(t *testing.T) {
	g := start(t, Options{})
	for _, c := range [][3]string{
		{"kiosk-basic", "http://127.0.0.1:1/ping", ""}, {"kiosk-basic", "https://", ""}, {"kiosk-basic", "https://x/", "sometimes"},
		{"nobody", "https://x/", ""}, {"kiosk-device", "https://x/", ""},
	} {
		if g.SetPing(c[0], c[1], c[2], "") == nil {
			t.Errorf("%v taken", c)
		}
	}
}

// Erin has set a user code (CIBA 7.1.2): without it her phone does not ring.
func TestUserCode(t *testing.T) {
	g := start(t, Options{})
	form := url.Values{"scope": {"openid"}, "login_hint": {"erin"}}
	g.post("/bc-authorize", "kiosk-basic", form).want(t, 400, "missing_user_code")
	form.Set("user_code", "0852")
	g.post("/bc-authorize", "kiosk-basic", form).want(t, 400, "invalid_user_code")
	if n := len(g.cards("erin", tongues["en"])); n != 0 {
		t.Errorf("the phone shows %d requests", n)
	}
	form.Set("user_code", "25802580")
	if r := g.post("/bc-authorize", "kiosk-basic", form); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// Login hint tokens (CIBA 7.1): ours, whole, in time, and nothing else that we have signed.
func TestLoginHintToken(t *testing.T) {
	g := start(t, Options{})
	token, err := g.HintToken("alice", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	with := func(token string) url.Values { return url.Values{"scope": {"openid"}, "login_hint_token": {token}} }
	if r := g.post("/bc-authorize", "kiosk-basic", with(token)); r.status != 200 || len(g.cards("alice", tongues["en"])) != 1 {
		t.Errorf("%d %s", r.status, r.body)
	}
	g.post("/bc-authorize", "kiosk-basic", with(token+"x")).want(t, 400, "invalid_request")
	g.post("/bc-authorize", "kiosk-basic", with(g.visit().text("id_token"))).want(t, 400, "invalid_request")
	g.clock.pass(2 * time.Minute)
	g.post("/bc-authorize", "kiosk-basic", with(token)).want(t, 400, "expired_login_hint_token")
	if _, err := g.HintToken("dave", time.Minute); err == nil {
		t.Error("somebody without a phone shows one")
	}
}
