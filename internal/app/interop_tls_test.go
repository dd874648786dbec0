//go:build interop

package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// These visits run against the same server over TLS: client certificates, proofs of possession (the server requires a nonce
// in each), signed requests and resources. The server's UserInfo endpoint is the protected API, so that an independent
// implementation judges whether a token is bound to its holder.

// tlsArrivals returns what the provider received over TLS from one client. retried are the requests rejected for want of a nonce.
func tlsArrivals(t *testing.T, client string) (requests, polls, retried []arrival) {
	t.Helper()
	resp, err := http.Get(os.Getenv("INTEROP_TLS_CONTROL") + "/requests")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var all []arrival
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		switch {
		case a.Client != client:
		case a.Error == "use_dpop_nonce":
			retried = append(retried, a)
		case a.GrantType != "":
			polls = append(polls, a)
		default:
			requests = append(requests, a)
		}
	}
	return requests, polls, retried
}

func TestClientAuthenticationAtAnIndependentServer(t *testing.T) {
	issuer, keys := os.Getenv("INTEROP_TLS_ISSUER"), os.Getenv("INTEROP_TLS_KEYS")
	mtls := os.Getenv("INTEROP_TLS_MTLS") // requests client certificates, unlike the issuer's own addresses
	if issuer == "" {
		t.Fatal("no provider: run make interop")
	}
	resp, err := http.Post(os.Getenv("INTEROP_TLS_CONTROL")+"/auto?mode=approve&delay=0.2", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	secret := testkit.SecretFile(t, clientSecret)
	for _, c := range []struct {
		name, client string
		settings     []string
		nonces       bool // the first proof is rejected for want of a nonce
		title        string
		want         kiosk.Reason
	}{
		{"secret", "kiosk-post", []string{"KIOSK_CLIENT_AUTH", "client_secret_post", "KIOSK_CLIENT_SECRET_FILE", secret}, false, "Alice Anders", kiosk.NoReason},
		{"key", "kiosk-jwt", []string{"KIOSK_CLIENT_KEY_FILE", keys + "/kiosk-jwt.pem", "KIOSK_CLIENT_KEY_ID", "kiosk-jwt"}, false, "Alice Anders", kiosk.NoReason},
		{"resource", "kiosk-basic", []string{"KIOSK_CLIENT_SECRET_FILE", secret, "KIOSK_RESOURCE", "https://api.example/v1",
			"KIOSK_API_URL", os.Getenv("INTEROP_TLS_CONTROL") + "/api/customer"}, false, "Welcome, Alice", kiosk.NoReason},
		{"certificate", "kiosk-tls", []string{"KIOSK_CLIENT_AUTH", "tls_client_auth",
			"KIOSK_CLIENT_KEY_FILE", keys + "/kiosk-tls.pem", "KIOSK_CLIENT_CERT_FILE", keys + "/kiosk-tls.crt", "KIOSK_API_URL", mtls + "/me"}, false, "Alice Anders", kiosk.NoReason},
		{"self-signed certificate", "kiosk-self-signed", []string{"KIOSK_CLIENT_AUTH", "self_signed_tls_client_auth",
			"KIOSK_CLIENT_KEY_FILE", keys + "/kiosk-self-signed.pem", "KIOSK_CLIENT_CERT_FILE", keys + "/kiosk-self-signed.crt", "KIOSK_API_URL", mtls + "/me"}, false, "Alice Anders", kiosk.NoReason},
		{"DPoP with nonces", "kiosk-dpop", []string{"KIOSK_DPOP", "true", "KIOSK_CLIENT_SECRET_FILE", secret}, true, "Alice Anders", kiosk.NoReason},
		{"signed requests", "kiosk-signed", []string{"KIOSK_SIGNED_REQUEST", "true", "KIOSK_CLIENT_KEY_FILE", keys + "/kiosk-signed.pem", "KIOSK_CLIENT_KEY_ID", "ec"}, false, "Alice Anders", kiosk.NoReason},
		{"signed requests and DPoP", "kiosk-signed-rsa", []string{"KIOSK_SIGNED_REQUEST", "true", "KIOSK_DPOP", "true",
			"KIOSK_CLIENT_KEY_FILE", keys + "/kiosk-signed-rsa.pem", "KIOSK_CLIENT_KEY_ID", "rsa"}, true, "Alice Anders", kiosk.NoReason},
		{"unknown resource", "kiosk-basic", []string{"KIOSK_CLIENT_SECRET_FILE", secret, "KIOSK_RESOURCE", "https://other.example"}, false, "", kiosk.Misconfigured},
		// The server answers invalid_grant, as for an approval that was lost.
		{"DPoP missing", "kiosk-dpop", []string{"KIOSK_CLIENT_SECRET_FILE", secret}, false, "", kiosk.Unreachable},
	} {
		log := new(bytes.Buffer)
		a := open(t, log, append([]string{
			"KIOSK_ISSUER", issuer, "KIOSK_CA_FILE", keys + "/ca.crt", "KIOSK_CLIENT_ID", c.client, "KIOSK_API_URL", issuer + "/me",
		}, c.settings...)...)
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			why, lines := visit(t, context.Background(), a, "alice")
			if why != c.want {
				t.Fatalf("reason %q, want %q\n%+v\n%s", why, c.want, lines, log.String())
			}
			if c.want != kiosk.NoReason {
				return
			}
			if last := lines[len(lines)-1]; last.Result == nil || last.Result.Title != c.title {
				t.Errorf("shown: %+v", last.Result)
			}
			_, polls, retried := tlsArrivals(t, c.client)
			for i, p := range polls {
				if gap := p.Time.Sub(polls[max(i-1, 0)].Time); i > 0 && gap < 4900*time.Millisecond && p.AuthReqID == polls[i-1].AuthReqID {
					t.Errorf("poll %d came %v after the previous one", i+1, gap)
				}
			}
			if c.nonces != (len(retried) == 1) {
				t.Errorf("%d proofs were rejected for want of a nonce", len(retried))
			}
		})
	}
}
