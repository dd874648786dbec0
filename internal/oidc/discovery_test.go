package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestNewDiscoveryRejectsIssuers(t *testing.T) {
	for issuer, ok := range map[string]bool{
		"https://op.example":                   true,
		"https://op.example/":                  true,
		"https://op.example:8443/shops":        true,
		"http://localhost:8765":                true,
		"http://127.0.0.1:8765/":               true,
		"http://[::1]:8765":                    true,
		"":                                     false,
		"op.example":                           false,
		"http://op.example":                    false,
		"http://127.0.0.1.example":             false,
		"http://localhost.example":             false,
		"http://10.0.0.1":                      false,
		"ftp://op.example":                     false,
		"https://":                             false,
		"https://user:pw@op.example":           false,
		"https://op.example?tenant=1":          false,
		"https://op.example#x":                 false,
		"https://op.example/a b":               false,
		"https://op.example/\x00":              false,
		"https://op.example/\nX: y":            false,
		"https://" + strings.Repeat("a", 2048): false,
	} {
		_, err := NewDiscovery(issuer, NewTransport(TransportOptions{}), time.Now)
		if (err == nil) != ok {
			t.Errorf("%.60q: error %v, want ok %v", issuer, err, ok)
		}
		if err != nil && kiosk.ReasonOf(err) != kiosk.Misconfigured {
			t.Errorf("%.60q: reason %v", issuer, kiosk.ReasonOf(err))
		}
	}
}

func TestDiscoveryTriesBothAddresses(t *testing.T) {
	const (
		oidcPath  = "/.well-known/openid-configuration"
		oauthPath = "/.well-known/oauth-authorization-server"
	)
	for name, c := range map[string]struct{ suffix, at string }{
		"a bare issuer":                    {"", oidcPath},
		"a slash at the end, as Auth0 has": {"/", oidcPath},
		"a path":                           {"/realms/shop", "/realms/shop" + oidcPath},
		"a path and a slash at the end":    {"/realms/shop/", "/realms/shop" + oidcPath},
		"OAuth only":                       {"", oauthPath},
		"OAuth only, a path":               {"/realms/shop", oauthPath + "/realms/shop"},
		"OAuth only, a path, slash at end": {"/realms/shop/", oauthPath + "/realms/shop"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			issuer := s.URL + c.suffix
			s.put(c.at, document(issuer, s.URL, nil))
			d, err := NewDiscovery(issuer, NewTransport(TransportOptions{}), func() time.Time { return noon })
			if err != nil {
				t.Fatal(err)
			}
			m, err := d.Get(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if m.Issuer != issuer || m.Endpoint(Token, false) != s.URL+"/token" {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestDiscoveryFaults(t *testing.T) {
	issuer := "https://op.example"
	for name, c := range map[string]struct {
		changes map[string]any
		reason  kiosk.Reason // NoReason: no error
		says    string
	}{
		"good":                           {nil, kiosk.NoReason, ""},
		"optional members absent":        {map[string]any{"userinfo_endpoint": nil, "revocation_endpoint": nil, "backchannel_token_delivery_modes_supported": nil}, kiosk.NoReason, ""},
		"no CIBA":                        {map[string]any{"backchannel_authentication_endpoint": nil}, kiosk.NoReason, ""}, // package ciba rejects it
		"unknown members":                {map[string]any{"x": map[string]any{"y": 1}}, kiosk.NoReason, ""},
		"lists of the wrong type":        {map[string]any{"scopes_supported": "openid", "grant_types_supported": 7}, kiosk.NoReason, ""},
		"ID token algorithms as null":    {map[string]any{"id_token_signing_alg_values_supported": json.RawMessage("null")}, kiosk.NoReason, ""},
		"ID token algorithms as text":    {map[string]any{"id_token_signing_alg_values_supported": "PS256"}, kiosk.Misconfigured, "id_token_signing_alg_values_supported"},
		"ID token algorithms and more":   {map[string]any{"id_token_signing_alg_values_supported": []any{"PS256", 7}}, kiosk.Misconfigured, "id_token_signing_alg_values_supported"},
		"issuer with another slash":      {map[string]any{"issuer": issuer + "/"}, kiosk.Misconfigured, "slash"},
		"issuer in capitals":             {map[string]any{"issuer": "https://OP.example"}, kiosk.Misconfigured, "KIOSK_ISSUER"},
		"another issuer":                 {map[string]any{"issuer": "https://evil.example"}, kiosk.Misconfigured, "KIOSK_ISSUER"},
		"no issuer":                      {map[string]any{"issuer": nil}, kiosk.Misconfigured, "KIOSK_ISSUER"},
		"issuer as a list":               {map[string]any{"issuer": []string{issuer}}, kiosk.Misconfigured, "KIOSK_ISSUER"},
		"no token endpoint":              {map[string]any{"token_endpoint": nil}, kiosk.Misconfigured, "token_endpoint"},
		"no keys":                        {map[string]any{"jwks_uri": nil}, kiosk.Misconfigured, "jwks_uri"},
		"token endpoint without TLS":     {map[string]any{"token_endpoint": "http://op.example/token"}, kiosk.Misconfigured, "https"},
		"token endpoint on this machine": {map[string]any{"token_endpoint": "http://localhost/token"}, kiosk.Misconfigured, "https"},
		"backchannel endpoint relative":  {map[string]any{"backchannel_authentication_endpoint": "/bc"}, kiosk.Misconfigured, "backchannel_authentication_endpoint"},
		"keys from a file":               {map[string]any{"jwks_uri": "file:///etc/passwd"}, kiosk.Misconfigured, "jwks_uri"},
		"UserInfo without TLS":           {map[string]any{"userinfo_endpoint": "http://op.example/me"}, kiosk.NoReason, ""},
		"registration without TLS":       {map[string]any{"registration_endpoint": "http://op.example/me"}, kiosk.NoReason, ""},
		"endpoint that is a number":      {map[string]any{"token_endpoint": 5}, kiosk.Misconfigured, "token_endpoint"},
		"alias without TLS":              {map[string]any{"mtls_endpoint_aliases": map[string]any{"token_endpoint": "http://mtls.example/token"}}, kiosk.NoReason, ""}, // package ciba rejects it
	} {
		t.Run(name, func(t *testing.T) {
			m, err := parseMetadata([]byte(document(issuer, issuer, c.changes)), issuer)
			if c.reason == kiosk.NoReason {
				if err != nil || m == nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			if !errors.As(err, new(metadataError)) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("says %q, want %q in it", err, c.says)
			}
		})
	}
}

func TestDiscoveryRejectsResponses(t *testing.T) {
	const path = "/.well-known/openid-configuration"
	for name, c := range map[string]struct {
		code int
		body string
		want kiosk.Reason
	}{
		"nothing at either address": {404, "", kiosk.Misconfigured},
		"forbidden at both":         {403, "", kiosk.Misconfigured},
		"server down":               {503, "", kiosk.Unreachable},
		"too many requests":         {429, "", kiosk.Unreachable},
		"a redirect":                {302, "", kiosk.Unreachable},
		"an HTML page":              {200, "<html>", kiosk.Unreachable},
		"a duplicate name":          {200, `{"issuer":"a","issuer":"b"}`, kiosk.Unreachable},
		"an empty object":           {200, `{}`, kiosk.Misconfigured},
		"more than a mebibyte":      {200, `{"x":"` + strings.Repeat("x", MaxDocument) + `"}`, kiosk.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			for _, p := range []string{path, "/.well-known/oauth-authorization-server"} {
				s.put(p, c.body)
				s.setStatus(p, c.code)
			}
			d, _ := NewDiscovery(s.URL, NewTransport(TransportOptions{}), func() time.Time { return noon })
			_, err := d.Get(context.Background())
			if kiosk.ReasonOf(err) != c.want {
				t.Errorf("reason %v (%v), want %v", kiosk.ReasonOf(err), err, c.want)
			}
			if s.count("/elsewhere") != 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

func TestMetadataIsCachedForADay(t *testing.T) {
	s := newServer(t)
	const path = "/.well-known/openid-configuration"
	s.put(path, document(s.URL, s.URL, nil))
	now := testkit.NewClock(noon)
	d, _ := NewDiscovery(s.URL, NewTransport(TransportOptions{}), now.Now)
	get := func(want int) *Metadata {
		t.Helper()
		m, err := d.Get(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if got := s.count(path); got != want {
			t.Fatalf("asked %d times, want %d", got, want)
		}
		return m
	}
	if d.Cached() != nil {
		t.Error("cached before the first request")
	}
	get(1)
	now.Advance(23 * time.Hour)
	get(1)

	// A day later the server fails: the last good copy stays in use, with one attempt a minute.
	now.Advance(2 * time.Hour)
	s.setStatus(path, 500)
	if m := get(2); m.Issuer != s.URL {
		t.Error("the last good copy is gone")
	}
	if d.RefreshError() == nil {
		t.Error("RefreshError is nil")
	}
	now.Advance(30 * time.Second)
	get(2)

	// A document of another issuer does not replace it either.
	now.Advance(time.Minute)
	s.setStatus(path, 200)
	s.put(path, document("https://evil.example", s.URL, nil))
	if m := get(3); m.Issuer != s.URL {
		t.Error("a foreign document replaced the good one")
	}
	if m, err := d.Refresh(context.Background()); kiosk.ReasonOf(err) != kiosk.Misconfigured || m == nil {
		t.Errorf("checking the device says %v", err)
	}

	now.Advance(time.Minute)
	s.put(path, document(s.URL, s.URL, map[string]any{"token_endpoint": s.URL + "/moved"}))
	if d.Cached().Endpoint(Token, false) != s.URL+"/token" {
		t.Error("the endpoint moved without a request")
	}
	if m := get(5); m.Endpoint(Token, false) != s.URL+"/moved" || d.RefreshError() != nil {
		t.Error("the new document is not in use")
	}

	// A clock that was set back must not keep a copy in use for ever.
	now.Advance(-1000 * time.Hour)
	get(6)
}

func TestConcurrentCallersShareOneDiscovery(t *testing.T) {
	s := newServer(t)
	const path = "/.well-known/openid-configuration"
	s.put(path, document(s.URL, s.URL, nil))
	d, _ := NewDiscovery(s.URL, NewTransport(TransportOptions{}), func() time.Time { return noon })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := d.Get(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.count(path); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestWaitingForDiscoveryCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The network is down: dialling never ends.
		transport := NewTransport(TransportOptions{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		d, _ := NewDiscovery("https://op.example", transport, time.Now)
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := d.Get(context.Background())
			if took := time.Since(start); kiosk.ReasonOf(err) != kiosk.Unreachable || took != dialTimeout {
				t.Errorf("the first gave up after %v: %v", took, err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_, err := d.Get(ctx)
			if took := time.Since(start); kiosk.ReasonOf(err) != kiosk.Unreachable || took != time.Second {
				t.Errorf("the second gave up after %v: %v", took, err)
			}
		})
		wg.Wait()
	})
}

func TestMTLSEndpointAliases(t *testing.T) {
	m, err := parseMetadata([]byte(document("https://op.example", "https://op.example", map[string]any{
		"mtls_endpoint_aliases": map[string]any{"token_endpoint": "https://mtls.op.example/token"},
	})), "https://op.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		e    Endpoint
		mtls bool
		want string
	}{
		{Token, true, "https://mtls.op.example/token"},
		{Token, false, "https://op.example/token"},
		{Backchannel, true, "https://op.example/bc"}, // has no alias
		{Device, true, ""},
	} {
		if got := m.Endpoint(c.e, c.mtls); got != c.want {
			t.Errorf("%s, certificate %v: %q, want %q", c.e, c.mtls, got, c.want)
		}
	}
}

func TestMalformedEndpointsCountAsAbsent(t *testing.T) {
	const issuer = "https://op.example"
	m, err := parseMetadata([]byte(document(issuer, issuer, map[string]any{
		"userinfo_endpoint": "http://op.example/me",
		"mtls_endpoint_aliases": map[string]any{
			"token_endpoint": "http://op.example/token", "revocation_endpoint": "https://mtls.op.example/revoke",
		},
	})), issuer)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		e    Endpoint
		mtls bool
		want string
		bad  bool
	}{
		{UserInfo, false, "", true},
		{UserInfo, true, "", true},
		{Token, false, issuer + "/token", false},
		{Token, true, issuer + "/token", true},
		{Revocation, false, issuer + "/revoke", false},
		{Revocation, true, "https://mtls.op.example/revoke", false},
		{Registration, false, "", false},
	} {
		if got, bad := m.Endpoint(c.e, c.mtls), m.EndpointError(c.e, c.mtls); got != c.want || (bad != nil) != c.bad {
			t.Errorf("%s, certificate %v: %q, %v", c.e, c.mtls, got, bad)
		}
	}
}
