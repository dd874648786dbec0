package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/enrol"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// site is the place of a device: who signs in and approves, on their phones.
type site struct {
	signIn  func(code string) // a technician, with the code that they compared
	who     string            // the first customer
	approve func()            // on the customer's phone
	secrets func() []string   // what must not be seen
}

var spelledOut = regexp.MustCompile(`Code\s+([A-Z0-9]+(?:-[A-Z0-9]+)*)`)

// provisionAndServe goes from an installed package to the first customer: one command on the device's terminal, one
// sign-in on a phone, and the customer's screen.
func (r *rig) provisionAndServe(t *testing.T, at site) {
	began := time.Now()
	x := r.startIn(100, 70, nil, "provision")
	x.mustShow("Technician: scan this QR code, sign in, and compare the code.")
	address := x.scanned()
	m := spelledOut.FindStringSubmatch(flat(x.picture()))
	if m == nil || !strings.HasPrefix(address, r.url) || !strings.Contains(address, m[1]) {
		t.Fatalf("a phone reads %q, the screen says\n%s", address, x.picture())
	}
	at.signIn(m[1])
	if code := x.waitForExit(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, x.picture())
	}
	x.mustShow("Tested the server accepts this device", "The device is provisioned.")
	provisioned := time.Since(began)
	if info, err := os.Stat(filepath.Join(r.state, enrol.KeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key: %v, %v", info, err)
	}

	y := r.screen()
	code := y.identify(at.who)
	at.approve()
	y.mustShow(say(t, screen.MsgShownTitle))
	t.Logf("from the command to the first result: %.1f s, of which %.1f s until the doctor had looked; a sign-in and an approval are polled for",
		time.Since(began).Seconds(), provisioned.Seconds())
	y.press(anyKey, "Welcome, ")
	y.press(escape, say(t, screen.MsgReadyTitle))
	y.signal(syscall.SIGTERM)
	if code := y.waitForExit(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}

	secrets := at.secrets()
	var key struct {
		D string `json:"d"` // the private part (RFC 7518, 6.2.2)
	}
	if err := json.Unmarshal([]byte(r.file(filepath.Join("state", enrol.KeyFile))), &key); err != nil || len(key.D) < 40 {
		t.Fatalf("key: %v", err)
	}
	secrets = append(secrets, key.D)
	// The terminals received everything that was printed and logged.
	for where, text := range map[string]string{"provision": x.written(), "the screen": y.written(), "the settings": r.file("kiosk.env"),
		"the command line": strings.Join(append(x.cmd.Args, y.cmd.Args...), " ")} {
		r.checkSecrets(t, where, text, secrets...)
		if strings.Contains(text, "Bearer") || strings.Contains(text, "eyJ") {
			t.Errorf("%s holds a token", where)
		}
	}
	if v := r.lastVisit(); v.Stage != kiosk.StageShown || v.Code != code {
		t.Errorf("on record: %v, code %s, not %s", v.Stage, v.Code, code)
	}
}

// TestFromPackageToFirstCustomer runs on a pseudo-terminal with the development server.
func TestFromPackageToFirstCustomer(t *testing.T) {
	t.Parallel()
	r := newDevice(t)
	r.provisionAndServe(t, site{
		signIn: func(code string) {
			if err := r.dev.ApproveDevice(code, "carol"); err != nil {
				t.Fatal(err)
			}
		},
		who: "alice",
		approve: func() {
			if err := r.dev.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
		},
		secrets: func() []string { return nil }, // the rig knows them all
	})
	if n := r.count("registration"); n != 1 {
		t.Errorf("%d registrations", n)
	}
}
