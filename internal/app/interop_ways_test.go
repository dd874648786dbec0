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

// The same server once more, over TLS, for what needs it: certificates, proofs of
// possession, of which it wants every one with its nonce, signed requests, and
// resources. Its own UserInfo endpoint is the protected API, so that nobody here
// judges whether a token is tied to its holder.

// arrivedOver is what has come in over TLS from one client.
func arrivedOver(t *testing.T, client string) (requests, polls, turned []arrival) {
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
			turned = append(turned, a)
		case a.GrantType != "":
			polls = append(polls, a)
		default:
			requests = append(requests, a)
		}
	}
	return requests, polls, turned
}

func TestWaysInAgainstAnIndependentServer(t *testing.T) {
	issuer, keys := os.Getenv("INTEROP_TLS_ISSUER"), os.Getenv("INTEROP_TLS_KEYS")
	mtls := os.Getenv("INTEROP_TLS_MTLS") // asks for certificates, which the issuer's own addresses do not
	if issuer == "" {
		t.Fatal("there is no provider: run make interop")
	}
	resp, err := http.Post(os.Getenv("INTEROP_TLS_CONTROL")+"/auto?mode=approve&delay=0.2", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	secret := testkit.SecretFile(t, oddSecret)
	for _, c := range []struct {
		name, client string
		settings     []string
		nonces       bool // the first proof is turned away for one
		title        string
		want         kiosk.Reason
	}{
		{"a secret", "kiosk-post", []string{"KIOSK_CLIENT_AUTH", "client_secret_post", "KIOSK_CLIENT_SECRET_FILE", secret}, false, "Alice Anders", kiosk.NoReason},
		{"a key", "kiosk-jwt", []string{"KIOSK_CLIENT_KEY_FILE", keys + "/kiosk-jwt.pem"}, false, "Alice Anders", kiosk.NoReason},
		{"a resource", "kiosk-basic", []string{"KIOSK_CLIENT_SECRET_FILE", secret, "KIOSK_RESOURCE", "https://api.example/v1",
			"KIOSK_API_URL", os.Getenv("INTEROP_TLS_CONTROL") + "/api/customer"}, false, "Welcome, Alice", kiosk.NoReason},
		{"a certificate", "kiosk-tls", []string{"KIOSK_CLIENT_AUTH", "tls_client_auth",
			"KIOSK_CLIENT_KEY_FILE", keys + "/kiosk-tls.pem", "KIOSK_CLIENT_CERT_FILE", keys + "/kiosk-tls.crt", "KIOSK_API_URL", mtls + "/me"}, false, "Alice Anders", kiosk.NoReason},
		{"a self-signed certificate", "kiosk-self-signed", []string{"KIOSK_CLIENT_AUTH", "self_signed_tls_client_auth",
			"KIOSK_CLIENT_KEY_FILE", keys + "/kiosk-self-signed.pem", "KIOSK_CLIENT_CERT_FILE", keys + "/kiosk-self-signed.crt", "KIOSK_API_URL", mtls + "/me"}, false, "Alice Anders", kiosk.NoReason},
		{"proofs with nonces", "kiosk-dpop", []string{"KIOSK_DPOP", "true", "KIOSK_CLIENT_SECRET_FILE", secret}, true, "Alice Anders", kiosk.NoReason},
		{"signed requests", "kiosk-signed", []string{"KIOSK_SIGNED_REQUEST", "true", "KIOSK_CLIENT_KEY_FILE", keys + "/kiosk-signed.pem"}, false, "Alice Anders", kiosk.NoReason},
		{"all at once", "kiosk-signed-rsa", []string{"KIOSK_SIGNED_REQUEST", "true", "KIOSK_DPOP", "true",
			"KIOSK_CLIENT_KEY_FILE", keys + "/kiosk-signed-rsa.pem"}, true, "Alice Anders", kiosk.NoReason},
		{"a resource that is none", "kiosk-basic", []string{"KIOSK_CLIENT_SECRET_FILE", secret, "KIOSK_RESOURCE", "https://other.example"}, false, "", kiosk.Misconfigured},
		// It says invalid_grant, as for an approval that was lost on its way.
		{"no proof where one must be", "kiosk-dpop", []string{"KIOSK_CLIENT_SECRET_FILE", secret}, false, "", kiosk.Unreachable},
	} {
		log := new(bytes.Buffer)
		a := open(t, log, append([]string{
			"KIOSK_ISSUER", issuer, "KIOSK_CA_FILE", keys + "/ca.crt", "KIOSK_CLIENT_ID", c.client, "KIOSK_API_URL", issuer + "/me",
		}, c.settings...)...)
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			why, lines := visit(t, context.Background(), a, "alice")
			if why != c.want {
				t.Fatalf("ended for %q, want %q\n%+v\n%s", why, c.want, lines, log.String())
			}
			if c.want != kiosk.NoReason {
				return
			}
			if last := lines[len(lines)-1]; last.Result == nil || last.Result.Title != c.title {
				t.Errorf("shown: %+v", last.Result)
			}
			_, polls, turned := arrivedOver(t, c.client)
			for i, p := range polls {
				if gap := p.Time.Sub(polls[max(i-1, 0)].Time); i > 0 && gap < 4900*time.Millisecond && p.AuthReqID == polls[i-1].AuthReqID {
					t.Errorf("poll %d came %v after the one before", i+1, gap)
				}
			}
			if c.nonces != (len(turned) == 1) {
				t.Errorf("%d proofs were turned away for a nonce", len(turned))
			}
		})
	}
}
