//go:build keycloak

package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// TestRestartInMidVisitAtKeycloak: after a power cut the kiosk shows the same code, and the request goes on.
func TestRestartInMidVisitAtKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloakShop(t)
	k.person(t, "rupert")
	client := k.newClient(t, "kiosk-restart")
	r := k.rig(t, "kiosk-restart")
	x := r.screen()
	code := x.identify("rupert")
	k.wait(t, "rupert")
	x.signal(syscall.SIGKILL)
	x.waitForExit()
	y := r.screen()
	if again := y.code(); again != code {
		t.Errorf("the code was %s and is %s", code, again)
	}
	if asked := k.answer(t, "rupert", keycloakApprove); asked.Message != code {
		t.Errorf("the phone shows %s, the kiosk %s", asked.Message, code)
	}
	y.mustShow(say(t, screen.MsgShownTitle))
	y.press(anyKey, "Welcome, rupert")
	y.press(escape, say(t, screen.MsgReadyTitle))
	y.stop()
	if n := k.sessions(t, client); n != 0 || k.rang("rupert") != 1 {
		t.Errorf("%d sessions, the phone rang %d times", n, k.rang("rupert"))
	}
	if v := r.lastVisit(); v.Stage != kiosk.StageShown {
		t.Errorf("on record: %v", v.Stage)
	}
}

// stop ends the kiosk, which revokes what is left.
func (x *terminal) stop() {
	x.t.Helper()
	x.signal(syscall.SIGTERM)
	if code := x.waitForExit(); code != 0 {
		x.t.Errorf("exit code %d after SIGTERM", code)
	}
}

// TestServerChangesItsKeyAtKeycloak: a running kiosk accepts the tokens of a key that the realm got after the first visit.
func TestServerChangesItsKeyAtKeycloak(t *testing.T) {
	t.Parallel()
	k := stockRealm(t, "keys", "sybil")
	k.newClient(t, "kiosk-keys")
	r := k.rig(t, "kiosk-keys", "KIOSK_SCOPE=openid profile", "KIOSK_API_URL="+k.issuer()+"/protocol/openid-connect/userinfo")
	x := r.screen()
	for _, turn := range []string{"first", "second"} {
		if turn == "second" {
			var realm struct{ ID string }
			k.get(t, "", &realm)
			k.must(t, http.MethodPost, "/components", object{
				"name": "next", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider", "parentId": realm.ID,
				"config": object{"priority": []string{"200"}, "enabled": []string{"true"}, "active": []string{"true"}, "algorithm": []string{"RS256"}},
			})
		}
		x.identify("sybil")
		k.answer(t, "sybil", keycloakApprove)
		x.mustShow(say(t, screen.MsgShownTitle))
		x.press(escape, say(t, screen.MsgReadyTitle))
	}
	x.stop()
}

// TestTechnicianAtKeycloak: the role is in the ID token by a mapper of the client. A customer without it sees no menu.
func TestTechnicianAtKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloakShop(t)
	id := k.person(t, "trent")
	k.person(t, "victor")
	var role object
	k.get(t, "/roles/kiosk-technician", &role)
	k.must(t, http.MethodPost, "/users/"+id+"/role-mappings/realm", []object{role})
	client := k.newClient(t, "kiosk-technician", func(client, _ object) {
		client["protocolMappers"] = rolesInIDTokens()
	})
	r := k.rig(t, "kiosk-technician", "KIOSK_TECHNICIAN_CLAIM=/realm_access/roles=kiosk-technician")
	x := r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	x.signIn("victor")
	k.answer(t, "victor", keycloakApprove)
	x.mustShow(say(t, screen.EndedTitle(kiosk.NoAccess)))
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.signIn("trent")
	k.answer(t, "trent", keycloakApprove)
	x.mustShow(say(t, screen.MsgMenuTitle))
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.stop()
	if n := k.sessions(t, client); n != 0 {
		t.Errorf("the server has %d sessions of this client", n)
	}
}

// TestDeviceFlowAtKeycloak: the customer's phone does not ring, so they scan the QR code and sign in with a browser.
func TestDeviceFlowAtKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloakShop(t)
	k.person(t, "wendy")
	k.newClient(t, "kiosk-flow")
	client := k.newClient(t, "kiosk-flow-device", deviceClient)
	r := k.rig(t, "kiosk-flow", "KIOSK_DEVICE_CLIENT_ID=kiosk-flow-device")
	phone := browser(t, chromedp.Flag("ignore-certificate-errors", true))
	x := r.screen()
	x.identify("wendy")
	x.press("2", say(t, screen.MsgDeviceFlowTitle))
	x.resize(120, 70) // room for the QR code
	address := x.scanned()
	if !strings.HasPrefix(address, k.issuer()) {
		t.Fatalf("a phone reads %q", address)
	}
	signInWithBrowser(t, phone, address, "wendy")
	x.resize(columns, rows)
	x.mustShow(say(t, screen.MsgShownTitle))
	x.press(anyKey, "Welcome, wendy")
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.stop()
	if n := k.sessions(t, client); n != 0 {
		t.Errorf("the server has %d sessions of this client", n)
	}
}
