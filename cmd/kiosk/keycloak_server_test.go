//go:build keycloak

package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// These tests run the kiosk against a real Keycloak (scripts/keycloak/run.sh). They share one realm; each test has people
// and clients of its own.

// object is a JSON object of Keycloak's admin API.
type object = map[string]any

const (
	keycloakAPIScope    = "customer.read"
	keycloakAPIAudience = "https://customer-api.test/"
	keycloakPassword    = "a-password" // of every person
)

// keycloak is one realm and the administrator of the server.
type keycloak struct {
	url, keys, realm string
	phones           *phones
	client           *http.Client

	mu      sync.Mutex
	token   string // the administrator's
	renewed time.Time
}

// keycloakShop returns the realm that the tests share.
func keycloakShop(t *testing.T) *keycloak {
	t.Helper()
	k, err := sharedShop()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var sharedShop = sync.OnceValues(func() (*keycloak, error) {
	// Its own name, so that the tests can run again at a server that goes on (run.sh serve).
	k, err := newKeycloak("shop-" + strings.ToLower(rand.Text()[:6]))
	if err != nil {
		return nil, err
	}
	if k.phones, err = sharedPhones(); err != nil {
		return nil, err
	}
	file, err := os.ReadFile(filepath.Join("testdata", "keycloak", "realm.json"))
	if err != nil {
		return nil, err
	}
	var realm object
	if err := json.Unmarshal(file, &realm); err != nil {
		return nil, err
	}
	realm["realm"] = k.realm
	if _, err := k.call(http.MethodPost, "/admin/realms", realm); err != nil {
		return nil, err
	}
	// A list of client scopes in the file of the realm would replace the built-in ones.
	_, err = k.admin(http.MethodPost, "/client-scopes", object{
		"name": keycloakAPIScope, "protocol": "openid-connect", "attributes": object{"include.in.token.scope": "true"},
		"protocolMappers": []object{{
			"name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
			"config": object{"included.custom.audience": keycloakAPIAudience, "access.token.claim": "true", "id.token.claim": "false"},
		}},
	})
	return k, err
})

// newKeycloak returns a realm of the server, which need not exist yet, without phones.
func newKeycloak(realm string) (*keycloak, error) {
	k := &keycloak{url: os.Getenv("KEYCLOAK_URL"), keys: os.Getenv("KEYCLOAK_KEYS"), realm: realm}
	if k.url == "" {
		return nil, fmt.Errorf("no server: run make interop-keycloak")
	}
	ca, err := os.ReadFile(filepath.Join(k.keys, "ca.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	k.client = &http.Client{Timeout: limit, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	return k, nil
}

func (k *keycloak) issuer() string { return k.url + "/realms/" + k.realm }

// adminToken returns an access token of the administrator. It is valid for a minute.
func (k *keycloak) adminToken() (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.renewed) < 30*time.Second {
		return k.token, nil
	}
	resp, err := k.client.PostForm(k.url+"/realms/master/protocol/openid-connect/token", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {"admin"}, "password": {"admin"},
	})
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("administrator's token: status %d, %v", resp.StatusCode, err)
	}
	k.token, k.renewed = answer.Token, time.Now()
	return k.token, nil
}

// call calls the admin API and returns the body of the answer.
func (k *keycloak) call(method, path string, body any) ([]byte, error) {
	token, err := k.adminToken()
	if err != nil {
		return nil, err
	}
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(data)
	}
	q, err := http.NewRequest(method, k.url+path, content)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Content-Type", "application/json")
	resp, err := k.client.Do(q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	if at := resp.Header.Get("Location"); at != "" && len(answer) == 0 { // of what was made
		answer = []byte(at[strings.LastIndex(at, "/")+1:])
	}
	return answer, err
}

// admin calls the admin API of the realm.
func (k *keycloak) admin(method, path string, body any) ([]byte, error) {
	return k.call(method, "/admin/realms/"+k.realm+path, body)
}

// must is admin for calls that cannot fail.
func (k *keycloak) must(t *testing.T, method, path string, body any) []byte {
	t.Helper()
	answer, err := k.admin(method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// get reads from the admin API into v.
func (k *keycloak) get(t *testing.T, path string, v any) {
	t.Helper()
	if err := json.Unmarshal(k.must(t, http.MethodGet, path, nil), v); err != nil {
		t.Fatal(err)
	}
}

// person makes a person and returns the internal ID. change may change the representation.
func (k *keycloak) person(t *testing.T, name string, change ...func(object)) (id string) {
	t.Helper()
	p := object{
		"username": name, "enabled": true, "email": name + "@example.test", "emailVerified": true, "firstName": "Ada", "lastName": "Test",
		"credentials": []object{{"type": "password", "value": keycloakPassword, "temporary": false}},
	}
	for _, c := range change {
		c(p)
	}
	return string(k.must(t, http.MethodPost, "/users", p))
}

// clientSecret is the secret of clients that have one; form encoding changes it (RFC 6749, section 2.3.1).
const keycloakSecret = "p@ss w:rd/+%"

// newClient makes a client with a secret, CIBA and the API's scope, and returns its internal ID. change may change the
// representation.
func (k *keycloak) newClient(t *testing.T, clientID string, change ...func(client, attributes object)) (id string) {
	t.Helper()
	attributes := object{"oidc.ciba.grant.enabled": "true"}
	client := object{
		"clientId": clientID, "publicClient": false, "clientAuthenticatorType": "client-secret", "secret": keycloakSecret,
		"standardFlowEnabled": false, "directAccessGrantsEnabled": false, "attributes": attributes,
	}
	for _, c := range change {
		c(client, attributes)
	}
	id = string(k.must(t, http.MethodPost, "/clients", client))
	var scopes []struct{ ID, Name string }
	k.get(t, "/client-scopes", &scopes)
	for _, s := range scopes {
		if s.Name == keycloakAPIScope {
			k.must(t, http.MethodPut, "/clients/"+id+"/optional-client-scopes/"+s.ID, nil)
		}
	}
	return id
}

// sessions returns how many sessions of a client the server has.
func (k *keycloak) sessions(t *testing.T, clientID string) int {
	t.Helper()
	var answer struct{ Count int }
	k.get(t, "/clients/"+clientID+"/session-count", &answer)
	return answer.Count
}

// keycloakRig returns a device for a client with a secret.
func (k *keycloak) rig(t *testing.T, clientID string, settings ...string) *rig {
	t.Helper()
	r := &rig{t: t, tap: &recorder{}, dir: t.TempDir(), url: k.issuer()}
	r.state = filepath.Join(r.dir, "state")
	r.env = map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": r.dir, "TERM": "linux", "LANG": "C.UTF-8",
		"KIOSK_ISSUER": r.url, "KIOSK_CLIENT_ID": clientID, "KIOSK_CA_FILE": filepath.Join(k.keys, "ca.pem"),
		"KIOSK_CLIENT_SECRET_FILE": r.write("client-secret", keycloakSecret), "KIOSK_SCOPE": "openid profile " + keycloakAPIScope,
		"KIOSK_API_URL": k.phones.url + "/api/customer", "KIOSK_STATE_DIR": r.state, "KIOSK_SITE": "Test shop", "KIOSK_LOG_LEVEL": "debug",
	}
	r.tap.addSecret(keycloakSecret)
	r.write("kiosk.env", "# nothing: the environment has it all\n")
	for _, s := range settings {
		r.set(s)
	}
	return r
}
