package devserver

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

func TestThePhoneWithoutJavaScript(t *testing.T) {
	for name, c := range map[string]struct {
		decision, as string
		done, text   string
		status       int
		code         string
	}{
		"approve":                  {"approve", "", "approved", "Go back to the kiosk.", 200, ""},
		"decline":                  {"decline", "", "denied", "Declined", 400, "access_denied"},
		"approve as somebody else": {"approve", "bob", "approved", "Approved", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, Options{})
			if page := string(g.get("/phone/alice", "").body); !strings.Contains(page, "Nothing to approve") {
				t.Errorf("an idle phone does not say so")
			}
			id := g.ask("kiosk-basic", "alice", "request_context", `{"site":"Main Street"}`, "scope", "openid email parcels")
			r := g.get("/phone/alice", "")
			page := string(r.body)
			for _, part := range []string{`lang="en"`, `data-code aria-hidden="true"><span>K7-4F9Q</span>`, "<strong>CIBA Kiosk</strong> at <strong>Main Street</strong>",
				"Only approve if the screen in front of you shows the same code.", "Time left: <span data-left-text>2:00</span>", "<li>see your e-mail address</li><li>use “parcels”</li>",
				`data-action="approve"`, `data-action="decline"`, `name="as"`, `http-equiv="refresh"`, `role="status"`} {
				if !strings.Contains(page, part) {
					t.Errorf("the page lacks %q", part)
				}
			}
			if strings.Contains(page, id) {
				t.Error("the page holds the auth_req_id")
			}
			form := fields(r.body)
			form.Set("decision", c.decision)
			form.Set("as", c.as)
			answer := g.post("/phone/alice/answer", "", form)
			if answer.status != 303 || answer.header.Get("Location") != "/phone/alice?done="+c.done {
				t.Fatalf("%d %s %s", answer.status, answer.header.Get("Location"), answer.body)
			}
			if page := string(g.get(answer.header.Get("Location"), "").body); !strings.Contains(page, c.text) {
				t.Errorf("no confirmation: %s", page)
			}
			got := g.poll("kiosk-basic", id)
			if got.status != c.status || got.text("error") != c.code {
				t.Errorf("token endpoint: %d %s", got.status, got.body)
			}
			if want := map[string]string{"": "u-alice", "bob": "u-bob"}[c.as]; c.status == 200 && g.claims(got.text("id_token"))["sub"] != want {
				t.Errorf("the tokens are not %s's", want)
			}
			if again := g.post("/phone/alice/answer", "", form); again.header.Get("Location") != "/phone/alice?done=gone" {
				t.Errorf("answering twice: %d %s", again.status, again.header.Get("Location"))
			}
		})
	}
}

func TestFormsFromElsewhereAreRefused(t *testing.T) {
	g := start(t, Options{})
	g.ask("kiosk-basic", "alice")
	form := fields(g.get("/phone/alice", "").body)
	form.Set("decision", "approve")
	with := func(path, name, value string) int {
		req, _ := http.NewRequest("POST", g.url+path, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if name == "Host" {
			req.Host = value
		} else {
			req.Header.Set(name, value)
		}
		return g.do(req).status
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
	if r := g.post("/phone/alice/answer", "", form); r.status != 403 {
		t.Errorf("forged token: %d", r.status)
	}
	form.Del("decision")
	if r := g.post("/phone/alice/answer", "", form); r.status != 400 {
		t.Errorf("no decision: %d", r.status)
	}
	if len(g.cards("alice", tongues["en"])) != 1 {
		t.Error("one of them was obeyed")
	}
	if status := with("/dev/approve?user=alice", "Sec-Fetch-Site", "same-origin"); status != 200 {
		t.Errorf("our own page: %d", status)
	}
}

func TestPhonePagesAreLockedDown(t *testing.T) {
	g := start(t, Options{})
	for _, path := range []string{"/phone", "/phone/alice", "/phone/nobody", "/phone/dave", "/device", "/device?user_code=%3Cscript%3E", "/static/phone.js", "/static/phone.css"} {
		r := g.get(path, "")
		csp := r.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || r.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, r.header)
		}
		page := string(r.body)
		if strings.Contains(page, "<script>") || strings.Contains(page, " style=") || strings.Contains(page, " onclick") {
			t.Errorf("%s holds something inline", path)
		}
	}
	if r := g.get("/phone/dave", ""); r.status != 404 {
		t.Errorf("dave has a phone: %d", r.status)
	}
	if r := g.get("/", ""); r.status != 303 || r.header.Get("Location") != "/phone" {
		t.Errorf("/: %d", r.status)
	}
}

func TestThePhoneHearsOfRequestsByItself(t *testing.T) {
	g := start(t, Options{})
	resp, err := g.http.Get(g.url + "/phone/alice/events")
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
		t.Fatalf("at first: %s", got)
	}
	g.ask("kiosk-basic", "bob") // not for alice
	g.ask("kiosk-basic", "alice")
	if got := next(); got != "[2]" {
		t.Fatalf("after a request: %s", got)
	}
	if cards := string(g.get("/phone/alice/cards", "").body); !strings.Contains(cards, `data-request="2"`) || strings.Contains(cards, "<html") {
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

func TestTheDevicePage(t *testing.T) {
	for decision, want := range map[string]string{"approve": "", "decline": "access_denied"} {
		g := start(t, Options{})
		r := g.post("/device_authorization", "kiosk-device", url.Values{"scope": {"openid"}})
		page := g.get("/device?user_code="+strings.ToLower(r.text("user_code")), "")
		if !strings.Contains(string(page.body), `data-code aria-hidden="true"><span>`+r.text("user_code")) {
			t.Fatalf("%d %s", page.status, page.body)
		}
		form := fields(page.body)
		form.Set("as", "carol")
		form.Set("decision", decision)
		if done := g.post("/device", "", form); done.status != 303 {
			t.Fatalf("%d %s", done.status, done.body)
		}
		got := g.post("/token", "kiosk-device", url.Values{"grant_type": {grantDevice}, "device_code": {r.text("device_code")}})
		if got.text("error") != want || (want == "" && g.claims(got.text("id_token"))["sub"] != "u-carol") {
			t.Errorf("%s: %s", decision, got.body)
		}
		if again := g.post("/device", "", form); again.header.Get("Location") != "/device?done=gone" {
			t.Errorf("answering twice: %d %v", again.status, again.header)
		}
	}
	g := start(t, Options{})
	if r := g.get("/device?user_code=BBBB-BBBB", ""); r.status != 404 || !strings.Contains(string(r.body), "not waiting here") {
		t.Errorf("an unknown code: %d", r.status)
	}
}

// TestColoursCanBeRead works out the contrast of every pair of colours that text
// is shown in (WCAG 2.2 success criterion 1.4.6: at least 7 to 1).
func TestColoursCanBeRead(t *testing.T) {
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
			t.Fatalf("colour %q is not there", hex)
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

func TestTheScriptsInterface(t *testing.T) {
	g := start(t, Options{})
	post := func(path string, status int) {
		t.Helper()
		if r := g.post(path, "", nil); r.status != status {
			t.Errorf("POST %s: %d %s", path, r.status, r.body)
		}
	}
	post("/dev/approve?user=alice", 404) // nothing pends
	id := g.ask("kiosk-basic", "alice")
	post("/dev/approve?user=eve", 400)
	post("/dev/approve", 400)
	post("/dev/approve?user=alice&as=eve", 400)
	post("/dev/approve?user=alice&as=carol", 200)
	if r := g.poll("kiosk-basic", id); g.claims(r.text("id_token"))["sub"] != "u-carol" {
		t.Errorf("%s", r.body)
	}
	id = g.ask("kiosk-basic", "alice")
	post("/dev/deny?user=alice", 200)
	g.poll("kiosk-basic", id).want(t, 400, "access_denied")
	post("/dev/auto?mode=sometimes", 400)
	post("/dev/auto?mode=deny&delay=soon", 400)
	post("/dev/auto?mode=deny&delay=-1s", 400)
	post("/dev/auto?mode=deny&delay=1s", 200)
	id = g.ask("kiosk-basic", "alice")
	g.clock.pass(time.Second)
	g.poll("kiosk-basic", id).want(t, 400, "access_denied")
	post("/dev/auto?mode=none", 200)
	g.poll("kiosk-basic", g.ask("kiosk-basic", "alice")).want(t, 400, "authorization_pending")
	d := g.post("/device_authorization", "kiosk-device", url.Values{"scope": {"openid"}})
	post("/dev/approve?as=bob&user_code="+d.text("user_code"), 200)
	got := g.post("/token", "kiosk-device", url.Values{"grant_type": {grantDevice}, "device_code": {d.text("device_code")}})
	if g.claims(got.text("id_token"))["sub"] != "u-bob" {
		t.Errorf("%s", got.body)
	}
	before := g.get("/jwks", "").body
	post("/dev/rotate", 200)
	if string(before) == string(g.get("/jwks", "").body) {
		t.Error("rotating changed nothing")
	}
	req, _ := http.NewRequest("DELETE", g.url+"/dev/requests", nil)
	if r := g.do(req); r.status != 200 || len(g.Requests()) != 0 {
		t.Errorf("forgetting: %d", r.status)
	}
	if r := g.get("/dev/kinds", ""); !strings.Contains(string(r.body), "bad_signature (token)") {
		t.Errorf("kinds: %s", r.body)
	}
}

func TestOddIssuers(t *testing.T) {
	for _, issuer := range []string{"http://op.example/", "http://op.example/realm", "http://op.example/realm/"} {
		g := start(t, Options{Issuer: issuer})
		path := "/.well-known/openid-configuration"
		if strings.Contains(issuer, "realm") {
			path = "/realm" + path
		}
		r := g.get(path, "")
		want := strings.TrimSuffix(issuer, "/") + "/token"
		if r.text("issuer") != issuer || r.text("token_endpoint") != want {
			t.Errorf("%s: %d %s", issuer, r.status, r.body)
		}
	}
	for _, issuer := range []string{"op.example", "ftp://op", "https://op.example?x", "https://", "https://op#x"} {
		if _, err := New(Options{Issuer: issuer}); err == nil {
			t.Errorf("%s was taken", issuer)
		}
	}
	for _, opt := range []Options{{Expires: -1}, {Expires: 4000}, {Interval: -1}} {
		if _, err := New(opt); err == nil {
			t.Errorf("%+v was taken", opt)
		}
	}
}
