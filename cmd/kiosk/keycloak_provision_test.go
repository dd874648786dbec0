//go:build keycloak

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// stockRealm makes a realm as Keycloak makes it, with one person.
func stockRealm(t *testing.T, realm, who string) *keycloak {
	t.Helper()
	k := keycloakShop(t)
	stock := &keycloak{url: k.url, keys: k.keys, realm: k.realm + "-" + realm, phones: k.phones, client: k.client}
	if _, err := stock.call(http.MethodPost, "/admin/realms", object{"realm": stock.realm, "enabled": true}); err != nil {
		t.Fatal(err)
	}
	stock.person(t, who)
	return stock
}

// newDevice returns a device that knows its server and has no registration. UserInfo is its API: an untouched realm has
// neither a scope nor an audience for another one.
func (k *keycloak) newDevice(t *testing.T, settings ...string) *rig {
	t.Helper()
	r := k.rig(t, "")
	for _, name := range []string{"KIOSK_ISSUER", "KIOSK_CLIENT_ID", "KIOSK_CLIENT_SECRET_FILE", "KIOSK_SCOPE", "KIOSK_API_URL"} {
		delete(r.env, name)
	}
	settings = append(settings, "KIOSK_ISSUER="+k.issuer(), "KIOSK_API_URL="+k.issuer()+"/protocol/openid-connect/userinfo")
	r.write("kiosk.env", strings.Join(settings, "\n")+"\n")
	return r
}

// registeredClient returns the internal ID of the client that the device registered.
func (k *keycloak) registeredClient(t *testing.T, r *rig) string {
	t.Helper()
	_, id, _ := strings.Cut(r.file("kiosk.env"), "\nKIOSK_CLIENT_ID=")
	id, _, _ = strings.Cut(id, "\n")
	return k.clientNamed(t, id)
}

// clientNamed returns the internal ID of a client.
func (k *keycloak) clientNamed(t *testing.T, clientID string) string {
	t.Helper()
	var clients []struct{ ID string }
	k.get(t, "/clients?clientId="+url.QueryEscape(clientID), &clients)
	if len(clients) != 1 {
		t.Fatalf("%d clients %q", len(clients), clientID)
	}
	return clients[0].ID
}

// visit plays an approved visit and checks that the server has no session left.
func (k *keycloak) visit(t *testing.T, r *rig, who string) {
	t.Helper()
	visit := r.start("login", "--json", who)
	visit.phase("waiting")
	k.answer(t, who, keycloakApprove)
	checkLastLine(t, visit, 0, "shown", "")
	if n := k.sessions(t, k.registeredClient(t, r)); n != 0 {
		t.Errorf("after the visit the server has %d sessions of this device", n)
	}
}

// TestProvisionByTokenAtKeycloak registers a device at an untouched realm by an initial access token, serves, changes the
// key, and serves again.
func TestProvisionByTokenAtKeycloak(t *testing.T) {
	t.Parallel()
	k := stockRealm(t, "token", "heidi")
	var initial struct{ Token string }
	if err := json.Unmarshal(k.must(t, http.MethodPost, "/clients-initial-access", object{"count": 1, "expiration": 3600}), &initial); err != nil {
		t.Fatal(err)
	}
	r := k.newDevice(t)
	from := r.write("setup.env", r.file("kiosk.env")+"INITIAL_ACCESS_TOKEN="+initial.Token+"\n")
	r.write("kiosk.env", "")
	c := r.start("provision", "--json", "--from", from)
	if code := c.wait(); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, c.out.text(), c.err.text())
	}
	k.visit(t, r, "heidi")
	rotated := r.start("provision", "--rotate-key")
	if code := rotated.wait(); code != 0 {
		t.Fatalf("rotation: exit code %d\n%s%s", code, rotated.out.text(), rotated.err.text())
	}
	k.visit(t, r, "heidi")
	r.checkSecrets(t, "output", c.out.text()+c.err.text()+rotated.out.text()+rotated.err.text(), initial.Token)
}

// TestProvisionBySignInAtKeycloak: a technician with the role create-client signs in with a browser. Afterwards the server has
// no session of the technician, the device serves, and the technician can open its menu.
func TestProvisionBySignInAtKeycloak(t *testing.T) {
	t.Parallel()
	k := stockRealm(t, "signin", "ivan")
	technician := k.person(t, "judy")
	management := k.clientNamed(t, "realm-management")
	var role object
	k.get(t, "/clients/"+management+"/roles/create-client", &role)
	k.must(t, http.MethodPost, "/users/"+technician+"/role-mappings/clients/"+management, []object{role})
	k.addTechnicianScope(t, technician)
	bootstrap := k.newClient(t, "kiosk-bootstrap", deviceClient)
	r := k.newDevice(t, "KIOSK_BOOTSTRAP_CLIENT_ID=kiosk-bootstrap", "KIOSK_TECHNICIAN_CLAIM=/realm_access/roles=kiosk-technician", "KIOSK_TECHNICIAN_SCOPE=openid profile kiosk-technician")
	phone := browser(t, chromedp.Flag("ignore-certificate-errors", true)) // before the program starts, since this may skip
	c := r.start("provision", "--json")
	approve := c.until("a sign-in", func(l map[string]any) bool { return l["step"] == "approve" })
	signInWithBrowser(t, phone, approve["verification_uri_complete"].(string), "judy")
	if code := c.wait(); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, c.out.text(), c.err.text())
	}
	if n := k.sessions(t, bootstrap); n != 0 {
		t.Errorf("the server has %d sessions of the technician", n)
	}
	k.visit(t, r, "ivan")
	x := r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	x.signIn("ivan")
	k.answer(t, "ivan", keycloakApprove)
	x.mustShow(say(t, screen.EndedTitle(kiosk.NoAccess)))
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.signIn("judy")
	k.answer(t, "judy", keycloakApprove)
	x.mustShow(say(t, screen.MsgMenuTitle))
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.stop()
	if n := k.sessions(t, k.registeredClient(t, r)); n != 0 {
		t.Errorf("the server has %d sessions of this device", n)
	}
}

// rolesInIDTokens returns the mapper that puts the roles of a person into ID tokens.
func rolesInIDTokens() []object {
	return []object{{
		"name": "roles", "protocol": "openid-connect", "protocolMapper": "oidc-usermodel-realm-role-mapper",
		"config": object{"claim.name": "realm_access.roles", "jsonType.label": "String", "multivalued": "true", "id.token.claim": "true"},
	}}
}

// addTechnicianScope does what docs/servers.md says for technicians, and gives the role to a person. A client that registered
// itself gets no roles but those of its scopes ("full scope" is off).
func (k *keycloak) addTechnicianScope(t *testing.T, person string) {
	t.Helper()
	k.must(t, http.MethodPost, "/roles", object{"name": "kiosk-technician"})
	var role object
	k.get(t, "/roles/kiosk-technician", &role)
	k.must(t, http.MethodPost, "/users/"+person+"/role-mappings/realm", []object{role})
	scope := string(k.must(t, http.MethodPost, "/client-scopes", object{
		"name": "kiosk-technician", "protocol": "openid-connect", "attributes": object{"include.in.token.scope": "true"},
		"protocolMappers": rolesInIDTokens(),
	}))
	k.must(t, http.MethodPost, "/client-scopes/"+scope+"/scope-mappings/realm", []object{role})
	k.must(t, http.MethodPut, "/default-optional-client-scopes/"+scope, object{})
}

// deviceClient makes a client a public one for the device grant.
func deviceClient(client, attributes object) {
	client["publicClient"] = true
	delete(client, "secret")
	delete(client, "clientAuthenticatorType")
	delete(attributes, "oidc.ciba.grant.enabled")
	attributes["oauth2.device.authorization.grant.enabled"] = "true"
}

// signInWithBrowser opens the address of a device authorization, signs in and consents.
func signInWithBrowser(t *testing.T, browser context.Context, address, who string) {
	t.Helper()
	tab, closeTab := chromedp.NewContext(browser)
	ctx, cancel := context.WithTimeout(tab, limit)
	t.Cleanup(func() { cancel(); closeTab() })
	p := &phone{t, ctx}
	p.do("sign in", chromedp.Navigate(address), chromedp.WaitVisible(chromedp.CSS("#username")),
		chromedp.SendKeys(chromedp.CSS("#username"), who), chromedp.SendKeys(chromedp.CSS("#password"), keycloakPassword),
		chromedp.Click(chromedp.CSS("#kc-login")))
	p.do("consent", chromedp.WaitVisible(chromedp.CSS("input[name=accept], button[name=accept]")), chromedp.Click(chromedp.CSS("input[name=accept], button[name=accept]")))
	p.do("read the end", chromedp.WaitVisible(chromedp.CSS("#kc-page-title")))
}
