//go:build keycloak

package main

import (
	"regexp"
	"testing"
)

var cure = regexp.MustCompile(`level=INFO msg="token request" outcome="unknown request" fix=.*required actions of the account`)

// TestRequiredActionAtKeycloak: the person approves, but the account has something to do first, so that no token is issued.
// The log tells the operator.
func TestRequiredActionAtKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloakShop(t)
	k.newClient(t, "kiosk-action")
	k.person(t, "olivia", func(p object) { p["requiredActions"] = []string{"UPDATE_PASSWORD"} })
	r := k.rig(t, "kiosk-action")
	visit := r.start("login", "--json", "olivia")
	visit.phase("waiting")
	k.answer(t, "olivia", keycloakApprove)
	checkLastLine(t, visit, 13, "ended", "unreachable")
	if log := visit.err.text(); !cure.MatchString(log) {
		t.Errorf("the log does not name the cure:\n%s", log)
	}
}

// TestStatusAfterAMissingPhoneAtKeycloak: one person without a phone says nothing about the server.
func TestStatusAfterAMissingPhoneAtKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloakShop(t)
	k.newClient(t, "kiosk-status")
	k.person(t, "mallory")
	k.takePhone("mallory")
	r := k.rig(t, "kiosk-status")
	kiosk := r.startWith("", "run", "--headless")
	r.eventually("it serves", func() bool { code, _ := r.status(); return code == 0 })
	checkLastLine(t, r.start("login", "--json", "mallory"), 14, "ended", "refused")
	if code, s := r.status(); code != 0 || s["state"] != "serving" {
		t.Errorf("kiosk status says %d: %v", code, s)
	}
	kiosk.kill()
}
