package main

import (
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

var speltLong = regexp.MustCompile(`\b[A-Z] [A-Z] [A-Z] [A-Z] - [A-Z] [A-Z] [A-Z] [A-Z]\b`)

// setupCode waits for a code other than not on the screen of a device without a registration.
func (x *terminal) setupCode(not string) (code string) {
	x.t.Helper()
	title := say(x.t, screen.MsgSetupTitle)
	x.until("a technician's code", func(text string) bool {
		code = strings.ReplaceAll(speltLong.FindString(text), " ", "")
		return code != "" && code != not && strings.Contains(text, title)
	})
	return code
}

// TestDeviceRegistersItself goes from a new device to the first customer without a keyboard, with one sign-in on a
// phone, in one process under a service manager.
func TestDeviceRegistersItself(t *testing.T) {
	t.Parallel()
	r := newDevice(t)
	m := r.withServiceManager(3 * time.Second)
	began := time.Now()
	x := r.screen()
	m.mustReceive("READY=1")
	m.mustReceive("WATCHDOG=1")
	code := x.setupCode("")
	host := strings.TrimPrefix(r.url, "http://")
	x.until("the address", func(text string) bool { return strings.Contains(strings.ReplaceAll(text, " ", ""), host) })
	if err := r.dev.ApproveDevice(code, "carol"); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.MsgReadyTitle))
	t.Logf("from power on to ready: %.1f s", time.Since(began).Seconds())
	if env := r.file("kiosk.env"); !strings.Contains(env, "\nKIOSK_CLIENT_ID=c-") {
		t.Errorf("settings:\n%s", env)
	}
	r.auto("approve", 0, "")
	x.begin("alice")
	x.send(enter)
	x.mustShow(say(t, screen.MsgShownTitle))
	if n := r.count("registration"); n != 1 {
		t.Errorf("%d registrations", n)
	}
	x.checkAll(kiosk.StageShown, kiosk.NoReason)
}

// TestSetupShowsANewCodeAfterAPowerCut cuts the power while the code is shown.
func TestSetupShowsANewCodeAfterAPowerCut(t *testing.T) {
	t.Parallel()
	r := newDevice(t)
	x := r.screen()
	first := x.setupCode("")
	x.kill()
	x = r.screen()
	second := x.setupCode(first)
	if err := r.dev.ApproveDevice(second, "carol"); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.MsgReadyTitle))
	x.kill()
	x = r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	if n := r.count("registration"); n != 1 {
		t.Errorf("%d registrations", n)
	}
}

// TestPowerCutsAfterTheTechniciansApproval cuts the power in the moments after the approval. The device ends with one
// registration, or the screen says what may be left at the server.
func TestPowerCutsAfterTheTechniciansApproval(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 200, 500, 800, 1000, 1050} { // it polls every second
		t.Run((after * time.Millisecond).String(), func(t *testing.T) {
			t.Parallel()
			r := newDevice(t)
			x := r.screen()
			first := x.setupCode("")
			if err := r.dev.ApproveDevice(first, "carol"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(after * time.Millisecond)
			x.kill()
			x = r.screen()
			ready, orphan, again := say(t, screen.MsgReadyTitle), "kiosk provision --again", false
			x.until("the result of the set-up", func(text string) bool {
				again = speltLong.MatchString(text)
				return again || strings.Contains(text, ready) || strings.Contains(text, orphan)
			})
			if again {
				if err := r.dev.ApproveDevice(x.setupCode(first), "carol"); err != nil {
					t.Fatal(err)
				}
				x.mustShow(ready)
			}
			if n := r.count("registration"); n > 1 {
				t.Errorf("%d registrations", n)
			}
			r.checkSecrets(t, "the terminal", x.written())
		})
	}
}

// TestSetupWaitsForTheNetwork: while the server cannot be reached, the screen says what to check and continues by
// itself.
func TestSetupWaitsForTheNetwork(t *testing.T) {
	t.Parallel()
	d := newGate(t)
	r := newDevice(t)
	d.connectTo(strings.TrimPrefix(r.url, "http://"))
	if err := r.dev.SetIssuer(d.url); err != nil {
		t.Fatal(err)
	}
	r.write("kiosk.env", strings.ReplaceAll(r.file("kiosk.env"), r.url, d.url))
	d.close()
	x := r.screen()
	x.mustShow(say(t, screen.MsgSetupStuck), say(t, screen.MsgSetupNetwork))
	d.open()
	x.setupCode("")
}

// TestSetupContinuesAfterADenial: the screen says that the sign-in was declined, then shows another code.
func TestSetupContinuesAfterADenial(t *testing.T) {
	t.Parallel()
	r := newDevice(t)
	x := r.screen()
	first := x.setupCode("")
	if err := r.dev.DenyDevice(first); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.MsgSetupStuck), say(t, screen.MsgSetupDeclined))
	x.setupCode(first)
	x.signal(syscall.SIGTERM)
	if code := x.waitForExit(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

// TestSetupEndsAfterManualProvisioning: somebody registers the device by hand meanwhile and reloads the settings.
func TestSetupEndsAfterManualProvisioning(t *testing.T) {
	t.Parallel()
	r := newDevice(t)
	client, err := r.dev.Client("kiosk-basic")
	if err != nil {
		t.Fatal(err)
	}
	m := r.withServiceManager(time.Minute) // supervised, so that SIGHUP reads the settings again
	x := r.screen()
	m.mustReceive("READY=1")
	x.setupCode("")
	r.write("kiosk.env", r.file("kiosk.env")+"KIOSK_CLIENT_ID="+client.ID+"\nKIOSK_CLIENT_SECRET_FILE="+r.write("secret", client.Secret)+"\n")
	x.signal(syscall.SIGHUP)
	x.mustShow(say(t, screen.MsgReadyTitle))
	if r.count("registration") != 0 {
		t.Error("it registered all the same")
	}
}

// TestHeadlessRefusesToRunUnregistered: set-up needs a screen.
func TestHeadlessRefusesToRunUnregistered(t *testing.T) {
	t.Parallel()
	r := newDevice(t)
	c := r.start("run", "--headless")
	if code := c.wait(); code != 4 || !strings.Contains(c.err.text(), "no client registration on this device yet") {
		t.Errorf("exit %d\n%s", code, c.err.text())
	}
}

// TestStatusDuringSetup: the status shows what the set-up screen shows, until the device serves; a support bundle
// contains nothing of it.
func TestStatusDuringSetup(t *testing.T) {
	t.Parallel()
	r := newDevice(t)
	r.set("KIOSK_LANGUAGES=en,de")
	x := r.screen()
	code := x.setupCode("")
	is, s := r.status()
	on, _ := s["set_up"].(map[string]any)
	if why, _ := s["why"].([]any); is != 20 || s["state"] != "out_of_service" || len(why) != 1 || why[0] != "set_up" {
		t.Errorf("exit code %d, %v", is, s)
	}
	if left, _ := on["expires_in"].(float64); on["stage"] != "sign_in" || on["user_code"] != code || left < 1 || left > float64(requestLifetime) ||
		!strings.HasPrefix(on["verification_uri"].(string), r.url) {
		t.Errorf("it is %v, the screen shows %s", on, code)
	}
	if is, out := r.runVerb("status"); is != 20 || !strings.Contains(out, "being set up: a technician has to sign in") || !strings.Contains(out, "code "+code) {
		t.Errorf("exit code %d:\n%s", is, out)
	}
	if is, out := r.runVerb("status", "--wait-idle"); is != 0 {
		t.Errorf("an upgrade is kept waiting: exit code %d, %s", is, out)
	}
	if is, out := r.runVerb("service", "off"); is != 1 || !strings.Contains(out, "is being set up") {
		t.Errorf("service off: exit code %d, %s", is, out)
	}
	if is, out := r.runVerb("doctor"); is != 4 || !strings.Contains(out, "being set up on its screen") || strings.Contains(out, "failed     store") {
		t.Errorf("the doctor: exit code %d\n%s", is, out)
	}
	if _, files := r.bundle(t, "setup.tar.gz"); !strings.Contains(files["status.json"], `"stage": "sign_in"`) || strings.Contains(files["status.json"], code) {
		t.Errorf("the bundle has %s", files["status.json"])
	}

	x.press("\t", sayIn(t, "de", screen.MsgSetupTitle)) // the technician reads another language
	if err := r.dev.ApproveDevice(code, "carol"); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.MsgReadyTitle)) // customers begin with the first
	r.eventually("it serves", func() bool {
		is, s = r.status()
		return is == 0
	})
	if s["set_up"] != nil || s["state"] != "serving" {
		t.Errorf("%v", s)
	}
}

// TestSetupProblemsInStatusAndDoctor: the status names the problem of a set-up, and a reload corrects it.
func TestSetupProblemsInStatusAndDoctor(t *testing.T) {
	t.Parallel()
	r := newDevice(t)
	right := r.file("kiosk.env")
	r.write("kiosk.env", strings.ReplaceAll(right, "kiosk-device", "kiosk-nobody"))
	x := r.screen()
	x.mustShow(say(t, screen.MsgSetupStuck))
	r.eventually("kiosk status --json names the problem", func() bool { // in between it tries again
		code, s := r.status()
		if code != exitOutOfService {
			t.Fatalf("exit code %d: %v", code, s)
		}
		on, _ := s["set_up"].(map[string]any)
		return on["stage"] == "stuck" && on["reason"] == "misconfigured" && on["cause"] != ""
	})
	r.eventually("kiosk status names the problem", func() bool {
		_, out := r.runVerb("status")
		return strings.Contains(out, "being set up: misconfigured") && strings.Contains(out, "invalid_client")
	})
	r.write("kiosk.env", "KIOSK_IDLE_TIMEOUT=soon\n"+right)
	if code, out := r.runVerb("service", "reload"); code == 0 || !strings.Contains(out, "KIOSK_IDLE_TIMEOUT") {
		t.Errorf("settings that are wrong: exit code %d, %s", code, out)
	}
	r.write("kiosk.env", right)
	if code, out := r.runVerb("service", "reload"); code != 0 {
		t.Errorf("exit code %d, %s", code, out)
	}
	x.setupCode("")
}
