package ciba

import (
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// provingKiosk authenticates by private_key_jwt and sends DPoP proofs: both are refused if sent twice.
func provingKiosk(t *testing.T, p *op) *Client {
	return p.kiosk(func(c *Config) {
		var err error
		c.Auth, err = oidc.NewClientAuth(oidc.AuthOptions{ClientID: clientID, Key: testKey(t), Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		c.DPoP = oidc.NewDPoP(c.Now)
	})
}

func TestPollOnStaleConnectionIsRepeatedWithFreshProofs(t *testing.T) {
	p := newOP(t)
	k := provingKiosk(t, p)
	p.play("/token", line{do: hangUp}, oops(400, "authorization_pending"), line{do: hangUp}, nonce(oops(400, "use_dpop_nonce"), "n1"),
		nonce(say(200, p.tokens(noon, obj{"token_type": "DPoP"})), "n1"))
	ask(t, k)
	if a := k.Poll(t.Context(), requestID); a.Verdict != kiosk.Pending {
		t.Fatalf("first poll: %+v", a)
	}
	if a := k.Poll(t.Context(), requestID); a.Verdict != kiosk.Granted {
		t.Fatalf("second poll: %+v", a)
	}
	polls := p.got("/token")
	if len(polls) != 5 {
		t.Fatalf("%d token requests, want 5", len(polls))
	}
	used := map[string]bool{}
	for _, r := range polls {
		for _, token := range []struct {
			text string
			key  any
		}{{r.header.Get("DPoP"), nil}, {r.form.Get("client_assertion"), testKey(t).Public()}} {
			jti, _ := claimsOf(t, token.text, token.key).Text("jti")
			if jti == "" || used[jti] {
				t.Errorf("jti %q is not new", jti)
			}
			used[jti] = true
		}
	}
	for i := 0; i < 4; i += 2 {
		if polls[i].from == polls[i+1].from {
			t.Errorf("token requests %d and %d share a connection", i, i+1)
		}
	}
	if n := len(p.got("/bc")); n != 1 {
		t.Errorf("%d backchannel requests, want 1", n)
	}
}

func TestPollOnNewConnectionIsNotRepeated(t *testing.T) {
	p := newOP(t)
	k := provingKiosk(t, p)
	ask(t, k)
	p.client.CloseIdleConnections()
	p.play("/token", line{do: hangUp})
	if a := k.Poll(t.Context(), requestID); a.Verdict != kiosk.Retryable || a.ServerReached {
		t.Errorf("%+v", a)
	}
	if n := len(p.got("/token")); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
}

func TestBackchannelRequestIsNeverRepeated(t *testing.T) {
	p := newOP(t)
	k := provingKiosk(t, p)
	p.play("/bc", line{do: hangUp})
	for want := 1; want <= 3; want++ {
		if _, err := k.Ask(t.Context(), alice); err == nil {
			t.Fatal("no error")
		}
		if n := len(p.got("/bc")); n != want {
			t.Fatalf("%d backchannel requests for %d calls", n, want)
		}
		k.Poll(t.Context(), requestID) // leaves a kept connection behind
	}
}

func TestUserInfoRequestOnStaleConnectionIsRepeatedWithAFreshProof(t *testing.T) {
	p := newOP(t)
	k := provingKiosk(t, p)
	ask(t, k)
	p.play("/token", say(200, p.tokens(noon, obj{"token_type": "DPoP"})))
	a := k.Poll(t.Context(), requestID)
	p.play("/me", line{do: hangUp}, say(200, `{"sub":"alice"}`))
	reply, err := k.getProtected(t.Context(), p.issuer+"/me", a.Tokens.Access)
	if err != nil || reply.Status != 200 {
		t.Fatalf("%+v, %v", reply, err)
	}
	requests := p.got("/me")
	if len(requests) != 2 || requests[0].header.Get("DPoP") == requests[1].header.Get("DPoP") {
		t.Errorf("%d requests, or a repeated proof", len(requests))
	}
}
