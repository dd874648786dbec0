package devserver

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// send sends client metadata with a bearer token.
func (g *rig) send(method, address, token string, metadata map[string]any) reply {
	g.t.Helper()
	body, err := json.Marshal(metadata)
	if err != nil {
		g.t.Fatal(err)
	}
	req, _ := http.NewRequest(method, address, strings.NewReader(string(body)))
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return g.do(req)
}

func TestARegistrationCanBeGuarded(t *testing.T) {
	g := start(t, Options{GuardRegistration: true})
	metadata := map[string]any{"client_name": "Locker"}
	g.send("POST", g.url+"/register", "", metadata).want(t, 401, "invalid_token")
	g.send("POST", g.url+"/register", "nonsense", metadata).want(t, 401, "invalid_token")

	once, err := g.InitialAccessToken()
	if err != nil {
		t.Fatal(err)
	}
	g.send("POST", g.url+"/register", once, metadata).want(t, 201, "")
	g.send("POST", g.url+"/register", once, metadata).want(t, 401, "invalid_token")

	// Somebody signs in on their phone and thereby allows it.
	r := g.post("/device_authorization", "kiosk-device", url.Values{"scope": {"openid"}})
	if err := g.ApproveDevice(r.text("user_code"), "carol"); err != nil {
		t.Fatal(err)
	}
	tokens := g.post("/token", "kiosk-device", url.Values{"grant_type": {grantDevice}, "device_code": {r.text("device_code")}})
	tokens.want(t, 200, "")
	g.send("POST", g.url+"/register", tokens.text("access_token"), metadata).want(t, 201, "")
}

func TestARegistrationIsItsClientsOwn(t *testing.T) {
	g := start(t, Options{})
	first := g.send("POST", g.url+"/register", "", map[string]any{"client_name": "Locker"})
	other := g.send("POST", g.url+"/register", "", map[string]any{"client_name": "Other"})
	at, token := first.text("registration_client_uri"), first.text("registration_access_token")
	if at != g.url+"/register/"+first.text("client_id") || token == "" {
		t.Fatalf("%s", first.body)
	}
	g.send("GET", at, "", nil).want(t, 401, "invalid_token")
	g.send("GET", at, other.text("registration_access_token"), nil).want(t, 401, "invalid_token")
	if r := g.send("GET", at, token, nil); r.status != 200 || r.text("client_name") != "Locker" {
		t.Errorf("%d %s", r.status, r.body)
	}
	g.send("PUT", at, token, map[string]any{"client_id": other.text("client_id")}).want(t, 400, "invalid_client_metadata")
	changed := g.send("PUT", at, token, map[string]any{"client_id": first.text("client_id"), "client_name": "Locker 7"})
	if changed.status != 200 || changed.text("client_name") != "Locker 7" || changed.text("registration_access_token") == token {
		t.Fatalf("%d %s", changed.status, changed.body)
	}
	g.send("GET", at, token, nil).want(t, 401, "invalid_token") // replaced
	token = changed.text("registration_access_token")
	if r := g.send("DELETE", at, token, nil); r.status != 204 {
		t.Errorf("%d %s", r.status, r.body)
	}
	g.send("GET", at, token, nil).want(t, 401, "invalid_token")
}
