//go:build interop

package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// These visits run against the npm package oidc-provider (scripts/interop), an independent server: it sends no interval,
// closes idle connections, and revokes the grant when an auth_req_id is used twice.

// clientSecret is the provider's client secret; form encoding changes it (RFC 6749, section 2.3.1).
const clientSecret = "p@ss w:rd/+%"

// arrival is a request that the provider received.
type arrival struct {
	Time      time.Time `json:"time"`
	Endpoint  string    `json:"endpoint"`
	Client    string    `json:"client_id"`
	Status    int       `json:"status"`
	Error     string    `json:"error"`
	AuthReqID string    `json:"auth_req_id"`
	GrantType string    `json:"grant_type"`
	User      string    `json:"user"`
	LoginHint string    `json:"login_hint"`
}

// callProvider calls the provider's control interface.
func callProvider(t *testing.T, method, path string) []byte {
	t.Helper()
	r, err := http.NewRequest(method, os.Getenv("INTEROP_CONTROL")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	b.ReadFrom(resp.Body)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s", path, resp.Status, b.String())
	}
	return b.Bytes()
}

// arrivals returns what the provider received since a moment from one client for one person; visits run in parallel.
func arrivals(t *testing.T, since time.Time, client, who string) (requests, polls []arrival) {
	t.Helper()
	var all []arrival
	if err := json.Unmarshal(callProvider(t, "GET", "/requests"), &all); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.GrantType == "" && a.Client == client && a.LoginHint == who && !a.Time.Before(since.Truncate(time.Millisecond)) {
			requests = append(requests, a)
		}
	}
	for _, a := range all {
		if a.GrantType != "" && slices.ContainsFunc(requests, func(r arrival) bool { return r.AuthReqID != "" && r.AuthReqID == a.AuthReqID }) {
			polls = append(polls, a)
		}
	}
	return requests, polls
}

func clientSettings(t *testing.T, client string) []string {
	s := []string{
		"KIOSK_ISSUER", os.Getenv("INTEROP_ISSUER"), "KIOSK_CLIENT_ID", client, "KIOSK_GUARD_PERSON", "100/10m",
		"KIOSK_API_URL", os.Getenv("INTEROP_CONTROL") + "/api/customer",
	}
	switch client {
	case "kiosk-jwt":
		return append(s, "KIOSK_CLIENT_KEY_FILE", os.Getenv("INTEROP_KEYS")+"/kiosk-jwt.pem", "KIOSK_CLIENT_KEY_ID", "kiosk-jwt") // as registered
	case "kiosk-post":
		s = append(s, "KIOSK_CLIENT_AUTH", "client_secret_post")
	}
	return append(s, "KIOSK_CLIENT_SECRET_FILE", testkit.SecretFile(t, clientSecret))
}

func TestVisitsAtAnIndependentServer(t *testing.T) {
	if os.Getenv("INTEROP_ISSUER") == "" {
		t.Fatal("no provider: run make interop")
	}
	for _, client := range []string{"kiosk-basic", "kiosk-post", "kiosk-jwt"} {
		for _, c := range []struct {
			name, who, mode string
			delay           int // seconds until the person answers
			expiry          string
			want            kiosk.Reason
		}{
			{"approved", "alice", "approve", 1, "60", kiosk.NoReason},
			{"approved after the connection went stale", "erin", "approve", 13, "60", kiosk.NoReason},
			{"declined", "carol", "deny", 1, "60", kiosk.Declined},
			{"no answer", "bob", "none", 0, "3", kiosk.Expired},
			{"unknown person", "nobody", "none", 0, "60", kiosk.Refused},
		} {
			if c.delay > 5 && client != "kiosk-jwt" {
				continue // it is slow: once is enough
			}
			log := new(bytes.Buffer)
			a := open(t, log, append(clientSettings(t, client), "KIOSK_REQUESTED_EXPIRY", c.expiry)...)
			callProvider(t, "POST", fmt.Sprintf("/auto?mode=%s&delay=%d&user=%s", c.mode, c.delay, c.who))
			t.Run(client+"/"+c.name, func(t *testing.T) {
				t.Parallel() // each person answers in one way only
				since := time.Now()
				why, lines := visit(t, context.Background(), a, c.who)
				if why != c.want {
					t.Fatalf("reason %q, want %q\n%+v\n%s", why, c.want, lines, log.String())
				}
				last := lines[len(lines)-1]
				if c.want == kiosk.NoReason && (last.Result == nil || !strings.EqualFold(last.Result.Title, "Welcome, "+c.who)) {
					t.Errorf("shown: %+v", last.Result)
				}
				requests, polls := arrivals(t, since, client, c.who)
				if len(requests) > 1 {
					t.Errorf("%d requests for one visit: %+v", len(requests), requests)
				}
				granted := false
				for i, p := range polls {
					if granted {
						t.Errorf("poll %d after the tokens", i+1)
					}
					granted = p.Status == http.StatusOK
					if gap := p.Time.Sub(polls[max(i-1, 0)].Time); i > 0 && gap < 4900*time.Millisecond {
						t.Errorf("poll %d came %v after the previous one", i+1, gap)
					}
				}
				if len(requests) == 1 && requests[0].Status == http.StatusOK && len(polls) > 0 && polls[0].Time.Sub(requests[0].Time) < 4900*time.Millisecond && c.expiry != "3" {
					t.Errorf("the first poll came %v after the request", polls[0].Time.Sub(requests[0].Time))
				}
			})
		}
	}
}

func TestWrongSecretAtAnIndependentServer(t *testing.T) {
	var log bytes.Buffer
	s := clientSettings(t, "kiosk-basic")
	s[len(s)-1] = testkit.SecretFile(t, "wrong")
	a := open(t, &log, s...)
	if why, lines := visit(t, context.Background(), a, "alice"); why != kiosk.Misconfigured {
		t.Fatalf("%s: %+v", why, lines)
	}
}
