//go:build interop

package app

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestUserCodesAtAnIndependentServer: CIBA Core, section 7.1.2.
func TestUserCodesAtAnIndependentServer(t *testing.T) {
	for _, c := range []struct {
		name     string
		client   string
		codes    []string
		want     kiosk.Reason
		requests int
	}{
		{"right", "kiosk-basic", []string{"4711"}, kiosk.NoReason, 2},
		{"wrong, then right", "kiosk-post", []string{"1174", "4711"}, kiosk.NoReason, 3},
		{"none", "kiosk-jwt", nil, kiosk.Refused, 1},
	} {
		log := new(bytes.Buffer)
		a := open(t, log, clientSettings(t, c.client)...)
		callProvider(t, "POST", "/auto?mode=approve&delay=1&user=dora")
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			since := time.Now()
			why, lines := visit(t, context.Background(), a, "dora", c.codes...)
			if why != c.want {
				t.Fatalf("reason %q: %+v\n%s", why, lines, log.String())
			}
			if requests, _ := arrivals(t, since, c.client, "dora"); len(requests) != c.requests {
				t.Errorf("%d requests, want %d: %+v", len(requests), c.requests, requests)
			}
		})
	}
}

// TestPingModeAtAnIndependentServer: the kiosk polls once, as soon as the person has answered (CIBA Core, section 10.2).
func TestPingModeAtAnIndependentServer(t *testing.T) {
	key, cert := testkit.Certificate(t, time.Hour)
	settings := append(clientSettings(t, "kiosk-ping"), "KIOSK_DELIVERY", "ping", "KIOSK_PING_LISTEN", os.Getenv("INTEROP_PING"),
		"KIOSK_PING_CERT_FILE", testkit.SecretFile(t, string(cert)), "KIOSK_PING_KEY_FILE", testkit.SecretFile(t, string(key)))
	for mode, want := range map[string]kiosk.Reason{"approve": kiosk.NoReason, "deny": kiosk.Declined} {
		t.Run(mode, func(t *testing.T) {
			var log bytes.Buffer
			a := open(t, &log, settings...)
			defer a.stopPings() // the next kiosk listens at the same address
			callProvider(t, "POST", "/auto?mode="+mode+"&delay=1&user=alice")
			since := time.Now()
			why, lines := visit(t, context.Background(), a, "alice")
			if why != want {
				t.Fatalf("reason %q: %+v\n%s", why, lines, log.String())
			}
			requests, polls := arrivals(t, since, "kiosk-ping", "alice")
			if len(requests) != 1 || len(polls) != 1 {
				t.Fatalf("%d requests and %d polls: %+v", len(requests), len(polls), polls)
			}
			if took := polls[0].Time.Sub(requests[0].Time); took > 3*time.Second {
				t.Errorf("polled %v after the request; the person took one second", took)
			}
		})
	}
}

// TestDeviceFlowAtAnIndependentServer: the tokens are issued to the device client (RFC 8628). The API accepts them until they
// are revoked (RFC 7009).
func TestDeviceFlowAtAnIndependentServer(t *testing.T) {
	ctx := context.Background()
	for who, want := range map[string]kiosk.Reason{"alice": kiosk.NoReason, "bob": kiosk.WrongPerson} {
		log := new(bytes.Buffer)
		a := open(t, log, append(clientSettings(t, "kiosk-basic"), "KIOSK_DEVICE_CLIENT_ID", "kiosk-device")...)
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			asked := time.Now()
			ack, err := a.client.Ask(ctx, kiosk.Request{Identifier: kiosk.Secret("alice"), Flow: kiosk.DeviceFlow})
			if err != nil {
				t.Fatal(err)
			}
			if got := a.client.Poll(ctx, ack.RequestID); got.Verdict != kiosk.Pending {
				t.Fatalf("before the approval: %+v", got)
			}
			callProvider(t, "POST", "/approve?user="+who+"&user_code="+ack.Grant.UserCode)
			time.Sleep(ack.Interval)
			got := a.client.Poll(ctx, ack.RequestID)
			if got.Verdict != kiosk.Granted {
				t.Fatalf("%+v\n%s", got, log.String())
			}
			_, err = a.client.Verify(ctx, got.Tokens, kiosk.Expectation{Identifier: kiosk.Secret("alice"), RequestID: ack.RequestID, ExpectedSubject: ack.ExpectedSubject, RequestedAt: asked})
			if r := kiosk.ReasonOf(err); r != want {
				t.Errorf("approval by %s for alice: %v", who, err)
			}
			if status := callAPI(t, got.Tokens); status != http.StatusOK {
				t.Errorf("the API answers %d", status)
			}
			if err := a.client.Revoke(ctx, got.Tokens); err != nil {
				t.Fatal(err)
			}
			if status := callAPI(t, got.Tokens); status != http.StatusUnauthorized {
				t.Errorf("the API answers %d to revoked tokens", status)
			}
		})
	}
}

// callAPI returns the status with which the API answers the tokens.
func callAPI(t *testing.T, tokens kiosk.Tokens) int {
	t.Helper()
	r, err := http.NewRequest("GET", os.Getenv("INTEROP_CONTROL")+"/api/customer", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+string(tokens.Access))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
