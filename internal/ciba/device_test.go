package ciba

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// publishing changes the server's metadata.
func (p *op) publishing(changes obj) { p.play(discoveryPath, say(200, p.document().with(changes))) }

// A user code is sent only if the server publishes support, and once. The customer corrects a refused one (CIBA Core
// 7.1.2, 13).
func TestUserCodes(t *testing.T) {
	with := alice
	with.UserCode = kiosk.Secret("1234-canary")
	for name, c := range map[string]struct {
		published bool
		r         kiosk.Request
		l         line
		sent      string
		want      kiosk.RequiredInput
	}{
		"support published":               {true, with, say(200, goodAck), "1234-canary", kiosk.NothingRequired},
		"support not published":           {false, with, say(200, goodAck), "", kiosk.NothingRequired},
		"empty user code":                 {true, alice, say(200, goodAck), "", kiosk.NothingRequired},
		"missing":                         {true, alice, oops(400, "missing_user_code"), "", kiosk.UserCodeRequired},
		"wrong":                           {true, with, oops(400, "invalid_user_code"), "1234-canary", kiosk.UserCodeRequired},
		"missing, support not published":  {false, alice, oops(400, "missing_user_code"), "", kiosk.NothingRequired},
		"unknown person":                  {true, with, oops(400, "unknown_user_id"), "1234-canary", kiosk.NothingRequired},
		"expired token that was not sent": {true, alice, oops(400, "expired_login_hint_token"), "", kiosk.NothingRequired},
	} {
		p := newOP(t)
		p.publishing(obj{"backchannel_user_code_parameter_supported": c.published})
		p.play("/bc", c.l)
		var log notebook
		_, err := p.kiosk(func(k *Config) { k.Log = log.logger() }).Ask(t.Context(), c.r)
		if got := kiosk.RequiredInputOf(err); got != c.want || err != nil && kiosk.ReasonOf(err) != kiosk.Refused {
			t.Errorf("%s: wants %d: %v", name, got, err)
		}
		got := p.got("/bc")
		if len(got) != 1 || got[0].form.Get("user_code") != c.sent || c.sent == "" && got[0].form.Has("user_code") {
			t.Errorf("%s: %d requests, sent %q", name, len(got), got[0].body)
		}
		if s := log.String() + fmt.Sprint(err); strings.Contains(s, "1234-canary") {
			t.Errorf("%s: the user code is in %s", name, s)
		}
	}
}

func hintToken(claims string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"ES256"}`)) + "." + e([]byte(claims)) + ".c2ln"
}

// A scanned login hint token is sent unchanged. The person whom it names must approve; nothing else in it is trusted.
func TestLoginHintTokens(t *testing.T) {
	p := newOP(t)
	own := fmt.Sprintf(`"iss":%q`, p.issuer)
	mail := obj{"sub": "u-17", "email": "alice@example.org", "email_verified": true}
	for name, c := range map[string]struct {
		token  string
		change func(*Config)
		id     obj
		want   kiosk.Reason
	}{
		"same sub":                           {`{"sub":"alice"}`, nil, nil, kiosk.NoReason},
		"same sub, this issuer":              {`{"sub":"alice",` + own + `}`, nil, nil, kiosk.NoReason},
		"another sub":                        {`{"sub":"alice"}`, nil, obj{"sub": "bob", "preferred_username": "alice"}, kiosk.WrongPerson},
		"sub of another issuer":              {`{"sub":"alice","iss":"https://wallet.example"}`, nil, nil, kiosk.Refused},
		"email from another issuer":          {`{"sub":"x","iss":"https://wallet.example","email":"Alice@example.org"}`, nil, mail, kiosk.NoReason},
		"email not verified":                 {`{"email":"alice@example.org"}`, nil, obj{"email": "alice@example.org"}, kiosk.Untrusted},
		"sub_id":                             {`{"sub_id":{"format":"email","email":"alice@example.org"}}`, nil, mail, kiosk.NoReason},
		"sub_id, iss_sub":                    {`{"sub_id":{"format":"iss_sub","sub":"alice",` + own + `}}`, nil, nil, kiosk.NoReason},
		"sub_id, another issuer":             {`{"sub_id":{"format":"iss_sub","sub":"alice","iss":"https://x.example"}}`, nil, nil, kiosk.Refused},
		"sub_id, unknown format":             {`{"sub_id":{"format":"opaque","id":"alice"}}`, nil, nil, kiosk.Refused},
		"no person":                          {`{"jti":"1"}`, nil, nil, kiosk.Refused},
		"duplicate sub":                      {`{"sub":"alice","sub":"bob"}`, nil, nil, kiosk.Refused},
		"sub is a number":                    {`{"sub":7}`, nil, nil, kiosk.Refused},
		"configured claim":                   {`{"sub":"bob","member":"C-1"}`, func(c *Config) { c.SubjectClaim = "member" }, obj{"member": "C-1"}, kiosk.NoReason},
		"configured claim of another person": {`{"sub":"alice","member":"C-1"}`, func(c *Config) { c.SubjectClaim = "member" }, obj{"member": "C-2"}, kiosk.WrongPerson},
		"configured claim missing":           {`{"sub":"alice"}`, func(c *Config) { c.SubjectClaim = "member" }, nil, kiosk.Refused},
		"check switched off":                 {`{"jti":"1"}`, func(c *Config) { c.SubjectClaim = "none" }, obj{"sub": "bob"}, kiosk.NoReason},
		"identifier is an email":             {`{"sub":"alice"}`, func(c *Config) { c.Identifier = "email" }, nil, kiosk.NoReason},
		"lookup configured":                  {`{"sub":"alice"}`, func(c *Config) { c.LookupURL = p.issuer + "/lookup" }, nil, kiosk.NoReason},
	} {
		before := len(p.got("/bc"))
		k := p.kiosk(c.change)
		token := hintToken(c.token)
		ack, err := k.Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret(token), Code: "K7-4F9Q"})
		asked := p.got("/bc")[before:]
		if c.want == kiosk.Refused {
			wantReason(t, err, kiosk.Refused)
			if len(asked) != 0 {
				t.Errorf("%s: a request was sent although the approver cannot be checked", name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f := asked[0].form; f.Get("login_hint_token") != token || f.Has("login_hint") || f.Has("id_token_hint") {
			t.Errorf("%s: sent %s", name, asked[0].body)
		}
		for _, expect := range []kiosk.Secret{ack.ExpectedSubject, nil} { // also where the record has none
			tokens := kiosk.Tokens{Access: kiosk.Secret("the-access-token"), ID: kiosk.Secret(p.idToken(noon, c.id))}
			a := askedFor(expect)
			a.Identifier = kiosk.Secret(token)
			_, err = k.Verify(t.Context(), tokens, a)
			if got := kiosk.ReasonOf(err); got != c.want {
				t.Errorf("%s: %v, want %v: %v", name, got, c.want, err)
			}
		}
	}
	if n := len(p.got("/lookup")); n != 0 {
		t.Errorf("%d requests to the lookup", n)
	}
	p.play("/bc", oops(400, "expired_login_hint_token"))
	_, err := p.kiosk(nil).Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret(hintToken(`{"sub":"alice"}`)), Code: "K7-4F9Q"})
	if kiosk.RequiredInputOf(err) != kiosk.FreshHintRequired {
		t.Errorf("expired token: %v", err)
	}
}

const deviceClient = "kiosk-device"

var onSecond = kiosk.Request{Identifier: kiosk.Secret("alice"), Flow: kiosk.DeviceFlow}

// second returns a server with the device grant, and a client that is configured for it.
func second(t *testing.T) (*op, *Client) {
	p := newOP(t)
	p.publishing(obj{"device_authorization_endpoint": p.issuer + "/device"})
	p.play("/device", say(200, p.grant(nil)))
	return p, p.kiosk(func(c *Config) { c.DeviceClientID = deviceClient })
}

func (p *op) grant(changes obj) obj {
	return obj{"device_code": "the-device-code", "user_code": "WDJB-MJHT", "verification_uri": p.issuer + "/d",
		"verification_uri_complete": p.issuer + "/d?user_code=WDJB-MJHT", "expires_in": 300, "interval": 7}.with(changes)
}

// The device flow has a public client, one request, polls by device_code, and revocation by the client of the tokens
// (RFC 8628 3.1 to 3.5).
func TestDeviceFlow(t *testing.T) {
	p, k := second(t)
	ack, err := k.Ask(t.Context(), onSecond)
	if err != nil {
		t.Fatal(err)
	}
	want := kiosk.Grant{Address: p.issuer + "/d", Complete: p.issuer + "/d?user_code=WDJB-MJHT", UserCode: "WDJB-MJHT"}
	if ack.Grant != want || ack.Expires != 5*time.Minute || ack.Interval != 7*time.Second {
		t.Errorf("%+v", ack)
	}
	r := p.got("/device")
	if len(r) != 1 || len(p.got("/bc")) != 0 || r[0].header.Get("Authorization") != "" ||
		r[0].body != (url.Values{"client_id": {deviceClient}, "scope": {"openid profile"}}).Encode() {
		t.Fatalf("%d requests: %+v", len(r), r)
	}
	p.play("/token", say(200, p.tokens(noon, obj{"id_token": p.idToken(noon, obj{"aud": deviceClient})})))
	a := k.Poll(t.Context(), ack.RequestID)
	if a.Verdict != kiosk.Granted || a.Tokens.Client != deviceClient {
		t.Fatalf("%+v", a)
	}
	poll := p.got("/token")[0]
	if poll.body != (url.Values{"client_id": {deviceClient}, "device_code": {"the-device-code"}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}}).Encode() || poll.header.Get("Authorization") != "" {
		t.Errorf("polled with %s", poll.body)
	}
	if _, err := k.Verify(t.Context(), a.Tokens, kiosk.Expectation{Identifier: onSecond.Identifier, RequestID: ack.RequestID, ExpectedSubject: ack.ExpectedSubject, RequestedAt: noon}); err != nil {
		t.Error(err)
	}
	if err := k.Revoke(t.Context(), a.Tokens); err != nil {
		t.Error(err)
	}
	if r := p.got("/revoke"); len(r) != 1 || r[0].form.Get("client_id") != deviceClient || r[0].header.Get("Authorization") != "" {
		t.Errorf("revoked with %+v", r)
	}
}

// Anybody can open the address, so the approver must be the identified person and the token must be for the device
// flow's client.
func TestDeviceFlowNeedsIdentifiedPerson(t *testing.T) {
	p, k := second(t)
	ack, err := k.Ask(t.Context(), onSecond)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		claims obj
		want   kiosk.Reason
	}{
		"another person":                          {obj{"aud": deviceClient, "sub": "bob"}, kiosk.WrongPerson},
		"issued to the other client":              {obj{"aud": clientID}, kiosk.Untrusted},
		"issued before the request":               {obj{"aud": deviceClient, "iat": noon.Add(-time.Hour).Unix()}, kiosk.Untrusted},
		"another issuer":                          {obj{"aud": deviceClient, "iss": "https://x.example"}, kiosk.Untrusted},
		"identified person":                       {obj{"aud": deviceClient}, kiosk.NoReason},
		"identified person by preferred_username": {obj{"aud": deviceClient, "sub": "u-17", "preferred_username": "Alice"}, kiosk.NoReason},
	} {
		tokens := kiosk.Tokens{Access: kiosk.Secret("the-access-token"), ID: kiosk.Secret(p.idToken(noon, c.claims)), Client: deviceClient}
		_, err := k.Verify(t.Context(), tokens, kiosk.Expectation{Identifier: onSecond.Identifier, RequestID: ack.RequestID, ExpectedSubject: ack.ExpectedSubject, RequestedAt: noon})
		if got := kiosk.ReasonOf(err); got != c.want {
			t.Errorf("%s: %v, want %v: %v", name, got, c.want, err)
		}
	}
	// A token of the device flow is not accepted in the backchannel flow.
	first := ask(t, k)
	_, err = k.Verify(t.Context(), kiosk.Tokens{Access: kiosk.Secret("the-access-token"), ID: kiosk.Secret(p.idToken(noon, obj{"aud": deviceClient}))}, askedFor(first.ExpectedSubject))
	wantReason(t, err, kiosk.Untrusted)
}

func TestReadGrant(t *testing.T) {
	p, k := second(t)
	long := strings.Repeat("x", maxRequestID)
	for name, c := range map[string]struct {
		l    line
		want kiosk.Reason
	}{
		"without the complete address":           {say(200, p.grant(obj{"verification_uri_complete": nil})), kiosk.NoReason},
		"without interval":                       {say(200, p.grant(obj{"interval": nil})), kiosk.NoReason},
		"no device_code":                         {say(200, p.grant(obj{"device_code": nil})), kiosk.Untrusted},
		"device_code with a space":               {say(200, p.grant(obj{"device_code": "a b"})), kiosk.Untrusted},
		"device_code too long":                   {say(200, p.grant(obj{"device_code": long})), kiosk.Untrusted},
		"no user_code":                           {say(200, p.grant(obj{"user_code": nil})), kiosk.Untrusted},
		"user_code with an escape sequence":      {say(200, p.grant(obj{"user_code": "\x1b[2J"})), kiosk.Untrusted},
		"user_code too long":                     {say(200, p.grant(obj{"user_code": strings.Repeat("W", 33)})), kiosk.Untrusted},
		"no verification_uri":                    {say(200, p.grant(obj{"verification_uri": nil})), kiosk.Untrusted},
		"verification_uri without https":         {say(200, p.grant(obj{"verification_uri": "http://shop.example/d"})), kiosk.Untrusted},
		"verification_uri is a script":           {say(200, p.grant(obj{"verification_uri_complete": "javascript:alert(1)"})), kiosk.Untrusted},
		"verification_uri with a direction mark": {say(200, p.grant(obj{"verification_uri": p.issuer + "/\u202egpj"})), kiosk.Untrusted},
		"no expiry":                              {say(200, p.grant(obj{"expires_in": nil})), kiosk.Untrusted},
		"expiry 0":                               {say(200, p.grant(obj{"expires_in": 0})), kiosk.Untrusted},
		"not JSON":                               {say(200, "hello"), kiosk.Untrusted},
		"unknown client":                         {oops(401, "invalid_client"), kiosk.Misconfigured},
		"server unavailable":                     {oops(503, "temporarily_unavailable"), kiosk.Unreachable},
		"HTML page":                              {say(502, "<html>"), kiosk.Unreachable},
	} {
		p.play("/device", c.l)
		ack, err := k.Ask(t.Context(), onSecond)
		if got := kiosk.ReasonOf(err); got != c.want {
			t.Errorf("%s: %v: %v", name, got, err)
		}
		if err == nil && (ack.Grant.Complete == "" || ack.Interval < 5*time.Second) {
			t.Errorf("%s: %+v", name, ack)
		}
	}
	bare := newOP(t)
	_, err := bare.kiosk(func(c *Config) { c.DeviceClientID = deviceClient }).Ask(t.Context(), onSecond)
	wantReason(t, err, kiosk.Misconfigured)
	if _, err = bare.kiosk(nil).Ask(t.Context(), onSecond); len(bare.got("/bc")) != 0 {
		t.Error("the device flow was used without a client for it")
	}
	wantReason(t, err, kiosk.Misconfigured)
}

// FuzzGrant: every accepted answer can be displayed.
func FuzzGrant(f *testing.F) {
	f.Add([]byte(`{"device_code":"c","user_code":"WDJB-MJHT","verification_uri":"https://id.example/d","expires_in":300}`))
	f.Add([]byte(`{"device_code":"c","user_code":"\u001b","verification_uri":"javascript:1","expires_in":-1,"interval":1e99}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		ack, err := readGrant(body)
		if err != nil {
			return
		}
		for _, s := range []string{ack.Grant.Address, ack.Grant.Complete, ack.Grant.UserCode} {
			if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("displayed: %q", s)
			}
		}
		if ack.Expires <= 0 || ack.Interval < time.Second || len(ack.RequestID) <= len(deviceMark) {
			t.Errorf("%+v", ack)
		}
	})
}
