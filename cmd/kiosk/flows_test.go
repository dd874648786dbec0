package main

import (
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// TestLoginWithAUserCode: the user code is asked for when the server requires it and read from the next line. A wrong
// one may be tried again.
func TestLoginWithAUserCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		input string
		who   []string
		want  ending
	}{
		{"right at once", "25802580\n", []string{"erin"}, ending{pushes: 2, api: 1, revoked: true}},
		{"behind the identifier", "erin\n25802580\n", nil, ending{pushes: 2, api: 1, revoked: true}},
		{"without a newline", "25802580", []string{"erin"}, ending{pushes: 2, api: 1, revoked: true}},
		{"wrong, then right", "999888\n25802580\n", []string{"erin"}, ending{pushes: 3, api: 1, revoked: true}},
		{"none", "", []string{"erin"}, ending{code: 14, reason: "refused", pushes: 1}},
		{"an empty one", "\n", []string{"erin"}, ending{code: 14, reason: "refused", pushes: 1}},
		{"wrong, then none", "999888\n", []string{"erin"}, ending{code: 14, reason: "refused", pushes: 2}},
		{"not wanted, so not read", "25802580\n", []string{"alice"}, shown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "KIOSK_GUARD_PERSON=9/10m")
			r.auto("approve", 0, "")
			k := r.startWith(c.input, append([]string{"login", "--json"}, c.who...)...)
			code := k.wait()
			last := checkLines(t, k.lines())
			if reason, _ := last["reason"].(string); code != c.want.code || reason != c.want.reason {
				t.Errorf("exit code %d, %v; want %d %q: %s", code, last, c.want.code, c.want.reason, k.err.text())
			}
			if n := r.count("backchannel"); n != c.want.pushes {
				t.Errorf("%d requests, want %d", n, c.want.pushes)
			}
			if n := r.count("api"); n != c.want.api {
				t.Errorf("the API was called %d times", n)
			}
			r.checkRequests(t)
			for where, said := range map[string]string{"standard output": k.out.text(), "standard error": k.err.text()} {
				r.checkSecrets(t, where, said, "999888")
			}
			r.checkState(t, "999888")
		})
	}
}

// TestLoginWithAHintToken: a token from the customer's app is scanned or passed instead of an identifier.
func TestLoginWithAHintToken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		life time.Duration
		as   string
		want ending
	}{
		{"in time", time.Minute, "", shown},
		{"run out", -time.Minute, "", ending{code: 14, reason: "refused", pushes: 1}},
		{"another person approves", time.Minute, "bob", ending{code: 16, reason: "wrong_person", pushes: 1, revoked: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.auto("approve", 0, c.as)
			token, err := r.dev.HintToken("alice", c.life)
			if err != nil {
				t.Fatal(err)
			}
			r.tap.addSecret(token)
			k := r.startWith(token+"\n", "login", "--json")
			r.checkOutcome(t, k, c.want)
		})
	}
}

// usePings configures ping mode, at a free address with a certificate of its own.
func (r *rig) usePings(t testing.TB, manner string) {
	t.Helper()
	key, cert := testkit.Certificate(t, time.Hour)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	r.set("KIOSK_DELIVERY=ping")
	r.set("KIOSK_PING_LISTEN=" + address)
	chain := string(cert)
	r.set("KIOSK_PING_CERT_FILE=" + r.write("ping-cert", chain))
	r.set("KIOSK_PING_KEY_FILE=" + r.write("ping-key", string(key)))
	if err := r.dev.SetPing(r.env["KIOSK_CLIENT_ID"], "https://"+address+"/ping", manner, chain); err != nil {
		t.Fatal(err)
	}
}

// TestLoginInPingMode (CIBA Core 10.2): the result is fetched once, at once if the ping arrives, by slow polling if it
// does not.
func TestLoginInPingMode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		manner string
		most   int           // polls
		soon   bool          // before a slow poll could have been
		delay  time.Duration // of the approval
	}{
		{"once", 1, true, 50 * time.Millisecond},
		{"often", 1, true, 50 * time.Millisecond},
		{"early", 1, true, 0},
		{"lost", 2, false, time.Second},
		{"foreign", 2, false, time.Second},
	} {
		t.Run(c.manner, func(t *testing.T) {
			t.Parallel()
			if !c.soon && testing.Short() {
				return // they take their time: fifteen seconds
			}
			r := newRig(t)
			r.usePings(t, c.manner)
			r.auto("approve", c.delay, "")
			r.checkOutcome(t, r.start("login", "--json", "alice"), shown)
			polls := r.arrivals("poll")
			if len(polls) > c.most {
				t.Errorf("%d polls", len(polls))
			}
			asked := r.arrivals("backchannel")[0].Time
			if took := polls[0].Time.Sub(asked); c.soon && took > 10*time.Second || !c.soon && took < 14*time.Second {
				t.Errorf("polled %v after the request", took)
			}
		})
	}
}

// TestTimeFromPingToTokenRequest measures milliseconds from the approval to the token request: the median of a few
// visits, with room for a busy machine.
func TestTimeFromPingToTokenRequest(t *testing.T) {
	var took []time.Duration
	for range 7 {
		r := newRig(t)
		r.usePings(t, "once")
		k := r.start("login", "--json", "alice")
		k.phase("waiting")
		if err := r.dev.Approve("alice", ""); err != nil {
			t.Fatal(err)
		}
		r.checkOutcome(t, k, shown)
		took = append(took, r.arrivals("poll")[0].Time.Sub(r.arrivals("answer")[0].Time))
	}
	slices.Sort(took)
	t.Logf("from the approval to the token request: %v", took)
	if median := took[len(took)/2]; median > 50*time.Millisecond*patience() {
		t.Errorf("median %v", median)
	}
}

// TestNextRunRevokesQueuedTokens: tokens that the server does not revoke are on disk, sealed, and the next run of the
// program revokes them.
func TestNextRunRevokesQueuedTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("approve", 0, "")
	r.faults(at("revoke", "server_error")...)
	if code := r.start("login", "--json", "alice").wait(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	r.checkState(t)
	r.faults()
	before := r.count("revocation")
	if code := r.start("login", "--json", "alice").wait(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	if n := r.count("revocation") - before; n != 2 {
		t.Errorf("%d revocations, want those of both visits", n)
	}
	if code := r.start("login", "--json", "alice").wait(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	if n := r.count("revocation") - before; n != 3 {
		t.Errorf("%d revocations after the third visit: nothing was queued from the first two", n)
	}
	r.checkState(t)
}

// TestDeviceFlowOnTheScreen: the phone does not ring, so the customer opens the address with any phone. Only the
// identified person is accepted.
func TestDeviceFlowOnTheScreen(t *testing.T) {
	t.Parallel()
	for who, want := range map[string]screen.MessageID{"alice": screen.MsgShownTitle, "bob": screen.EndedTitle(kiosk.WrongPerson)} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "KIOSK_DEVICE_CLIENT_ID=kiosk-device")
			x := r.screen()
			x.identify("alice")
			x.press("2", say(t, screen.MsgDeviceFlowTitle))
			var code, spelt string
			x.until("a code of the server", func(text string) bool {
				spelt = regexp.MustCompile(`\b[B-Z]( [B-Z]){3} - [B-Z]( [B-Z]){3}\b`).FindString(text)
				code = strings.ReplaceAll(spelt, " ", "")
				return code != ""
			})
			if err := r.dev.ApproveDevice(code, who); err != nil {
				t.Fatal(err)
			}
			x.mustShow(say(t, want))
			if n := r.count("backchannel"); n != 1 {
				t.Errorf("the phone was rung %d times", n)
			}
			if a := r.arrivals("device_poll"); len(a) == 0 || a[0].Client != "kiosk-device" {
				t.Errorf("polled as %+v", a)
			}
			if who == "alice" {
				x.press(enter, "C-1001")
			}
			x.press(escape, say(t, screen.MsgReadyTitle))
			x.checkForgotten("alice", "a***", code, spelt)
			if stage, why := kiosk.StageShown, kiosk.NoReason; who == "alice" {
				x.checkAll(stage, why)
			} else {
				x.checkAll(kiosk.StageEnded, kiosk.WrongPerson)
			}
		})
	}
}

// TestUserCodeOnTheScreen: the screen asks for the user code and never shows it.
func TestUserCodeOnTheScreen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("approve", 0, "")
	x := r.screen()
	x.begin("erin")
	x.send(enter)
	x.mustShow(say(t, screen.MsgUserCodeTitle))
	x.press("2", "*")
	for i, digit := range strings.Split("5802580", "") {
		time.Sleep(100 * time.Millisecond) // at the pace of fingers: eight digits that come faster are a scan
		x.send(digit)
		x.mustShow(strings.Repeat("*", i+2))
	}
	x.press(enter, say(t, screen.MsgShownTitle))
	if said := x.written(); strings.Contains(said, "25802580") {
		t.Error("the code is on the terminal")
	}
	x.press(enter, "C-1005")
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.checkAll(kiosk.StageShown, kiosk.NoReason)
}
