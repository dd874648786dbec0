//go:build keycloak

package main

import (
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// checkLastLine checks the exit code and the last line of a visit.
func checkLastLine(t *testing.T, c *child, code int, phase, reason string) map[string]any {
	t.Helper()
	got := c.wait()
	lines := c.lines()
	if len(lines) == 0 {
		t.Fatalf("exit code %d without a line\n%s", got, c.err.text())
	}
	last := lines[len(lines)-1]
	if why, _ := last["reason"].(string); got != code || last["phase"] != phase || why != reason {
		t.Fatalf("exit code %d, want %d %s %s\n%s%s", got, code, phase, reason, c.out.text(), c.err.text())
	}
	return last
}

// TestVisitsAtKeycloak plays visits in poll mode. After each, the server has no session left.
func TestVisitsAtKeycloak(t *testing.T) {
	k := keycloakShop(t)
	client := k.newClient(t, "kiosk-poll")
	for _, c := range []struct {
		name, who, answer string
		settings          []string
		code              int
		phase, reason     string
	}{
		{"approved", "alice", keycloakApprove, nil, 0, "shown", ""},
		{"approved by email address", "erin", keycloakApprove, []string{"KIOSK_IDENTIFIER=email"}, 0, "shown", ""},
		{"declined", "bob", keycloakDecline, nil, 10, "ended", "declined"},
		{"no answer", "carol", "", []string{"KIOSK_REQUESTED_EXPIRY=10"}, 11, "ended", "expired"},
		{"unknown person", "nobody", "", nil, 14, "ended", "refused"},
		{"disabled person", "dave", "", nil, 14, "ended", "refused"},
	} {
		switch c.who {
		case "nobody":
		case "dave":
			k.person(t, c.who, func(p object) { p["enabled"] = false })
		default:
			k.person(t, c.who)
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := k.rig(t, "kiosk-poll", c.settings...)
			identifier := c.who
			if r.env["KIOSK_IDENTIFIER"] == "email" {
				identifier += "@example.test"
			}
			visit := r.start("login", "--json", identifier)
			if c.answer != "" {
				waiting := visit.phase("waiting")
				if asked := k.answer(t, c.who, c.answer); asked.Message != waiting["binding_message"] {
					t.Errorf("the phone shows %q, the kiosk %v", asked.Message, waiting["binding_message"])
				}
			}
			last := checkLastLine(t, visit, c.code, c.phase, c.reason)
			if c.phase == "shown" {
				if result, _ := last["result"].(map[string]any); result["title"] != "Welcome, "+c.who {
					t.Errorf("shown: %v", last)
				}
			}
			r.checkPrivate(t)
		})
	}
	t.Cleanup(func() {
		if n := k.sessions(t, client); n != 0 {
			t.Errorf("the server has %d sessions of this client", n)
		}
	})
}

// TestWrongClientAtKeycloak: a wrong secret and a grant that is switched off are mistakes of the set-up, not of the customer.
func TestWrongClientAtKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloakShop(t)
	k.newClient(t, "kiosk-wrong")
	k.newClient(t, "kiosk-off", func(_, attributes object) { attributes["oidc.ciba.grant.enabled"] = "false" })
	k.person(t, "frank")
	t.Run("secret", func(t *testing.T) {
		r := k.rig(t, "kiosk-wrong")
		r.write("client-secret", "another secret")
		checkLastLine(t, r.start("login", "--json", "frank"), 3, "ended", "misconfigured")
	})
	t.Run("grant off", func(t *testing.T) {
		checkLastLine(t, k.rig(t, "kiosk-off").start("login", "--json", "frank"), 3, "ended", "misconfigured")
	})
	if k.rang("frank") != 0 {
		t.Error("the phone rang")
	}
}

// TestPersonWithoutAPhoneAtKeycloak: the answer 503 for a person without a phone looks like any other refusal, also by its time.
func TestPersonWithoutAPhoneAtKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloakShop(t)
	k.newClient(t, "kiosk-no-phone")
	k.person(t, "grace")
	k.takePhone("grace")
	var took []time.Duration
	for _, who := range []string{"grace", "nobody-here"} {
		r := k.rig(t, "kiosk-no-phone")
		began := time.Now()
		checkLastLine(t, r.start("login", "--json", who), 14, "ended", "refused")
		took = append(took, time.Since(began))
	}
	// Each is shown at a multiple of the same quantum after the request; the rest is the start of the program. On a busy machine
	// one may come a quantum later than the other.
	quantum := kiosk.DefaultRules().RefusalQuantum
	for i, d := range took {
		if rest := d % quantum; d < quantum || rest > quantum/2 {
			t.Errorf("refusal %d took %v, which is no multiple of %v", i, d, quantum)
		}
	}
}
