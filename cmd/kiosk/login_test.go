package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// ending is how one `kiosk login --json` must end.
type ending struct {
	code    int
	reason  string // empty: the result was shown
	pushes  int    // backchannel requests that reached the server
	api     int    // calls of the protected API
	revoked bool   // tokens were issued, so they must have been revoked
}

var (
	shown     = ending{pushes: 1, api: 1, revoked: true}
	untrusted = ending{code: 15, reason: "untrusted", pushes: 1, revoked: true}
)

// checkOutcome checks a login that has ended against the contract and against want.
func (r *rig) checkOutcome(t *testing.T, c *child, want ending) {
	t.Helper()
	code := c.wait()
	said := c.out.text()
	if said == "" || !strings.HasSuffix(said, "\n") || strings.Count(said, "\n") != len(c.lines()) {
		t.Fatalf("standard output is not JSON lines only: %q; standard error: %s", said, c.err.text())
	}
	last := checkLines(t, c.lines())
	reason, _ := last["reason"].(string)
	if code != want.code || reason != want.reason {
		t.Errorf("exit code %d, reason %q; want %d, %q; standard error:\n%s", code, reason, want.code, want.reason, c.err.text())
	}
	if n := r.count("backchannel"); n != want.pushes {
		t.Errorf("%d backchannel requests, want %d", n, want.pushes)
	}
	if n := r.count("api"); n != want.api {
		t.Errorf("the API was called %d times, want %d", n, want.api)
	}
	// On an emulated processor the seconds for revocation at the end of the program can
	// be too short for a TLS handshake; then the next run revokes the tokens.
	if n := r.count("revocation"); (n > 0 || patience() > 1 && r.hasPendingRevocations()) != want.revoked || n > 1 {
		t.Errorf("%d revocations; want some: %v", n, want.revoked)
	}
	r.checkRequests(t)
	r.checkSecrets(t, "standard output", said)
	r.checkSecrets(t, "standard error", c.err.text())
	r.checkState(t)
	if want.pushes > 0 {
		v := r.lastVisit()
		checkRecord(t, v)
		if v.Visit != last["visit"] || !v.Stage.Final() || v.Reason.String() != want.reason {
			t.Errorf("the journal says %v %q of %s, standard output %v of %v", v.Stage, v.Reason, v.Visit, last["reason"], last["visit"])
		}
	}
}

// TestLoginEndsInEachWay plays one visit without a screen for each ending.
func TestLoginEndsInEachWay(t *testing.T) {
	t.Parallel()
	type approval struct {
		mode string
		as   string
	}
	approve, deny, nobody := approval{mode: "approve"}, approval{mode: "deny"}, approval{mode: "none"}
	cases := []struct {
		name     string
		who      string // alice if empty
		phone    approval
		settings []string
		faults   []faults.Fault
		want     ending
	}{
		{name: "approved", phone: approve, want: shown},
		{name: "approved by JWT client", phone: approve, settings: []string{"KIOSK_CLIENT_ID=kiosk-jwt"}, want: shown},
		{name: "approved without an API", phone: approve, settings: []string{"KIOSK_API_URL="}, want: ending{pushes: 1, revoked: true}},
		{name: "declined", phone: deny, want: ending{code: 10, reason: "declined", pushes: 1}},
		{name: "nobody answers", phone: nobody, settings: []string{"KIOSK_REQUESTED_EXPIRY=3"}, want: ending{code: 11, reason: "expired", pushes: 1}},
		{name: "nobody of that name", who: "zoe", phone: approve, want: ending{code: 14, reason: "refused", pushes: 1}},
		{name: "somebody without a phone", who: "dave", phone: approve, want: ending{code: 14, reason: "refused", pushes: 1}},
		{name: "another person approves", phone: approval{"approve", "bob"}, want: ending{code: 16, reason: "wrong_person", pushes: 1, revoked: true}},
		{name: "the server mixes people up", phone: approve, faults: at("token", "wrong_person"), want: ending{code: 16, reason: "wrong_person", pushes: 1, revoked: true}},
		{name: "fewer scopes than asked for", phone: approve, faults: at("token", "scope_reduced"), want: ending{code: 17, reason: "no_access", pushes: 1, revoked: true}},
		{name: "the API calls the token invalid", phone: approve, faults: at("api", "unauthorized"), want: ending{code: 17, reason: "no_access", pushes: 1, api: 1, revoked: true}},
		{name: "the API forbids it", phone: approve, faults: at("api", "forbidden"), want: ending{code: 17, reason: "no_access", pushes: 1, api: 1, revoked: true}},
		{name: "wrong client secret", phone: approve, settings: []string{"KIOSK_CLIENT_SECRET_FILE=other"}, want: ending{code: 3, reason: "misconfigured", pushes: 1}},
		{name: "the client may not do this", phone: approve, faults: []faults.Fault{{At: "bc", Kind: "error", Value: json.RawMessage(`"unauthorized_client"`)}}, want: ending{code: 3, reason: "misconfigured", pushes: 1}},
		{name: "no backchannel endpoint", phone: approve, faults: at("discovery", "no_backchannel_endpoint"), want: ending{code: 3, reason: "misconfigured"}},
		{name: "discovery names another issuer", phone: approve, faults: at("discovery", "wrong_issuer"), want: ending{code: 3, reason: "misconfigured"}},
		{name: "the acknowledgement is lost", phone: approve, faults: []faults.Fault{{At: "bc", Kind: "drop", On: "success"}}, want: ending{code: 13, reason: "unreachable", pushes: 1}},
		{name: "the request is answered with a server error", phone: approve, faults: at("bc", "server_error"), want: ending{code: 13, reason: "unreachable", pushes: 1}},
		{name: "the acknowledgement is garbage", phone: approve, faults: at("bc", "garbage"), want: ending{code: 15, reason: "untrusted", pushes: 1}},
		{name: "the approval is lost on the way", phone: approve, faults: []faults.Fault{{At: "token", Kind: "drop", On: "success", Times: 1}}, want: ending{code: 13, reason: "unreachable", pushes: 1}},
		{name: "hostile characters in the API's answer", phone: approve, faults: at("api", "control_characters"), want: shown},
		{name: "members nobody knows in every answer", phone: approve, faults: append(at("bc", "extra_member"), at("token", "extra_member")[0]), want: shown},
		{name: "no answer yet at the first look", phone: approve, faults: []faults.Fault{{At: "token", Kind: "error", Value: json.RawMessage(`"authorization_pending"`), Times: 1}}, want: shown},
	}
	for _, kind := range []string{"server_error", "not_json", "huge", "garbage", "drop", "truncate", "redirect"} {
		f := at("api", kind)
		if kind == "redirect" {
			f[0].Value = json.RawMessage(`"/api/elsewhere"`)
		}
		c := cases[0]
		c.name, c.faults = "the API fails: "+kind, f
		c.want = ending{code: 18, reason: "service_down", pushes: 1, api: 1, revoked: true}
		cases = append(cases, c)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.settings...)
			switch {
			case r.env["KIOSK_CLIENT_ID"] == "kiosk-jwt":
				r.useClientKey()
			case r.env["KIOSK_CLIENT_SECRET_FILE"] == "other":
				r.set("KIOSK_CLIENT_SECRET_FILE=" + r.write("other-secret", "not-the-secret-of-this-client"))
				r.tap.addSecret("not-the-secret-of-this-client")
			}
			r.auto(c.phone.mode, 0, c.phone.as)
			r.faults(c.faults...)
			who := c.who
			if who == "" {
				who = "alice"
			}
			r.checkOutcome(t, r.start("login", "--json", who), c.want)
		})
	}
}

// TestLoginRejectsUntrustedIDTokens plays approvals whose ID token breaks one rule each.
func TestLoginRejectsUntrustedIDTokens(t *testing.T) {
	t.Parallel()
	kinds := []string{
		"bad_signature", "wrong_issuer", "wrong_audience", "extra_audience", "wrong_azp", "expired", "no_exp", "no_iat", "old_iat", "future_iat",
		"alg_none", "hs256_with_public_key", "no_sub", "wrong_at_hash", "wrong_auth_req_id", "unknown_kid", "unpublished_key", "crit_header",
		"no_id_token", "no_token_type", "wrong_token_type", "duplicate_member",
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.auto("approve", 0, "")
			want := untrusted
			f := at("token", kind)
			if kind == "duplicate_member" {
				f[0].On = "success"
				want.revoked = false
			}
			r.faults(f...)
			r.checkOutcome(t, r.start("login", "--json", "alice"), want)
		})
	}
}

func at(place, kind string) []faults.Fault { return []faults.Fault{{At: place, Kind: kind}} }

// TestLoginPrintsAnApprovedVisit checks the JSON lines of an approved visit word for word.
func TestLoginPrintsAnApprovedVisit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("none", 0, "")
	c := r.startWith("alice\nnot the identifier\n", "login", "--json")
	waiting := c.phase("waiting")
	r.checkState(t, "alice") // while the visit is open, too
	if _, err := os.Stat(r.state); err != nil {
		t.Fatal(err)
	}
	asked := r.arrivals("backchannel")
	if len(asked) != 1 || asked[0].Code != waiting["binding_message"] || asked[0].User != "alice" {
		t.Errorf("the phone was asked %+v, the kiosk says %v", asked, waiting)
	}
	if n := waiting["expires_in"].(float64); n < float64(requestLifetime-10*int(patience())) || n > float64(requestLifetime) || waiting["interval"] != 1.0 {
		t.Errorf("expires_in %v, interval %v", n, waiting["interval"])
	}
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	r.checkOutcome(t, c, shown)
	var phases []any
	for _, l := range c.lines() {
		phases = append(phases, l["phase"])
	}
	if want := []any{"asking", "waiting", "checking", "fetching", "shown"}; !slices.Equal(phases, want) {
		t.Errorf("phases %v, want %v", phases, want)
	}
	last := c.lines()[len(c.lines())-1]
	result := last["result"].(map[string]any)
	if last["subject"] != "u-alice" || result["title"] != "Welcome, Alice" {
		t.Errorf("shown: %v", last)
	}
	if !slices.ContainsFunc(result["fields"].([]any), func(f any) bool { return f.(map[string]any)["value"] == "1240" }) {
		t.Errorf("the points are not among %v", result["fields"])
	}
	// No line contains the identifier.
	before, _, _ := strings.Cut(c.out.text(), `"phase":"shown"`)
	if strings.Contains(before+c.err.text(), "alice") {
		t.Errorf("the identifier is in the output:\n%s%s", before, c.err.text())
	}
	r.checkState(t, "alice")
}

// TestUnknownPersonAndMissingPhoneLookTheSame: people in the shop cannot tell who has an account.
func TestUnknownPersonAndMissingPhoneLookTheSame(t *testing.T) {
	t.Parallel()
	said := func(who string) []map[string]any {
		r := newRig(t)
		began := time.Now()
		c := r.start("login", "--json", who)
		r.checkOutcome(t, c, ending{code: 14, reason: "refused", pushes: 1})
		if d, even := time.Since(began), kiosk.DefaultRules().RefusalQuantum; d < even {
			t.Errorf("%s was refused after %v: less than %v reveals something", who, d, even)
		}
		lines := c.lines()
		for _, l := range lines {
			delete(l, "time")
			delete(l, "visit")
		}
		return lines
	}
	unknown, phoneless := said("nobody-of-that-name"), said("dave")
	a, _ := json.Marshal(unknown) // what came from JSON goes back to it
	b, _ := json.Marshal(phoneless)
	if string(a) != string(b) {
		t.Errorf("an unknown person:\n%s\nsomebody without a phone:\n%s", a, b)
	}
}

// TestSignalsEndALogin ends a visit by signals, before and after the phone rings.
func TestSignalsEndALogin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		signal os.Signal
		asking bool
	}{
		{"Ctrl-C while waiting", os.Interrupt, false},
		{"SIGTERM while waiting", syscall.SIGTERM, false},
		{"hung up while waiting", syscall.SIGHUP, false},
		{"Ctrl-C while asking", os.Interrupt, true},
		{"SIGTERM during the request", syscall.SIGTERM, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			stage := kiosk.StageEnded
			phase := "waiting"
			if c.asking {
				r.faults(faults.Fault{At: "bc", Kind: "hang", On: "success"})
				phase, stage = "asking", kiosk.StageAbandoned
			}
			p := r.start("login", "--json", "alice")
			p.phase(phase)
			if c.asking {
				r.eventually("the request arrives", func() bool { return r.count("backchannel") == 1 })
			}
			began := time.Now()
			p.signal(c.signal)
			r.checkOutcome(t, p, ending{code: 12, reason: "cancelled", pushes: 1})
			if d := time.Since(began); d > 5*time.Second*patience() {
				t.Errorf("it took %v to stop", d)
			}
			if v := r.lastVisit(); v.Stage != stage {
				t.Errorf("the journal says %v, want %v", v.Stage, stage)
			}
			// The phone may still answer, but the kiosk must not poll.
			polls := r.count("poll")
			if c.asking {
				return
			}
			if err := r.dev.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
			if n := r.count("poll"); n != polls || r.count("api") > 0 {
				t.Errorf("polled after the signal")
			}
		})
	}
}

// TestLoginOnAnUnconfiguredDevice: a device without a registration, or with an invalid setting, says so in JSON lines
// of the same form.
func TestLoginOnAnUnconfiguredDevice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		without []string
		with    string
		code    int
		reason  string
	}{
		{"nothing provisioned", []string{"KIOSK_ISSUER", "KIOSK_CLIENT_ID", "KIOSK_CLIENT_SECRET_FILE"}, "KIOSK_SITE=Shop", 4, "not_provisioned"},
		{"no issuer", []string{"KIOSK_ISSUER"}, "KIOSK_SITE=Shop", 3, "misconfigured"},
		{"a variable nobody knows", nil, "KIOSK_ISUER=x", 3, "misconfigured"},
		{"a language there is not", nil, "KIOSK_LANGUAGES=tlh", 3, "misconfigured"},
		{"a profile there is not", nil, "KIOSK_PROFILE=nonsense", 3, "misconfigured"},
		{"a theme there is not", nil, "KIOSK_THEME=nonsense", 3, "misconfigured"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.with)
			for _, name := range c.without {
				delete(r.env, name)
			}
			p := r.start("login", "--json", "alice")
			code := p.wait()
			last := checkLines(t, p.lines())
			if code != c.code || last["reason"] != c.reason || len(p.lines()) != 1 || p.err.text() == "" {
				t.Errorf("exit code %d, want %d; said:\n%s%s", code, c.code, p.out.text(), p.err.text())
			}
			if len(r.dev.Requests()) > 0 {
				t.Errorf("the server was asked: %+v", r.dev.Requests())
			}
		})
	}
}

// TestLoginInPolish: sentences are in the first language of the settings.
func TestLoginInPolish(t *testing.T) {
	t.Parallel()
	r := newRig(t, "KIOSK_LANGUAGES=pl,en")
	r.auto("deny", 0, "")
	c := r.start("login", "alice")
	if code := c.wait(); code != 10 {
		t.Fatalf("exit code %d: %s", code, c.err.text())
	}
	for _, want := range []string{"Prosimy spojrzeć na telefon", "Odmowa w telefonie"} {
		if !strings.Contains(c.out.text(), want) {
			t.Errorf("%q is not in\n%s", want, c.out.text())
		}
	}
}

// TestLoginInSentences plays a visit without --json.
func TestLoginInSentences(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("approve", 0, "")
	c := r.start("login", "alice")
	if code := c.wait(); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.err.text())
	}
	code := r.arrivals("backchannel")[0].Code
	for _, want := range []string{screen.SpellOut(code), "Welcome, Alice", "1240"} {
		if !strings.Contains(c.out.text(), want) {
			t.Errorf("%q is not in\n%s", want, c.out.text())
		}
	}
	for _, l := range strings.Split(c.out.text(), "\n") {
		if !isClean(l) || strings.Contains(l, "{") {
			t.Errorf("not a sentence: %q", l)
		}
	}
	r.checkRequests(t)
	r.checkSecrets(t, "standard output", c.out.text())
	r.checkSecrets(t, "standard error", c.err.text())
}
