//go:build interop

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestFirstCustomerAtAnIndependentServer does the same with npm oidc-provider (scripts/interop), a server of other
// authors.
func TestFirstCustomerAtAnIndependentServer(t *testing.T) {
	r := newDevice(t)
	r.url = os.Getenv("INTEROP_ISSUER")
	phone := func(method, path string) []byte {
		t.Helper()
		q, err := http.NewRequest(method, os.Getenv("INTEROP_CONTROL")+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v\n%s", path, answer.Status, err, body)
		}
		return body
	}
	r.write("kiosk.env", "KIOSK_ISSUER="+r.url+"\nKIOSK_BOOTSTRAP_CLIENT_ID=kiosk-bootstrap\nKIOSK_API_URL="+os.Getenv("INTEROP_CONTROL")+"/api/customer\n")
	const who = "frank" // no other test's
	r.provisionAndServe(t, site{
		signIn:  func(code string) { phone(http.MethodPost, "/approve?user=carol&user_code="+code) },
		who:     who,
		approve: func() { phone(http.MethodPost, "/approve?user="+who) },
		secrets: func() (all []string) {
			var requests []struct {
				ID string `json:"auth_req_id"`
			}
			if err := json.Unmarshal(phone(http.MethodGet, "/requests"), &requests); err != nil {
				t.Fatal(err)
			}
			for _, q := range requests {
				if q.ID != "" {
					all = append(all, q.ID)
				}
			}
			if len(all) == 0 {
				t.Error("the server knows of no request")
			}
			return all
		},
	})
	if !strings.Contains(r.file("kiosk.env"), "\nKIOSK_CLIENT_ID=") {
		t.Errorf("settings:\n%s", r.file("kiosk.env"))
	}
}
