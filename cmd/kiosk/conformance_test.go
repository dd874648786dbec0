package main

import (
	"encoding/json"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// TestRefreshTokenWithASpace has a server whose refresh token contains blanks, which RFC 6749 A.17 allows. The visit ends with
// the result, and the token is revoked.
func TestRefreshTokenWithASpace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("approve", 0, "")
	r.faults(faults.Fault{At: "token", Kind: "set", On: "success", Value: json.RawMessage(`{"refresh_token":"two words & more"}`)})
	c := r.start("login", "--json", "alice")
	r.checkOutcome(t, c, shown)
	if n := r.count("revocation"); n != 1 {
		t.Errorf("%d revocations, want 1", n)
	}
}
