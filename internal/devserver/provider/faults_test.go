package provider_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/providertest"
)

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

func TestAnswerFaults(t *testing.T) {
	cut := func(r providertest.Reply) bool {
		return errors.Is(r.Err, io.ErrUnexpectedEOF) || errors.Is(r.Err, io.EOF)
	}
	for kind, check := range map[string]func(providertest.Reply) bool{
		`"kind":"status","value":418,"body":"tea","headers":{"X-Pot":"1"}`: func(r providertest.Reply) bool {
			return r.Status == 418 && string(r.Body) == "tea" && r.Header.Get("X-Pot") == "1"
		},
		`"kind":"drop"`:     func(r providertest.Reply) bool { return r.Status == 0 && cut(r) },
		`"kind":"truncate"`: func(r providertest.Reply) bool { return r.Status == 200 && cut(r) && len(r.Body) > 0 },
		`"kind":"garbage"`:  func(r providertest.Reply) bool { return r.Status == 200 && !json.Valid(r.Body) },
		`"kind":"not_json"`: func(r providertest.Reply) bool { return r.Status == 200 && bytes.HasPrefix(r.Body, []byte("<html>")) },
		`"kind":"huge"`: func(r providertest.Reply) bool {
			return len(r.Body) > 8<<20 && json.Valid(r.Body) && r.Text("issuer") != ""
		},
		`"kind":"huge","value":9`: func(r providertest.Reply) bool { return r.Text("padding") == "xxxxxxxxx" },
		`"kind":"redirect","value":"https://elsewhere.invalid/"`: func(r providertest.Reply) bool {
			return r.Status == 307 && r.Header.Get("Location") == "https://elsewhere.invalid/"
		},
		`"kind":"retry_after","value":7`: func(r providertest.Reply) bool { return r.Status == 503 && r.Header.Get("Retry-After") == "7" },
		`"kind":"error","value":"odd","status":403,"description":"a\u001b[2J"`: func(r providertest.Reply) bool {
			return r.Status == 403 && r.Text("error") == "odd" && r.Text("error_description") == "a\x1b[2J"
		},
		`"kind":"server_error"`:                        func(r providertest.Reply) bool { return r.Status == 500 },
		`"kind":"slow","value":0.001`:                  func(r providertest.Reply) bool { return r.Status == 200 && r.Text("issuer") != "" },
		`"kind":"duplicate_member"`:                    func(r providertest.Reply) bool { return bytes.Count(r.Body, []byte(`"issuer"`)) == 2 },
		`"kind":"duplicate_member","value":"jwks_uri"`: func(r providertest.Reply) bool { return bytes.Count(r.Body, []byte(`"jwks_uri"`)) == 2 },
		`"kind":"case_folded_member"`:                  func(r providertest.Reply) bool { return bytes.Contains(r.Body, []byte(`"ISSUER"`)) },
		`"kind":"extra_member"`:                        func(r providertest.Reply) bool { return bytes.Contains(r.Body, []byte(`"x_number":1e400`)) },
		`"kind":"deep_nesting"`:                        func(r providertest.Reply) bool { return bytes.Count(r.Body, []byte("[")) >= 20000 },
		`"kind":"set","value":{"a":1,"jwks_uri":null}`: func(r providertest.Reply) bool { return r.JSON["a"] == 1.0 && r.JSON["jwks_uri"] == nil },
		`"kind":"wrong_issuer"`:                        func(r providertest.Reply) bool { return r.Text("issuer") == "https://elsewhere.invalid" },
		`"kind":"http_endpoint"`: func(r providertest.Reply) bool {
			return strings.HasPrefix(r.Text("token_endpoint"), "http://elsewhere")
		},
		`"kind":"no_backchannel_endpoint"`: func(r providertest.Reply) bool {
			return r.Status == 200 && r.JSON["backchannel_authentication_endpoint"] == nil
		},
		`"kind":"status","value":503,"on":"success"`:   func(r providertest.Reply) bool { return r.Status == 503 },
		`"kind":"status","on":"authorization_pending"`: func(r providertest.Reply) bool { return r.Status == 200 },
	} {
		t.Run(kind, func(t *testing.T) {
			g := providertest.Start(t, provider.Options{})
			g.SetFault(`{"at":"discovery",` + kind + `}`)
			if r := g.Get("/.well-known/openid-configuration", ""); !check(r) {
				t.Errorf("%d %v %.200s %v", r.Status, r.Header, r.Body, r.Err)
			}
		})
	}
}

func TestAcknowledgementFaults(t *testing.T) {
	for kind, want := range map[string][2]any{
		"no_expires": {"expires_in", nil}, "expires_string": {"expires_in", "120"}, "expires_huge": {"expires_in", 1e18},
		"no_auth_req_id": {"auth_req_id", nil}, "no_interval": {"interval", nil}, "interval_zero": {"interval", 0.0},
		"interval_huge": {"interval", 1e10}, "interval_string": {"interval", "5"}, "interval_float": {"interval", 5.5},
	} {
		t.Run(kind, func(t *testing.T) {
			g := providertest.Start(t, provider.Options{})
			g.SetFault(`{"at":"bc","kind":"` + kind + `"}`)
			r := g.Post("/bc-authorize", "kiosk-basic", url.Values{"scope": {"openid"}, "login_hint": {"alice"}})
			if r.Status != 200 || r.JSON[want[0].(string)] != want[1] {
				t.Errorf("%d %s", r.Status, r.Body)
			}
			g.Post("/bc-authorize", "kiosk-basic", nil).Want(t, 400, "invalid_scope") // errors stay unchanged
		})
	}
}

func TestTokenFaults(t *testing.T) {
	type m = map[string]any
	for kind, check := range map[string]func(g *providertest.Harness, r providertest.Reply, header, claims m) bool{
		`"no_id_token"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return r.JSON["id_token"] == nil && r.Text("access_token") != ""
		},
		`"wrong_token_type"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return r.Text("token_type") == "MAC" },
		`"no_token_type"`:    func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return r.JSON["token_type"] == nil },
		`"scope_reduced"`:    func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return r.Text("scope") == "openid" },
		`"wrong_issuer"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return c["iss"] == "https://elsewhere.invalid"
		},
		`"wrong_audience"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return c["aud"] == "another-client" },
		`"extra_audience"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return len(c["aud"].([]any)) == 2 && c["azp"] == nil
		},
		`"wrong_azp"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return c["azp"] == "another-client" },
		`"expired"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return c["exp"].(float64) == c["iat"].(float64)-600
		},
		`"no_exp"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return c["exp"] == nil },
		`"no_iat"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return c["iat"] == nil },
		`"old_iat"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return c["iat"] == float64(g.Clock.Now().Unix()-3600)
		},
		`"old_iat","value":90`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return c["iat"] == float64(g.Clock.Now().Unix()-90)
		},
		`"future_iat"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return c["iat"] == float64(g.Clock.Now().Unix()+3600)
		},
		`"no_sub"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return c["sub"] == nil },
		`"wrong_person"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return c["sub"] == "u-bob" && g.Get("/userinfo", r.Text("access_token")).Text("sub") == "u-bob"
		},
		`"wrong_person","value":"carol"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return c["sub"] == "u-carol" },
		`"wrong_at_hash"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return c["at_hash"] != provider.TokenHash(r.Text("access_token"))
		},
		`"no_at_hash"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return c["at_hash"] == nil },
		`"wrong_auth_req_id"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return len(c["urn:openid:params:jwt:claim:auth_req_id"].(string)) == 43
		},
		`"unknown_kid"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return h["kid"] == "unknown-key" },
		`"crit_header"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return h["crit"] != nil && h["alg"] == "ES256"
		},
		`"alg_none"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return h["alg"] == "none" && strings.HasSuffix(r.Text("id_token"), ".")
		},
		`"hs256_with_public_key"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return h["alg"] == "HS256" },
		`"wrong_acr"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return c["acr"] == "urn:devserver:acr:other"
		},
		`"no_acr"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return c["acr"] == nil },
		`"control_characters"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return strings.Contains(c["name"].(string), "\x1b[2J")
		},
		`"claims","value":{"email":null,"x":7}`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool {
			return c["email"] == nil && c["x"] == 7.0 && c["name"] != nil
		},
		`"bad_signature"`:   func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return c["sub"] == "u-alice" },
		`"unpublished_key"`: func(g *providertest.Harness, r providertest.Reply, h, c m) bool { return c["sub"] == "u-alice" },
	} {
		t.Run(kind, func(t *testing.T) {
			g := providertest.Start(t, provider.Options{})
			g.SetFault(`{"at":"token","times":1,"kind":` + kind + `}`)
			id := g.Ask("kiosk-basic", "alice", "acr_values", "gold")
			g.Poll("kiosk-basic", id).Want(t, 400, "authorization_pending") // leaves the fault in place
			g.Approve("alice", "")
			r := g.Poll("kiosk-basic", id)
			var h, c m
			if token := r.Text("id_token"); token != "" {
				h, c = unsigned(t, token)
				keys := g.Get("/jwks", "").Body
				good := verifies(token, keys)
				bad := strings.Contains("bad_signature unpublished_key unknown_kid crit_header alg_none hs256_with_public_key", strings.Split(kind, `"`)[1])
				if good == bad {
					t.Errorf("signature good: %v", good)
				}
			}
			if r.Status != 200 || !check(g, r, h, c) {
				t.Errorf("%d %s\n%v\n%v", r.Status, r.Body, h, c)
			}
			if left := g.Faults(); len(left) != 0 {
				t.Errorf("faults left: %v", left)
			}
			if r := g.Visit(); r.Status != 200 || !verifies(r.Text("id_token"), g.Get("/jwks", "").Body) {
				t.Error("the fault affects the next visit")
			}
		})
	}
}

func TestKeySetFaults(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	r := g.Visit()
	g.SetFault(`{"at":"jwks","kind":"unknown_key_types"}`)
	if body := string(g.Get("/jwks", "").Body); !strings.Contains(body, `"AKP"`) || !strings.Contains(body, `"X25519"`) || !json.Valid([]byte(body)) {
		t.Errorf("%s", body)
	}
	g.SetFault(`{"at":"jwks","kind":"many_keys","value":300}`)
	if body := g.Get("/jwks", "").Body; bytes.Count(body, []byte(`"kid"`)) != 301 {
		t.Errorf("%d keys", bytes.Count(body, []byte(`"kid"`)))
	}
	g.SetFault(`{"at":"jwks","kind":"rotate","times":1}`)
	before := g.Get("/jwks", "").Body
	after := g.Visit().Text("id_token")
	if verifies(after, before) || !verifies(after, g.Get("/jwks", "").Body) {
		t.Error("the new key does not sign, or was published early")
	}
	if !verifies(r.Text("id_token"), g.Get("/jwks", "").Body) {
		t.Error("the old key is no longer published")
	}
	g.SetFault(`{"at":"jwks","kind":"rotate","value":"forget","times":1}`)
	g.Get("/jwks", "")
	if verifies(after, g.Get("/jwks", "").Body) {
		t.Error("the old key is still published")
	}
}

func TestCustomerAPIFaults(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	token := g.Visit().Text("access_token")
	for kind, check := range map[string]func(providertest.Reply) bool{
		"unauthorized": func(r providertest.Reply) bool { return r.Status == 401 && r.Header.Get("WWW-Authenticate") != "" },
		"forbidden":    func(r providertest.Reply) bool { return r.Status == 403 && r.Text("error") == "insufficient_scope" },
		"server_error": func(r providertest.Reply) bool { return r.Status == 500 },
		"not_json":     func(r providertest.Reply) bool { return r.JSON == nil },
		"control_characters": func(r providertest.Reply) bool {
			return strings.Contains(r.Text("title"), "\u009b31m\u202e") && json.Valid(r.Body)
		},
	} {
		g.SetFault(`{"at":"api","kind":"` + kind + `"}`)
		if r := g.Get("/api/customer", token); !check(r) {
			t.Errorf("%s: %d %s", kind, r.Status, r.Body)
		}
	}
}

func TestDroppedAnswerKeepsItsEffect(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	g.SetFault(`{"at":"token","kind":"drop","on":"success","times":1},{"at":"bc","kind":"drop","times":1}`)
	if r := g.Post("/bc-authorize", "kiosk-basic", url.Values{"scope": {"openid"}, "login_hint": {"alice"}}); r.Err == nil {
		t.Fatal("the connection was not dropped")
	}
	if len(g.Pending("alice")) != 0 {
		t.Error("a request dropped before it was read reached the phone")
	}
	id := g.Ask("kiosk-basic", "alice")
	g.Poll("kiosk-basic", id).Want(t, 400, "authorization_pending") // not a success
	g.Approve("alice", "")
	if r := g.Poll("kiosk-basic", id); r.Err == nil {
		t.Fatal("the connection was not dropped")
	}
	g.Poll("kiosk-basic", id).Want(t, 400, "invalid_grant") // redeemed although the tokens were lost
}

func TestFaultsAreCountedDown(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	g.SetFault(`{"at":"token","kind":"slow_down","times":1,"after":1},{"at":"token","kind":"status","value":503,"times":2,"after":2}`)
	id := g.Ask("kiosk-basic", "alice")
	for i, want := range []int{400, 400, 503, 503, 400} {
		g.Clock.Advance(30 * time.Second / 2)
		r := g.Poll("kiosk-basic", id)
		if r.Status != want || (i == 1) != (r.Text("error") == "slow_down") {
			t.Errorf("poll %d: %d %s", i, r.Status, r.Body)
		}
		if i == 2 {
			if left := g.Faults(); len(left) != 1 || left[0].Times != 1 {
				t.Errorf("left after poll 2: %v", left)
			}
		}
	}
}

func TestAUserCodeCanBeDemanded(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	g.SetFault(`{"at":"bc","kind":"user_code","value":"4711"}`)
	form := url.Values{"scope": {"openid"}, "login_hint": {"alice"}}
	g.Post("/bc-authorize", "kiosk-basic", form).Want(t, 400, "missing_user_code")
	form.Set("user_code", "1")
	g.Post("/bc-authorize", "kiosk-basic", form).Want(t, 400, "invalid_user_code")
	g.Ask("kiosk-basic", "alice", "user_code", "4711")
}

func TestHangingAndSlownessUnderVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := provider.New(provider.Options{Issuer: "http://op.example"})
		if err != nil {
			t.Fatal(err)
		}
		call := func(limit time.Duration) (*recorder, time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			req := httptest.NewRequestWithContext(ctx, "GET", "http://op.example/jwks", nil)
			w, begin := &recorder{header: http.Header{}}, time.Now()
			func() {
				defer func() { w.panicked = recover() }()
				s.Handler().ServeHTTP(w, req)
			}()
			return w, time.Since(begin)
		}
		s.SetFaults([]faults.Fault{{At: "jwks", Kind: "slow", Value: json.RawMessage("2.5"), Times: 1}, {At: "jwks", Kind: "hang"}})
		if w, took := call(time.Hour); w.status != 200 || took != 2500*time.Millisecond {
			t.Errorf("slow: %d after %v", w.status, took)
		}
		if w, took := call(time.Minute); w.status != 0 || took != time.Minute || w.panicked != http.ErrAbortHandler {
			t.Errorf("hang: %d after %v, %v", w.status, took, w.panicked)
		}
		time.AfterFunc(time.Second, s.Close)
		if _, took := call(time.Hour); took != time.Second {
			t.Errorf("Close ended a hanging answer after %v", took)
		}
	})
}

func TestInvalidFaultsAreRejected(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	g.SetFault(`{"at":"bc","kind":"drop"}`)
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
		`[{"at":"token","kind":"no_exp","on":"success"}]`:      "does not support on",
		`[{"at":"token","kind":"wrong_person","value":"eve"}]`: "no such person",
		`{}`:   "JSON list",
		`[] x`: "follows",
	} {
		resp, err := http.Post(g.URL+"/dev/faults", "application/json", strings.NewReader(body))
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
		t.Errorf("an invalid list changed the faults: %v", left)
	}
}

// verifies reports whether a published key signed a token.
func verifies(token string, jwks []byte) bool {
	_, err := providertest.VerifyIDToken(token, jwks)
	return err == nil
}

// recorder is a ResponseWriter without a socket.
type recorder struct {
	header   http.Header
	status   int
	body     []byte
	panicked any
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(s int)   { r.status = s }
func (r *recorder) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return len(b), nil
}

// newKey makes a private key that no server knows.
func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
