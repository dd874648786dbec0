package devserver

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fault sets the one fault there is, from JSON as a script would.
func (g *rig) fault(list string) {
	g.t.Helper()
	resp, err := http.Post(g.url+"/dev/faults", "application/json", strings.NewReader("["+list+"]"))
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		body, _ := io.ReadAll(resp.Body)
		g.t.Fatalf("fault refused: %s", body)
	}
}

// unsigned reads the parts of a token without checking it.
func unsigned(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a token: %q", token)
	}
	for i, into := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(raw, into) != nil {
			t.Fatalf("part %d of the token is not JSON", i)
		}
	}
	return header, claims
}

func TestFaultsOfWholeAnswers(t *testing.T) {
	cut := func(r reply) bool { return errors.Is(r.err, io.ErrUnexpectedEOF) || errors.Is(r.err, io.EOF) }
	for kind, check := range map[string]func(reply) bool{
		`"kind":"status","value":418,"body":"tea","headers":{"X-Pot":"1"}`: func(r reply) bool {
			return r.status == 418 && string(r.body) == "tea" && r.header.Get("X-Pot") == "1"
		},
		`"kind":"drop"`:           func(r reply) bool { return r.status == 0 && cut(r) },
		`"kind":"truncate"`:       func(r reply) bool { return r.status == 200 && cut(r) && len(r.body) > 0 },
		`"kind":"garbage"`:        func(r reply) bool { return r.status == 200 && !json.Valid(r.body) },
		`"kind":"not_json"`:       func(r reply) bool { return r.status == 200 && bytes.HasPrefix(r.body, []byte("<html>")) },
		`"kind":"huge"`:           func(r reply) bool { return len(r.body) > defaultHuge && json.Valid(r.body) && r.text("issuer") != "" },
		`"kind":"huge","value":9`: func(r reply) bool { return r.text("padding") == "xxxxxxxxx" },
		`"kind":"redirect","value":"https://elsewhere.invalid/"`: func(r reply) bool {
			return r.status == 307 && r.header.Get("Location") == "https://elsewhere.invalid/"
		},
		`"kind":"retry_after","value":7`: func(r reply) bool { return r.status == 503 && r.header.Get("Retry-After") == "7" },
		`"kind":"error","value":"odd","status":403,"description":"a\u001b[2J"`: func(r reply) bool {
			return r.status == 403 && r.text("error") == "odd" && r.text("error_description") == "a\x1b[2J"
		},
		`"kind":"server_error"`:                        func(r reply) bool { return r.status == 500 },
		`"kind":"slow","value":0.001`:                  func(r reply) bool { return r.status == 200 && r.text("issuer") != "" },
		`"kind":"duplicate_member"`:                    func(r reply) bool { return bytes.Count(r.body, []byte(`"issuer"`)) == 2 },
		`"kind":"duplicate_member","value":"jwks_uri"`: func(r reply) bool { return bytes.Count(r.body, []byte(`"jwks_uri"`)) == 2 },
		`"kind":"case_folded_member"`:                  func(r reply) bool { return bytes.Contains(r.body, []byte(`"ISSUER"`)) },
		`"kind":"extra_member"`:                        func(r reply) bool { return bytes.Contains(r.body, []byte(`"x_number":1e400`)) },
		`"kind":"deep_nesting"`:                        func(r reply) bool { return bytes.Count(r.body, []byte("[")) >= 20000 },
		`"kind":"set","value":{"a":1,"jwks_uri":null}`: func(r reply) bool { return r.json["a"] == 1.0 && r.json["jwks_uri"] == nil },
		`"kind":"wrong_issuer"`:                        func(r reply) bool { return r.text("issuer") == "https://elsewhere.invalid" },
		`"kind":"http_endpoint"`:                       func(r reply) bool { return strings.HasPrefix(r.text("token_endpoint"), "http://elsewhere") },
		`"kind":"no_backchannel_endpoint"`:             func(r reply) bool { return r.status == 200 && r.json["backchannel_authentication_endpoint"] == nil },
		`"kind":"status","value":503,"on":"success"`:   func(r reply) bool { return r.status == 503 },
		`"kind":"status","on":"authorization_pending"`: func(r reply) bool { return r.status == 200 },
	} {
		t.Run(kind, func(t *testing.T) {
			g := start(t, Options{})
			g.fault(`{"at":"discovery",` + kind + `}`)
			if r := g.get("/.well-known/openid-configuration", ""); !check(r) {
				t.Errorf("%d %v %.200s %v", r.status, r.header, r.body, r.err)
			}
		})
	}
}

func TestFaultsOfTheAcknowledgement(t *testing.T) {
	for kind, want := range map[string][2]any{
		"no_expires": {"expires_in", nil}, "expires_string": {"expires_in", "120"}, "expires_huge": {"expires_in", 1e18},
		"no_auth_req_id": {"auth_req_id", nil}, "no_interval": {"interval", nil}, "interval_zero": {"interval", 0.0},
		"interval_huge": {"interval", 1e10}, "interval_string": {"interval", "5"}, "interval_float": {"interval", 5.5},
	} {
		t.Run(kind, func(t *testing.T) {
			g := start(t, Options{})
			g.fault(`{"at":"bc","kind":"` + kind + `"}`)
			r := g.post("/bc-authorize", "kiosk-basic", url.Values{"scope": {"openid"}, "login_hint": {"alice"}})
			if r.status != 200 || r.json[want[0].(string)] != want[1] {
				t.Errorf("%d %s", r.status, r.body)
			}
			g.post("/bc-authorize", "kiosk-basic", nil).want(t, 400, "invalid_scope") // refusals stay as they are
		})
	}
}

func TestFaultsOfTokens(t *testing.T) {
	type m = map[string]any
	for kind, check := range map[string]func(g *rig, r reply, header, claims m) bool{
		`"no_id_token"`:        func(g *rig, r reply, h, c m) bool { return r.json["id_token"] == nil && r.text("access_token") != "" },
		`"wrong_token_type"`:   func(g *rig, r reply, h, c m) bool { return r.text("token_type") == "MAC" },
		`"no_token_type"`:      func(g *rig, r reply, h, c m) bool { return r.json["token_type"] == nil },
		`"scope_reduced"`:      func(g *rig, r reply, h, c m) bool { return r.text("scope") == "openid" },
		`"wrong_issuer"`:       func(g *rig, r reply, h, c m) bool { return c["iss"] == "https://elsewhere.invalid" },
		`"wrong_audience"`:     func(g *rig, r reply, h, c m) bool { return c["aud"] == "another-client" },
		`"extra_audience"`:     func(g *rig, r reply, h, c m) bool { return len(c["aud"].([]any)) == 2 && c["azp"] == nil },
		`"wrong_azp"`:          func(g *rig, r reply, h, c m) bool { return c["azp"] == "another-client" },
		`"expired"`:            func(g *rig, r reply, h, c m) bool { return c["exp"].(float64) == c["iat"].(float64)-600 },
		`"no_exp"`:             func(g *rig, r reply, h, c m) bool { return c["exp"] == nil },
		`"no_iat"`:             func(g *rig, r reply, h, c m) bool { return c["iat"] == nil },
		`"old_iat"`:            func(g *rig, r reply, h, c m) bool { return c["iat"] == float64(g.clock.now().Unix()-3600) },
		`"old_iat","value":90`: func(g *rig, r reply, h, c m) bool { return c["iat"] == float64(g.clock.now().Unix()-90) },
		`"future_iat"`:         func(g *rig, r reply, h, c m) bool { return c["iat"] == float64(g.clock.now().Unix()+3600) },
		`"no_sub"`:             func(g *rig, r reply, h, c m) bool { return c["sub"] == nil },
		`"wrong_person"`: func(g *rig, r reply, h, c m) bool {
			return c["sub"] == "u-bob" && g.get("/userinfo", r.text("access_token")).text("sub") == "u-bob"
		},
		`"wrong_person","value":"carol"`: func(g *rig, r reply, h, c m) bool { return c["sub"] == "u-carol" },
		`"wrong_at_hash"`:                func(g *rig, r reply, h, c m) bool { return c["at_hash"] != leftHalf(r.text("access_token")) },
		`"no_at_hash"`:                   func(g *rig, r reply, h, c m) bool { return c["at_hash"] == nil },
		`"wrong_auth_req_id"`: func(g *rig, r reply, h, c m) bool {
			return len(c["urn:openid:params:jwt:claim:auth_req_id"].(string)) == 43
		},
		`"unknown_kid"`: func(g *rig, r reply, h, c m) bool { return h["kid"] == "unknown-key" },
		`"crit_header"`: func(g *rig, r reply, h, c m) bool { return h["crit"] != nil && h["alg"] == "ES256" },
		`"alg_none"`: func(g *rig, r reply, h, c m) bool {
			return h["alg"] == "none" && strings.HasSuffix(r.text("id_token"), ".")
		},
		`"hs256_with_public_key"`:               func(g *rig, r reply, h, c m) bool { return h["alg"] == "HS256" },
		`"wrong_acr"`:                           func(g *rig, r reply, h, c m) bool { return c["acr"] == "urn:devserver:acr:other" },
		`"no_acr"`:                              func(g *rig, r reply, h, c m) bool { return c["acr"] == nil },
		`"control_characters"`:                  func(g *rig, r reply, h, c m) bool { return strings.Contains(c["name"].(string), "\x1b[2J") },
		`"claims","value":{"email":null,"x":7}`: func(g *rig, r reply, h, c m) bool { return c["email"] == nil && c["x"] == 7.0 && c["name"] != nil },
		`"bad_signature"`:                       func(g *rig, r reply, h, c m) bool { return c["sub"] == "u-alice" },
		`"unpublished_key"`:                     func(g *rig, r reply, h, c m) bool { return c["sub"] == "u-alice" },
	} {
		t.Run(kind, func(t *testing.T) {
			g := start(t, Options{})
			g.fault(`{"at":"token","times":1,"kind":` + kind + `}`)
			id := g.ask("kiosk-basic", "alice", "acr_values", "gold")
			g.poll("kiosk-basic", id).want(t, 400, "authorization_pending") // does not use the fault up
			g.Approve("alice", "")
			r := g.poll("kiosk-basic", id)
			var h, c m
			if token := r.text("id_token"); token != "" {
				h, c = unsigned(t, token)
				keys := g.get("/jwks", "").body
				good := verifies(token, keys)
				bad := strings.Contains("bad_signature unpublished_key unknown_kid crit_header alg_none hs256_with_public_key", strings.Split(kind, `"`)[1])
				if good == bad {
					t.Errorf("signature good: %v", good)
				}
			}
			if r.status != 200 || !check(g, r, h, c) {
				t.Errorf("%d %s\n%v\n%v", r.status, r.body, h, c)
			}
			if left := g.Faults(); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
			if r := g.visit(); r.status != 200 || !verifies(r.text("id_token"), g.get("/jwks", "").body) {
				t.Error("the next visit is disturbed as well")
			}
		})
	}
}

func TestFaultsOfKeys(t *testing.T) {
	g := start(t, Options{})
	r := g.visit()
	g.fault(`{"at":"jwks","kind":"unknown_key_types"}`)
	if body := string(g.get("/jwks", "").body); !strings.Contains(body, `"AKP"`) || !strings.Contains(body, `"X25519"`) || !json.Valid([]byte(body)) {
		t.Errorf("%s", body)
	}
	g.fault(`{"at":"jwks","kind":"many_keys","value":300}`)
	if body := g.get("/jwks", "").body; bytes.Count(body, []byte(`"kid"`)) != 301 {
		t.Errorf("%d keys", bytes.Count(body, []byte(`"kid"`)))
	}
	g.fault(`{"at":"jwks","kind":"rotate","times":1}`)
	before := g.get("/jwks", "").body
	after := g.visit().text("id_token")
	if verifies(after, before) || !verifies(after, g.get("/jwks", "").body) {
		t.Error("the new key signs nothing, or was published before its time")
	}
	if !verifies(r.text("id_token"), g.get("/jwks", "").body) {
		t.Error("the old key is gone")
	}
	g.fault(`{"at":"jwks","kind":"rotate","value":"forget","times":1}`)
	g.get("/jwks", "")
	if verifies(after, g.get("/jwks", "").body) {
		t.Error("the old key is still published")
	}
}

func TestFaultsOfTheCustomerAPI(t *testing.T) {
	g := start(t, Options{})
	token := g.visit().text("access_token")
	for kind, check := range map[string]func(reply) bool{
		"unauthorized": func(r reply) bool { return r.status == 401 && r.header.Get("WWW-Authenticate") != "" },
		"forbidden":    func(r reply) bool { return r.status == 403 && r.text("error") == "insufficient_scope" },
		"server_error": func(r reply) bool { return r.status == 500 },
		"not_json":     func(r reply) bool { return r.json == nil },
		"control_characters": func(r reply) bool {
			return strings.Contains(r.text("title"), "\u009b31m\u202e") && json.Valid(r.body)
		},
	} {
		g.fault(`{"at":"api","kind":"` + kind + `"}`)
		if r := g.get("/api/customer", token); !check(r) {
			t.Errorf("%s: %d %s", kind, r.status, r.body)
		}
	}
}

func TestAnAnswerLostOnTheWayIsStillAnAnswer(t *testing.T) {
	g := start(t, Options{})
	g.fault(`{"at":"token","kind":"drop","on":"success","times":1},{"at":"bc","kind":"drop","times":1}`)
	if r := g.post("/bc-authorize", "kiosk-basic", url.Values{"scope": {"openid"}, "login_hint": {"alice"}}); r.err == nil {
		t.Fatal("the connection was not dropped")
	}
	if len(g.cards("alice", tongues["en"])) != 0 {
		t.Error("a request dropped before it was read rings the phone")
	}
	id := g.ask("kiosk-basic", "alice")
	g.poll("kiosk-basic", id).want(t, 400, "authorization_pending") // not what the fault waits for
	g.Approve("alice", "")
	if r := g.poll("kiosk-basic", id); r.err == nil {
		t.Fatal("the connection was not dropped")
	}
	g.poll("kiosk-basic", id).want(t, 400, "invalid_grant") // redeemed, though nobody got the tokens
}

func TestFaultsTakeTurns(t *testing.T) {
	g := start(t, Options{})
	g.fault(`{"at":"token","kind":"slow_down","times":1,"after":1},{"at":"token","kind":"status","value":503,"times":2,"after":2}`)
	id := g.ask("kiosk-basic", "alice")
	for i, want := range []int{400, 400, 503, 503, 400} {
		g.clock.pass(30 * time.Second / 2)
		r := g.poll("kiosk-basic", id)
		if r.status != want || (i == 1) != (r.text("error") == "slow_down") {
			t.Errorf("poll %d: %d %s", i, r.status, r.body)
		}
		if i == 2 {
			if left := g.Faults(); len(left) != 1 || left[0].Times != 1 {
				t.Errorf("left after poll 2: %v", left)
			}
		}
	}
}

func TestAUserCodeCanBeDemanded(t *testing.T) {
	g := start(t, Options{})
	g.fault(`{"at":"bc","kind":"user_code","value":"4711"}`)
	form := url.Values{"scope": {"openid"}, "login_hint": {"alice"}}
	g.post("/bc-authorize", "kiosk-basic", form).want(t, 400, "missing_user_code")
	form.Set("user_code", "1")
	g.post("/bc-authorize", "kiosk-basic", form).want(t, 400, "invalid_user_code")
	g.ask("kiosk-basic", "alice", "user_code", "4711")
}

func TestHangingAndSlownessUnderVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{Issuer: "http://op.example"})
		if err != nil {
			t.Fatal(err)
		}
		call := func(limit time.Duration) (*recorder, time.Duration) {
			ctx, cancel := contextWithTimeout(t, limit)
			defer cancel()
			req := httptest.NewRequestWithContext(ctx, "GET", "http://op.example/jwks", nil)
			w, begin := &recorder{header: http.Header{}}, time.Now()
			func() {
				defer func() { w.panicked = recover() }()
				s.Handler().ServeHTTP(w, req)
			}()
			return w, time.Since(begin)
		}
		s.SetFaults([]Fault{{At: "jwks", Kind: "slow", Value: json.RawMessage("2.5"), Times: 1}, {At: "jwks", Kind: "hang"}})
		if w, took := call(time.Hour); w.status != 200 || took != 2500*time.Millisecond {
			t.Errorf("slow: %d after %v", w.status, took)
		}
		if w, took := call(time.Minute); w.status != 0 || took != time.Minute || w.panicked != http.ErrAbortHandler {
			t.Errorf("hang: %d after %v, %v", w.status, took, w.panicked)
		}
		time.AfterFunc(time.Second, s.Close)
		if _, took := call(time.Hour); took != time.Second {
			t.Errorf("closing the server ended a hanging answer after %v", took)
		}
	})
}

func TestSenselessFaultsAreRefusedInASentence(t *testing.T) {
	g := start(t, Options{})
	g.fault(`{"at":"bc","kind":"drop"}`)
	for body, word := range map[string]string{
		`[{"at":"moon","kind":"drop"}]`:                        "no place",
		`[{"at":"bc","kind":"sulk"}]`:                          "no kind",
		`[{"at":"bc","kind":"no_exp"}]`:                        "no kind",
		`[{"at":"bc","kind":"status","value":"x"}]`:            "whole number",
		`[{"at":"bc","kind":"slow","value":-1}]`:               "number from",
		`[{"at":"bc","kind":"error"}]`:                         "given as text",
		`[{"at":"bc","kind":"set","value":3}]`:                 "JSON object",
		`[{"at":"bc","kind":"drop","times":-1}]`:               "negative",
		`[{"at":"bc","kind":"drop","colour":"red"}]`:           "unknown field",
		`[{"at":"token","kind":"no_exp","on":"success"}]`:      "does not go",
		`[{"at":"token","kind":"wrong_person","value":"eve"}]`: "no such person",
		`{}`:   "JSON list",
		`[] x`: "follows",
	} {
		resp, err := http.Post(g.url+"/dev/faults", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 400 || !strings.Contains(string(text), word) {
			t.Errorf("%s: %d %s", body, resp.StatusCode, text)
		}
	}
	if left := g.Faults(); len(left) != 1 || left[0].Kind != "drop" {
		t.Errorf("a refused list changed the faults: %v", left)
	}
}

func TestEveryKindOfFaultIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range faultKinds {
		works := map[step]bool{instead: k.change != nil, rewrite: k.change != nil, throttle: k.change == nil, holding: k.change == nil, mint: k.early != nil || k.late != nil}
		if !works[k.step] || k.about == "" {
			t.Errorf("%s: does nothing at its step, or says nothing about itself", k.name)
		}
		for _, place := range append(strings.Fields(k.places), "") {
			if key := k.name + " " + place; place != "" || k.places == "" {
				if seen[key] {
					t.Errorf("%s is there twice", key)
				}
				seen[key] = true
			}
		}
	}
	if len(Kinds()) != len(faultKinds) {
		t.Error("Kinds does not list them all")
	}
}

func FuzzFaultList(f *testing.F) {
	f.Add([]byte(`[{"at":"bc","kind":"status","value":500}]`))
	f.Add([]byte(`[{"at":"token","kind":"claims","value":{"a":null}}]`))
	s, err := New(Options{Issuer: "http://op.example"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var list []Fault
		if json.Unmarshal(body, &list) != nil {
			return
		}
		if err := s.SetFaults(list); err == nil && len(s.Faults()) != len(list) {
			t.Error("an accepted list is not kept")
		}
	})
}
