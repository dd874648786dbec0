package phone

import (
	"bufio"
	"io/fs"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/providertest"
)

var hidden = regexp.MustCompile(`name="(request|token|user_code)" value="([^"]*)"`)

// fields reads the hidden fields of the first form on a page.
func fields(page []byte) url.Values {
	form := url.Values{}
	for _, m := range hidden.FindAllSubmatch(page, -1) {
		if name := string(m[1]); !form.Has(name) {
			form.Set(name, string(m[2]))
		}
	}
	return form
}

func TestPhoneWorksWithoutJavaScript(t *testing.T) {
	for name, c := range map[string]struct {
		decision, as string
		done, text   string
		status       int
		code         string
	}{
		"approve":                   {"approve", "", "approved", "Go back to the kiosk.", 200, ""},
		"decline":                   {"decline", "", "denied", "Declined", 400, "access_denied"},
		"approve as another person": {"approve", "bob", "approved", "Approved", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := providertest.Start(t, provider.Options{}, Register)
			if page := string(g.Get("/phone/alice", "").Body); !strings.Contains(page, "Nothing to approve") {
				t.Errorf("an idle phone does not show that nothing is pending")
			}
			id := g.Ask("kiosk-basic", "alice", "request_context", `{"site":"Main Street"}`, "scope", "openid email parcels")
			r := g.Get("/phone/alice", "")
			page := string(r.Body)
			for _, part := range []string{`lang="en"`, `data-code aria-hidden="true"><span>K7-4F9Q</span>`, "<strong>Corner Shop</strong> at <strong>Main Street</strong>",
				"Only approve if the screen in front of you shows the same code.", "Time left: <span data-left-text>2:00</span>", "<li>see your e-mail address</li><li>use “parcels”</li>",
				"<li>show on its screen: customer number, points, level, member since, parcels</li>",
				`data-action="approve"`, `data-action="decline"`, `name="as"`, `http-equiv="refresh"`, `role="status"`} {
				if !strings.Contains(page, part) {
					t.Errorf("the page lacks %q", part)
				}
			}
			if strings.Contains(page, id) {
				t.Error("the page contains the auth_req_id")
			}
			form := fields(r.Body)
			form.Set("decision", c.decision)
			form.Set("as", c.as)
			answer := g.Post("/phone/alice/answer", "", form)
			if answer.Status != 303 || answer.Header.Get("Location") != "/phone/alice?done="+c.done {
				t.Fatalf("%d %s %s", answer.Status, answer.Header.Get("Location"), answer.Body)
			}
			if page := string(g.Get(answer.Header.Get("Location"), "").Body); !strings.Contains(page, c.text) {
				t.Errorf("no confirmation: %s", page)
			}
			got := g.Poll("kiosk-basic", id)
			if got.Status != c.status || got.Text("error") != c.code {
				t.Errorf("token endpoint: %d %s", got.Status, got.Body)
			}
			if want := map[string]string{"": "u-alice", "bob": "u-bob"}[c.as]; c.status == 200 && g.Claims(got.Text("id_token"))["sub"] != want {
				t.Errorf("the tokens do not belong to %s", want)
			}
			if again := g.Post("/phone/alice/answer", "", form); again.Header.Get("Location") != "/phone/alice?done=gone" {
				t.Errorf("answering twice: %d %s", again.Status, again.Header.Get("Location"))
			}
		})
	}
}

func TestCrossSiteFormsAreRejected(t *testing.T) {
	g := providertest.Start(t, provider.Options{}, Register)
	g.Ask("kiosk-basic", "alice")
	form := fields(g.Get("/phone/alice", "").Body)
	form.Set("decision", "approve")
	with := func(path, name, value string) int {
		req, _ := http.NewRequest("POST", g.URL+path, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if name == "Host" {
			req.Host = value
		} else {
			req.Header.Set(name, value)
		}
		return g.Do(req).Status
	}
	for _, path := range []string{"/phone/alice/answer", "/dev/approve?user=alice", "/device"} {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			if status := with(path, name, value); status != 403 {
				t.Errorf("%s with %s: %d", path, name, status)
			}
		}
		if status := with(path, "Host", "evil.example:80"); status != 421 {
			t.Errorf("%s under another name: %d", path, status)
		}
	}
	form.Set("token", "forged")
	if r := g.Post("/phone/alice/answer", "", form); r.Status != 403 {
		t.Errorf("forged token: %d", r.Status)
	}
	form.Del("decision")
	if r := g.Post("/phone/alice/answer", "", form); r.Status != 400 {
		t.Errorf("no decision: %d", r.Status)
	}
	if len(g.Pending("alice")) != 1 {
		t.Error("a rejected form was applied")
	}
	if status := with("/dev/approve?user=alice", "Sec-Fetch-Site", "same-origin"); status != 200 {
		t.Errorf("our own page: %d", status)
	}
}

func TestPagesHaveStrictSecurityHeaders(t *testing.T) {
	g := providertest.Start(t, provider.Options{}, Register)
	for _, path := range []string{"/phone", "/phone/alice", "/phone/nobody", "/phone/dave", "/device", "/device?user_code=%3Cscript%3E", "/static/phone.js", "/static/phone.css"} {
		r := g.Get(path, "")
		csp := r.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, r.Header)
		}
		page := string(r.Body)
		if strings.Contains(page, "<script>") || strings.Contains(page, " style=") || strings.Contains(page, " onclick") {
			t.Errorf("%s has inline script or style", path)
		}
	}
	if r := g.Get("/phone/dave", ""); r.Status != 404 {
		t.Errorf("a phone for dave: %d", r.Status)
	}
	if r := g.Get("/", ""); r.Status != 303 || r.Header.Get("Location") != "/phone" {
		t.Errorf("/: %d", r.Status)
	}
}

func TestEventStreamReportsRequests(t *testing.T) {
	g := providertest.Start(t, provider.Options{}, Register)
	resp, err := g.HTTP.Get(g.URL + "/phone/alice/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
				return data
			}
		}
		return "the stream ended"
	}
	if got := next(); got != "[]" {
		t.Fatalf("initial event: %s", got)
	}
	g.Ask("kiosk-basic", "bob") // not for alice
	g.Ask("kiosk-basic", "alice")
	if got := next(); got != "[2]" {
		t.Fatalf("after a request: %s", got)
	}
	if cards := string(g.Get("/phone/alice/cards", "").Body); !strings.Contains(cards, `data-request="2"`) || strings.Contains(cards, "<html") {
		t.Errorf("cards: %s", cards)
	}
	g.Deny("alice")
	if got := next(); got != "[]" {
		t.Fatalf("after the answer: %s", got)
	}
	g.Close()
	if got := next(); got != "the stream ended" {
		t.Errorf("after Close: %s", got)
	}
}

func TestDevicePage(t *testing.T) {
	for decision, want := range map[string]string{"approve": "", "decline": "access_denied"} {
		g := providertest.Start(t, provider.Options{}, Register)
		r := g.Post("/device_authorization", "kiosk-device", url.Values{"scope": {"openid"}})
		page := g.Get("/device?user_code="+strings.ToLower(r.Text("user_code")), "")
		if !strings.Contains(string(page.Body), `data-code aria-hidden="true"><span>`+r.Text("user_code")) {
			t.Fatalf("%d %s", page.Status, page.Body)
		}
		form := fields(page.Body)
		form.Set("as", "carol")
		form.Set("decision", decision)
		if done := g.Post("/device", "", form); done.Status != 303 {
			t.Fatalf("%d %s", done.Status, done.Body)
		}
		got := g.Post("/token", "kiosk-device", url.Values{"grant_type": {providertest.GrantDevice}, "device_code": {r.Text("device_code")}})
		if got.Text("error") != want || (want == "" && g.Claims(got.Text("id_token"))["sub"] != "u-carol") {
			t.Errorf("%s: %s", decision, got.Body)
		}
		if again := g.Post("/device", "", form); again.Header.Get("Location") != "/device?done=gone" {
			t.Errorf("answering twice: %d %v", again.Status, again.Header)
		}
	}
	g := providertest.Start(t, provider.Options{}, Register)
	if r := g.Get("/device?user_code=BBBB-BBBB", ""); r.Status != 404 || !strings.Contains(string(r.Body), "No request here has that code") {
		t.Errorf("an unknown code: %d", r.Status)
	}
}

// TestColourContrast computes the contrast of every pair of colours that text
// is shown in (WCAG 2.2 success criterion 1.4.6: at least 7 to 1).
func TestColourContrast(t *testing.T) {
	css, err := fs.ReadFile(files, "static/phone.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	variable := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	for scheme, part := range map[string]string{"light": light, "dark": dark} {
		colour := map[string]string{}
		for _, m := range variable.FindAllStringSubmatch(part, -1) {
			colour[m[1]] = m[2]
		}
		for _, pair := range [][2]string{{"text", "back"}, {"text", "card"}, {"soft", "back"}, {"soft", "card"}, {"yes-text", "yes"}, {"key-text", "key"},
			{"code-text", "code-back"}, {"link", "back"}, {"text", "done-yes"}, {"text", "done-no"}} {
			if c := contrast(t, colour[pair[0]], colour[pair[1]]); c < 7 {
				t.Errorf("%s: %s on %s is %.1f to 1", scheme, pair[0], pair[1], c)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	lum := func(hex string) float64 {
		if len(hex) != 7 {
			t.Fatalf("colour %q is not defined", hex)
		}
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			v := float64(n) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			sum += weight * v
		}
		return sum
	}
	x, y := lum(a), lum(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestControlInterface(t *testing.T) {
	g := providertest.Start(t, provider.Options{}, Register)
	post := func(path string, status int) {
		t.Helper()
		if r := g.Post(path, "", nil); r.Status != status {
			t.Errorf("POST %s: %d %s", path, r.Status, r.Body)
		}
	}
	post("/dev/approve?user=alice", 404) // nothing pends
	id := g.Ask("kiosk-basic", "alice")
	post("/dev/approve?user=eve", 400)
	post("/dev/approve", 400)
	post("/dev/approve?user=alice&as=eve", 400)
	post("/dev/approve?user=alice&as=carol", 200)
	if r := g.Poll("kiosk-basic", id); g.Claims(r.Text("id_token"))["sub"] != "u-carol" {
		t.Errorf("%s", r.Body)
	}
	id = g.Ask("kiosk-basic", "alice")
	post("/dev/deny?user=alice", 200)
	g.Poll("kiosk-basic", id).Want(t, 400, "access_denied")
	post("/dev/auto?mode=sometimes", 400)
	post("/dev/auto?mode=deny&delay=soon", 400)
	post("/dev/auto?mode=deny&delay=-1s", 400)
	post("/dev/auto?mode=deny&delay=1s", 200)
	id = g.Ask("kiosk-basic", "alice")
	g.Clock.Advance(time.Second)
	g.Poll("kiosk-basic", id).Want(t, 400, "access_denied")
	post("/dev/auto?mode=none", 200)
	g.Poll("kiosk-basic", g.Ask("kiosk-basic", "alice")).Want(t, 400, "authorization_pending")
	d := g.Post("/device_authorization", "kiosk-device", url.Values{"scope": {"openid"}})
	post("/dev/approve?as=bob&user_code="+d.Text("user_code"), 200)
	got := g.Post("/token", "kiosk-device", url.Values{"grant_type": {providertest.GrantDevice}, "device_code": {d.Text("device_code")}})
	if g.Claims(got.Text("id_token"))["sub"] != "u-bob" {
		t.Errorf("%s", got.Body)
	}
	before := g.Get("/jwks", "").Body
	post("/dev/rotate", 200)
	if string(before) == string(g.Get("/jwks", "").Body) {
		t.Error("rotation changed nothing")
	}
	req, _ := http.NewRequest("DELETE", g.URL+"/dev/requests", nil)
	if r := g.Do(req); r.Status != 200 || len(g.Requests()) != 0 {
		t.Errorf("delete: %d", r.Status)
	}
	if r := g.Get("/dev/kinds", ""); !strings.Contains(string(r.Body), "bad_signature (token)") {
		t.Errorf("kinds: %s", r.Body)
	}
}

func TestIssuerForms(t *testing.T) {
	for _, issuer := range []string{"http://op.example/", "http://op.example/realm", "http://op.example/realm/"} {
		g := providertest.Start(t, provider.Options{Issuer: issuer}, Register)
		path := "/.well-known/openid-configuration"
		if strings.Contains(issuer, "realm") {
			path = "/realm" + path
		}
		r := g.Get(path, "")
		want := strings.TrimSuffix(issuer, "/") + "/token"
		if r.Text("issuer") != issuer || r.Text("token_endpoint") != want {
			t.Errorf("%s: %d %s", issuer, r.Status, r.Body)
		}
	}
	for _, issuer := range []string{"op.example", "ftp://op", "https://op.example?x", "https://", "https://op#x"} {
		if _, err := provider.New(provider.Options{Issuer: issuer}); err == nil {
			t.Errorf("%s was accepted", issuer)
		}
	}
	for _, opt := range []provider.Options{{Expires: -1}, {Expires: 4000}, {Interval: -1}} {
		if _, err := provider.New(opt); err == nil {
			t.Errorf("%+v was accepted", opt)
		}
	}
}

// A phone lists only what the kiosk will show: no parcels if there are none, and a technician's request opens a menu.
func TestPhoneListsWhatTheKioskShows(t *testing.T) {
	for _, c := range []struct{ who, message, want, not string }{
		{"alice", "K7-4F9Q", "level, member since, parcels</li>", "menu"},
		{"carol", "K7-4F9Q", "level, member since</li>", "parcels"},
		{"tara", "service-K7-4F9Q", "<li>open the device’s menu for technicians</li>", "on its screen"},
	} {
		g := providertest.Start(t, provider.Options{}, Register)
		g.Ask("kiosk-basic", c.who, "binding_message", c.message)
		page := string(g.Get("/phone/"+c.who, "").Body)
		if !strings.Contains(page, c.want) || strings.Contains(page, c.not) {
			t.Errorf("%s, %s: want %q without %q in\n%s", c.who, c.message, c.want, c.not, page)
		}
	}
}

// A person with a user code finds it on the phone: nowhere else does the demonstration say it.
func TestPhoneShowsUserCode(t *testing.T) {
	g := providertest.Start(t, provider.Options{}, Register)
	if page := string(g.Get("/phone/erin", "").Body); !strings.Contains(page, "Your user code: <strong>25802580</strong>") {
		t.Error("erin's phone does not show her user code")
	}
	if page := string(g.Get("/phone/alice", "").Body); strings.Contains(page, "user code") {
		t.Error("alice has no user code")
	}
}
