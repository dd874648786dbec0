package ciba

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestRevocation(t *testing.T) {
	both := kiosk.Tokens{Access: kiosk.Secret("acc"), Refresh: kiosk.Secret("ref"), ID: kiosk.Secret("id")}
	access := kiosk.Tokens{Access: kiosk.Secret("acc")}
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.Close()
	}
	for name, c := range map[string]struct {
		t    kiosk.Tokens
		l    line
		sent string
		want kiosk.Reason
	}{
		"refresh token first":    {both, say(200, ""), "token=ref&token_type_hint=refresh_token", kiosk.NoReason},
		"access token only":      {access, say(200, ""), "token=acc&token_type_hint=access_token", kiosk.NoReason},
		"long answer":            {access, say(200, strings.Repeat("x", 1<<20)), "token=acc&token_type_hint=access_token", kiosk.NoReason},
		"unsupported token type": {access, oops(400, "unsupported_token_type"), "token=acc&token_type_hint=access_token", kiosk.NoReason},
		"no tokens":              {kiosk.Tokens{}, say(200, ""), "", kiosk.NoReason},
		"unavailable":            {access, say(503, ""), "token=acc&token_type_hint=access_token", kiosk.Unreachable},
		"unknown client":         {access, oops(401, "invalid_client"), "token=acc&token_type_hint=access_token", kiosk.Misconfigured},
		"moved":                  {access, line{status: 307, header: map[string]string{"Location": "/elsewhere"}}, "token=acc&token_type_hint=access_token", kiosk.Unreachable},
		// First on the connection kept from discovery, then on a new one.
		"connection closed": {access, line{do: hangUp}, strings.Repeat("token=acc&token_type_hint=access_token", 2), kiosk.Unreachable},
	} {
		p := newOP(t)
		p.play("/revoke", c.l)
		err := p.kiosk(nil).Revoke(t.Context(), c.t)
		if got := kiosk.ReasonOf(err); got != c.want {
			t.Errorf("%s: %v", name, err)
		}
		var sent string
		for _, r := range p.got("/revoke") {
			sent += r.body
		}
		if sent != c.sent || len(p.got("/elsewhere")) != 0 {
			t.Errorf("%s: sent %q", name, sent)
		}
	}
}

func TestRevocationWithoutEndpoint(t *testing.T) {
	p := newOP(t)
	p.play(discoveryPath, say(200, p.document().with(obj{"revocation_endpoint": nil})))
	if err := p.kiosk(nil).Revoke(t.Context(), kiosk.Tokens{Access: kiosk.Secret("x")}); err != nil {
		t.Error(err)
	}
}
