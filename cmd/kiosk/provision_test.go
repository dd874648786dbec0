package main

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
)

// newDevice returns a device that knows its server and the client with which a technician signs in, and has no
// registration.
func newDevice(t testing.TB) *rig {
	r := newRig(t)
	guarded, err := provider.New(provider.Options{Interval: 1, Expires: requestLifetime, PollTolerance: pollTolerance, GuardRegistration: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r.tap)
	t.Cleanup(func() {
		guarded.Close()
		server.CloseClientConnections()
		server.Close()
	})
	if err := guarded.SetIssuer(server.URL); err != nil {
		t.Fatal(err)
	}
	r.dev, r.tap.next, r.url = guarded, guarded.Handler(), server.URL
	for _, name := range []string{"KIOSK_ISSUER", "KIOSK_CLIENT_ID", "KIOSK_CLIENT_SECRET_FILE", "KIOSK_API_URL"} {
		delete(r.env, name)
	}
	r.write("kiosk.env", "# of the image\nKIOSK_ISSUER="+r.url+"\nKIOSK_BOOTSTRAP_CLIENT_ID=kiosk-device\nKIOSK_API_URL="+r.url+"/api/customer\n")
	return r
}

var codeToCompare = regexp.MustCompile(`"user_code":"([A-Z-]+)"`)

// signIn approves as a technician on the phone once the device has asked. It returns after the sign-in or when the
// program has ended.
func (r *rig) signIn(c *child) {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		changed := c.out.changes()
		if m := codeToCompare.FindStringSubmatch(c.out.text()); m != nil && r.dev.ApproveDevice(m[1], "carol") == nil {
			return
		}
		select {
		case <-changed:
		case <-c.done:
			return
		case <-time.After(limit):
		}
	}
}

func (r *rig) file(name string) string {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

func TestProvisionWithOneSignIn(t *testing.T) {
	r := newDevice(t)
	began := time.Now()
	c := r.start("provision", "--json")
	r.signIn(c)
	if code := c.wait(); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, c.out.text(), c.err.text())
	}
	var steps []string
	for _, l := range c.lines() {
		steps = append(steps, l["step"].(string))
	}
	if got := strings.Join(steps, " "); got != "key approve registered settings proved doctor done" {
		t.Errorf("steps: %s", got)
	}
	env := r.file("kiosk.env")
	if !strings.HasPrefix(env, "# of the image\nKIOSK_ISSUER=") || !strings.Contains(env, "\nKIOSK_CLIENT_ID=c-") {
		t.Errorf("settings:\n%s", env)
	}
	if info, err := os.Stat(filepath.Join(r.state, "client.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key: %v, %v", info, err)
	}
	// The first visit, without any other step.
	r.auto("approve", 0, "")
	visit := r.start("login", "--json", "alice")
	if code := visit.wait(); code != 0 {
		t.Fatalf("first visit: exit %d\n%s%s", code, visit.out.text(), visit.err.text())
	}
	t.Logf("from the command to the result of the first visit: %.1f s, of which 2 s are polling intervals", time.Since(began).Seconds())
	r.checkSecrets(t, "output", c.out.text()+c.err.text()+visit.err.text())
	r.checkState(t)

	// Again, it changes nothing.
	again := r.start("provision", "--json")
	if code := again.wait(); code != 0 || r.file("kiosk.env") != env || r.count("registration") != 1 {
		t.Errorf("exit %d, %d registrations\n%s", code, r.count("registration"), r.file("kiosk.env"))
	}
	// A new key, and the next visit.
	rotated := r.start("provision", "--rotate-key")
	if code := rotated.wait(); code != 0 {
		t.Fatalf("rotation: exit %d\n%s", code, rotated.err.text())
	}
	if visit := r.start("login", "--json", "bob"); visit.wait() != 0 {
		t.Errorf("after the rotation:\n%s%s", visit.out.text(), visit.err.text())
	}
}

// TestProvisionNeedsTheSetupFileItIsGiven: with an issuer from elsewhere it does not continue with a sign-in instead.
func TestProvisionNeedsTheSetupFileItIsGiven(t *testing.T) {
	r := newDevice(t)
	r.env["KIOSK_ISSUER"] = r.url
	for name, file := range map[string]string{"missing": "none.env", "malformed": r.write("setup.env", "nonsense\n")} {
		c := r.start("provision", "--json", "--from", file)
		if code := c.wait(); code != 3 || !strings.Contains(c.out.text(), "set-up file") || r.count("registration") != 0 {
			t.Errorf("%s: exit %d, %d registrations\n%s%s", name, code, r.count("registration"), c.out.text(), c.err.text())
		}
	}
	if _, err := os.Stat(filepath.Join(r.dir, "setup.env")); err != nil {
		t.Error(err)
	}
}

func TestProvisionUnattended(t *testing.T) {
	r := newDevice(t)
	token, err := r.dev.InitialAccessToken()
	if err != nil {
		t.Fatal(err)
	}
	r.tap.addSecret(token)
	setup := r.write("setup.env", r.file("kiosk.env")+"KIOSK_SITE=\"Shop 7\"\nINITIAL_ACCESS_TOKEN="+token+"\n")
	r.write("kiosk.env", "")
	c := r.start("provision", "--json", "--from", setup)
	if code := c.wait(); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, c.out.text(), c.err.text())
	}
	if _, err := os.Stat(setup); err == nil {
		t.Error("the file with the token is still there")
	}
	if env := r.file("kiosk.env"); !strings.Contains(env, "KIOSK_SITE=\"Shop 7\"\n") || strings.Contains(env, token) {
		t.Errorf("settings:\n%s", env)
	}
	r.checkSecrets(t, "output", c.out.text()+c.err.text())
}

func TestProvisionManually(t *testing.T) {
	r := newDevice(t)
	c := r.start("provision", "--manual")
	if code := c.wait(); code != 0 || !strings.Contains(c.out.text(), "--client-id") {
		t.Fatalf("exit %d\n%s%s", code, c.out.text(), c.err.text())
	}
	if !strings.Contains(c.out.text(), `"crv":"P-256"`) || strings.Contains(c.out.text(), `"d":`) {
		t.Errorf("the public key for the portal is missing, or the private one is printed:\n%s", c.out.text())
	}
	samePublicKey(t, c.out.text())
	if r.count("registration") != 0 || r.count("device") != 0 {
		t.Error("the server was asked")
	}
	// The portal shows a client identifier, and the technician mistypes it.
	if c := r.start("provision", "--manual", "--client-id", "c-nobody"); c.wait() != 3 || !strings.Contains(c.err.text(), "invalid_client") {
		t.Errorf("%s%s", c.out.text(), c.err.text())
	}
}

// samePublicKey checks that the output has the public key as a JWK and as PEM, and says what each is for.
func samePublicKey(t *testing.T, out string) {
	t.Helper()
	block, _ := pem.Decode([]byte(out))
	if block == nil || block.Type != "PUBLIC KEY" {
		t.Fatalf("no PEM:\n%s", out)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.(*ecdsa.PublicKey).Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	for _, coordinate := range [][]byte{point[1:33], point[33:]} {
		if !strings.Contains(out, base64.RawURLEncoding.EncodeToString(coordinate)) {
			t.Errorf("PEM and JWK are of different keys:\n%s", out)
		}
	}
	for _, word := range []string{"JWKS", "as PEM", "portal keeps the", "docs/servers.md"} {
		if !strings.Contains(out, word) {
			t.Errorf("%q is missing:\n%s", word, out)
		}
	}
}

// TestPowerCutsDuringProvisioning kills the program at many moments, then lets it run to the end. There is one
// registration, or none and an instruction what to do.
func TestPowerCutsDuringProvisioning(t *testing.T) {
	for _, after := range []time.Duration{5, 30, 60, 100, 150, 250, 500, 900, 1300, 1700} {
		t.Run((after * time.Millisecond).String(), func(t *testing.T) {
			t.Parallel()
			r := newDevice(t)
			c := r.start("provision", "--json")
			go r.signIn(c)
			time.Sleep(after * time.Millisecond)
			c.kill()
			last := r.start("provision", "--json")
			go r.signIn(last)
			code := last.wait()
			registered := r.count("registration")
			switch {
			case code == 0 && registered == 1:
				if _, err := os.Stat(filepath.Join(r.state, "client.key")); err != nil {
					t.Error(err)
				}
			case code == 4 && registered <= 1 && strings.Contains(last.out.text(), "delete it, then run kiosk provision --again"):
			default:
				t.Errorf("exit %d with %d registrations\n%s%s", code, registered, last.out.text(), last.err.text())
			}
		})
	}
}

// TestProvisionIsKilledAtEachStep kills the program as soon as it prints a step, then lets it run to the end.
func TestProvisionIsKilledAtEachStep(t *testing.T) {
	for _, step := range []string{"key", "approve", "registered", "settings", "proved", "doctor"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			r := newDevice(t)
			c := r.start("provision", "--json")
			go r.signIn(c)
			c.until(step, func(l map[string]any) bool { return l["step"] == step })
			c.kill()
			// From the registration on, everything needed is on disk before the step is printed.
			last := r.start("provision", "--json")
			go r.signIn(last)
			if code := last.wait(); code != 0 || r.count("registration") != 1 {
				t.Errorf("exit %d with %d registrations\n%s%s", code, r.count("registration"), last.out.text(), last.err.text())
			}
			r.auto("approve", 0, "")
			if visit := r.start("login", "--json", "alice"); visit.wait() != 0 {
				t.Errorf("the first visit:\n%s%s", visit.out.text(), visit.err.text())
			}
			r.checkState(t)
		})
	}
}
