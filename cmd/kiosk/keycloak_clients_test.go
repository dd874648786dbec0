//go:build keycloak

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keyPair makes a client's key: its PEM form, and the set of its public key as Keycloak keeps it.
func keyPair(t *testing.T) (private, public string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: key.Public(), Use: "sig", Algorithm: "ES256"}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint) // Keycloak finds the key by it
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk}})
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), string(set)
}

// signsWith makes a client authenticate by private_key_jwt.
func signsWith(public string) func(client, attributes object) {
	return func(client, attributes object) {
		client["clientAuthenticatorType"] = "client-jwt"
		delete(client, "secret")
		attributes["use.jwks.string"], attributes["jwks.string"] = "true", public
		attributes["token.endpoint.auth.signing.alg"] = "ES256"
	}
}

// checkedVisit plays an approved visit and checks that the server has no session left of the client with this internal ID.
func (k *keycloak) checkedVisit(t *testing.T, r *rig, who, client string) {
	t.Helper()
	visit := r.start("login", "--json", who)
	visit.phase("waiting")
	k.answer(t, who, keycloakApprove)
	checkLastLine(t, visit, 0, "shown", "")
	if n := k.sessions(t, client); n != 0 {
		t.Errorf("after the visit the server has %d sessions of this client", n)
	}
	r.checkState(t, keycloakSecret)
}

// TestClientAuthenticationAtKeycloak plays a visit for each way in which a client authenticates and binds its tokens. Where
// tokens are bound, UserInfo is the API, so that Keycloak judges the binding.
func TestClientAuthenticationAtKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloakShop(t)
	private, public := keyPair(t)
	userInfo := "KIOSK_API_URL=" + k.issuer() + "/protocol/openid-connect/userinfo"
	mtls := []string{"KIOSK_CLIENT_AUTH=tls_client_auth", "KIOSK_CLIENT_CERT_FILE=" + filepath.Join(k.keys, "mtls.pem"), "KIOSK_CLIENT_KEY_FILE=" + filepath.Join(k.keys, "mtls.key"), userInfo}
	for _, c := range []struct {
		name     string
		key      bool // the client has the key pair
		change   func(client, attributes object)
		settings []string
	}{
		{"secret-post", false, func(_, _ object) {}, []string{"KIOSK_CLIENT_AUTH=client_secret_post"}},
		{"key", true, func(_, _ object) {}, nil},
		{"signed", true, func(_, a object) { a["ciba.backchannel.auth.request.signing.alg"] = "ES256" }, []string{"KIOSK_SIGNED_REQUEST=true"}},
		{"dpop", true, func(_, a object) { a["dpop.bound.access.tokens"] = "true" }, []string{"KIOSK_DPOP=true", userInfo}},
		{"signed-dpop", true, func(_, a object) {
			a["dpop.bound.access.tokens"], a["ciba.backchannel.auth.request.signing.alg"] = "true", "ES256"
		}, []string{"KIOSK_DPOP=true", "KIOSK_SIGNED_REQUEST=true", userInfo}},
		{"mtls", false, func(c, a object) {
			c["clientAuthenticatorType"] = "client-x509"
			delete(c, "secret")
			a["x509.subjectdn"], a["tls.client.certificate.bound.access.tokens"] = "CN=kiosk-mtls", "true"
		}, mtls},
		{"es256-tokens", true, func(_, a object) { a["id.token.signed.response.alg"] = "ES256" }, nil},
	} {
		who := "person-" + c.name
		k.person(t, who)
		client := k.newClient(t, "kiosk-"+c.name, func(client, attributes object) {
			if c.key {
				signsWith(public)(client, attributes)
			}
			c.change(client, attributes)
		})
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := k.rig(t, "kiosk-"+c.name, c.settings...)
			if c.name != "secret-post" {
				delete(r.env, "KIOSK_CLIENT_SECRET_FILE")
			}
			if c.key {
				r.set("KIOSK_CLIENT_KEY_FILE=" + r.write("client.pem", private))
			}
			k.checkedVisit(t, r, who, client)
		})
	}
}

// TestPingsAtKeycloak: Keycloak's ping arrives, and the kiosk polls at once.
func TestPingsAtKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloakShop(t)
	at := os.Getenv("KEYCLOAK_PING")
	_, port, _ := net.SplitHostPort(at)
	k.person(t, "peggy")
	client := k.newClient(t, "kiosk-ping", func(_, a object) {
		a["ciba.backchannel.token.delivery.mode"] = "ping"
		a["ciba.backchannel.client.notification.endpoint"] = "https://localhost:" + port + "/ping"
	})
	r := k.rig(t, "kiosk-ping", "KIOSK_DELIVERY=ping", "KIOSK_PING_LISTEN="+at,
		"KIOSK_PING_CERT_FILE="+filepath.Join(k.keys, "ping.pem"), "KIOSK_PING_KEY_FILE="+filepath.Join(k.keys, "ping.key"))
	visit := r.start("login", "--json", "peggy")
	visit.phase("waiting")
	k.answer(t, "peggy", keycloakApprove)
	answered := time.Now()
	visit.phase("checking")
	// Without a ping the first poll leaves 15 s after the request.
	if took := time.Since(answered); took > 5*time.Second {
		t.Errorf("the tokens came %v after the ping", took)
	}
	checkLastLine(t, visit, 0, "shown", "")
	if n := k.sessions(t, client); n != 0 {
		t.Errorf("after the visit the server has %d sessions of this client", n)
	}
}
