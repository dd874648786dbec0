package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/providertest"
)

// sendMetadata sends client metadata with a bearer token.
func sendMetadata(g *providertest.Harness, method, address, token string, metadata map[string]any) providertest.Reply {
	g.T.Helper()
	body, err := json.Marshal(metadata)
	if err != nil {
		g.T.Fatal(err)
	}
	req, _ := http.NewRequest(method, address, strings.NewReader(string(body)))
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return g.Do(req)
}

func TestGuardedRegistration(t *testing.T) {
	g := providertest.Start(t, provider.Options{GuardRegistration: true})
	metadata := map[string]any{"client_name": "Locker"}
	sendMetadata(g, "POST", g.URL+"/register", "", metadata).Want(t, 401, "invalid_token")
	sendMetadata(g, "POST", g.URL+"/register", "nonsense", metadata).Want(t, 401, "invalid_token")

	once, err := g.InitialAccessToken()
	if err != nil {
		t.Fatal(err)
	}
	sendMetadata(g, "POST", g.URL+"/register", once, metadata).Want(t, 201, "")
	sendMetadata(g, "POST", g.URL+"/register", once, metadata).Want(t, 401, "invalid_token")

	// The access token of a person who signed in also allows a registration.
	r := g.Post("/device_authorization", "kiosk-device", url.Values{"scope": {"openid"}})
	if err := g.ApproveDevice(r.Text("user_code"), "carol"); err != nil {
		t.Fatal(err)
	}
	tokens := g.Post("/token", "kiosk-device", url.Values{"grant_type": {providertest.GrantDevice}, "device_code": {r.Text("device_code")}})
	tokens.Want(t, 200, "")
	sendMetadata(g, "POST", g.URL+"/register", tokens.Text("access_token"), metadata).Want(t, 201, "")
}

func TestRegistrationManagement(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	first := sendMetadata(g, "POST", g.URL+"/register", "", map[string]any{"client_name": "Locker"})
	other := sendMetadata(g, "POST", g.URL+"/register", "", map[string]any{"client_name": "Other"})
	at, token := first.Text("registration_client_uri"), first.Text("registration_access_token")
	if at != g.URL+"/register/"+first.Text("client_id") || token == "" {
		t.Fatalf("%s", first.Body)
	}
	sendMetadata(g, "GET", at, "", nil).Want(t, 401, "invalid_token")
	sendMetadata(g, "GET", at, other.Text("registration_access_token"), nil).Want(t, 401, "invalid_token")
	if r := sendMetadata(g, "GET", at, token, nil); r.Status != 200 || r.Text("client_name") != "Locker" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	sendMetadata(g, "PUT", at, token, map[string]any{"client_id": other.Text("client_id")}).Want(t, 400, "invalid_client_metadata")
	changed := sendMetadata(g, "PUT", at, token, map[string]any{"client_id": first.Text("client_id"), "client_name": "Locker 7"})
	if changed.Status != 200 || changed.Text("client_name") != "Locker 7" || changed.Text("registration_access_token") == token {
		t.Fatalf("%d %s", changed.Status, changed.Body)
	}
	sendMetadata(g, "GET", at, token, nil).Want(t, 401, "invalid_token") // replaced
	token = changed.Text("registration_access_token")
	if r := sendMetadata(g, "DELETE", at, token, nil); r.Status != 204 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	sendMetadata(g, "GET", at, token, nil).Want(t, 401, "invalid_token")
}
