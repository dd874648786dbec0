package devserver

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// defaultHuge is more than any answer of ours has a reason to be.
const defaultHuge = 8 << 20

// jsonKinds rewrite the JSON object of an answer.
var jsonKinds = []faultKind{
	{name: "huge", step: rewrite, about: "value bytes of padding as a first member (8 MiB if not given)",
		check: wholeNumber(1, 4<<30), change: func(c *call, f *Fault, a *answer) {
			if len(a.body) > 2 && a.body[0] == '{' {
				a.padding = int64(f.number(defaultHuge))
			}
		}},
	{name: "set", step: rewrite, about: "set the members of the object value; null takes a member away",
		check: object, change: func(c *call, f *Fault, a *answer) {
			var members map[string]json.RawMessage
			json.Unmarshal(f.Value, &members) // checked when the fault was set
			a.edit(func(m map[string]any) {
				for name, v := range members {
					if string(v) == "null" {
						delete(m, name)
					} else {
						m[name] = v
					}
				}
			})
		}},
	{name: "duplicate_member", step: rewrite, about: "the member value (or a main one) a second time, with another content",
		change: func(c *call, f *Fault, a *answer) { a.append(f.text(c.mainMember(a)), `"duplicate"`) }},
	{name: "case_folded_member", step: rewrite, about: "the member value (or a main one) again in capitals, with another content",
		change: func(c *call, f *Fault, a *answer) { a.append(strings.ToUpper(f.text(c.mainMember(a))), `"folded"`) }},
	{name: "extra_member", step: rewrite, about: "members that nobody knows, of every type",
		change: func(c *call, f *Fault, a *answer) {
			a.append("auth_url", `"https://elsewhere.invalid/"`)
			a.append("x_list", `[1,null,{"deep":[true]}]`)
			a.append("x_number", `1e400`)
			a.append("", `""`)
		}},
	{name: "deep_nesting", step: rewrite, about: "a member nested value levels deep (20000 if not given)",
		check: wholeNumber(1, 1<<20), change: func(c *call, f *Fault, a *answer) {
			n := int(f.number(20000))
			a.append("deep", strings.Repeat("[", n)+strings.Repeat("]", n))
		}},
	{name: "control_characters", places: "api userinfo", step: rewrite, on: "success",
		about: "escape sequences, C1 and direction characters in the values",
		change: func(c *call, f *Fault, a *answer) {
			a.edit(func(m map[string]any) {
				for name, v := range m {
					if s, isText := v.(string); isText && name != "sub" && name != "preferred_username" {
						m[name] = hostileText(s)
					}
				}
				m["note\x1b[31m"] = "label with an escape sequence"
			})
		}},

	// The acknowledgement (CIBA section 7.3).
	ack("no_expires", "no expires_in", nil, "expires_in"),
	ack("expires_string", "expires_in as a string", `"120"`, "expires_in"),
	ack("expires_huge", "expires_in of 10^18", `1000000000000000000`, "expires_in"),
	ack("no_auth_req_id", "no auth_req_id", nil, "auth_req_id"),
	ack("no_interval", "no interval; 5 seconds then count", nil, "interval"),
	ack("interval_zero", "interval 0", `0`, "interval"),
	ack("interval_huge", "interval of 10^10", `10000000000`, "interval"),
	ack("interval_string", "interval as a string", `"5"`, "interval"),
	ack("interval_float", "interval of 5.5", `5.5`, "interval"),

	// The token answer.
	member("no_id_token", "token", "no ID token", nil, "id_token"),
	member("no_token_type", "token", "no token_type", nil, "token_type"),
	{name: "wrong_token_type", places: "token", step: rewrite, on: "success", about: "token_type value, or MAC",
		change: func(c *call, f *Fault, a *answer) {
			a.edit(func(m map[string]any) { m["token_type"] = f.text("MAC") })
		}},

	// Keys.
	{name: "unknown_key_types", places: "jwks", step: rewrite, on: "success", about: "keys of types that few know, before and after the good ones",
		change: func(c *call, f *Fault, a *answer) {
			a.editKeys(func(keys []json.RawMessage) []json.RawMessage {
				strange := []json.RawMessage{
					json.RawMessage(`{"kty":"AKP","alg":"ML-DSA-44","use":"sig","kid":"akp","pub":"unH59k4RuutY-pxvu24U5h8YZD2rSVtHU5qRZsoBmBM"}`),
					json.RawMessage(`{"kty":"OKP","crv":"X25519","use":"enc","kid":"x25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`),
					json.RawMessage(`{"kty":"EC","crv":"secp256k1","use":"sig","kid":"k1","x":"dWCvM4fTdeM0KmloF57zxtBPXTOythHPMm1HCLrdd3A","y":"36uMVGM7hnw-N6GnjFcihWE3SkrhMLzzLCdPMXPEXlA"}`),
					json.RawMessage(`{"kty":"XYZ","kid":"xyz"}`),
				}
				return append(append(strange[:2:2], keys...), strange[2:]...)
			})
		}},
	{name: "many_keys", places: "jwks", step: rewrite, on: "success", about: "value more keys (500 if not given)",
		check: wholeNumber(1, 100000), change: func(c *call, f *Fault, a *answer) {
			k := newSigningKey("ES256").JWK
			public := k.Public()
			a.editKeys(func(keys []json.RawMessage) []json.RawMessage {
				for i := range int(f.number(500)) {
					other := jose.JSONWebKey{Key: public.Key, KeyID: fmt.Sprintf("spare-%d", i), Algorithm: "ES256", Use: "sig"}
					raw, _ := other.MarshalJSON() // a good key
					keys = append(keys, raw)
				}
				return keys
			})
		}},

	// Discovery.
	{name: "wrong_issuer", places: "discovery", step: rewrite, on: "success", about: "issuer value, or one nobody configured",
		change: func(c *call, f *Fault, a *answer) {
			a.edit(func(m map[string]any) { m["issuer"] = f.text("https://elsewhere.invalid") })
		}},
	{name: "http_endpoint", places: "discovery", step: rewrite, on: "success", about: "endpoints by plain http on a distant host",
		change: func(c *call, f *Fault, a *answer) {
			a.edit(func(m map[string]any) {
				m["token_endpoint"] = "http://elsewhere.invalid/token"
				m["backchannel_authentication_endpoint"] = "http://elsewhere.invalid/bc-authorize"
			})
		}},
	member("no_backchannel_endpoint", "discovery", "no backchannel_authentication_endpoint", nil, "backchannel_authentication_endpoint"),
}

// hostileText wraps a value in what must never reach a terminal or a page: an
// escape sequence that clears the screen, one that sets the title, C1 CSI, and
// direction overrides.
func hostileText(s string) string {
	return "\x1b[2J\x1b]0;owned\x07" + s + "\u009b31m\u202e\u2066\x00\r\n\u0007"
}

// ack is an entry that changes one member of an acknowledgement.
func ack(name, about string, value any, of string) faultKind {
	return member(name, "bc", about, value, of)
}

// member is an entry that changes one member of a good answer: value is JSON, or
// nil to take the member away.
func member(name, place, about string, value any, of string) faultKind {
	return faultKind{name: name, places: place, step: rewrite, on: "success", about: about,
		change: func(c *call, f *Fault, a *answer) {
			a.edit(func(m map[string]any) {
				if value == nil {
					delete(m, of)
				} else {
					m[of] = json.RawMessage(value.(string))
				}
			})
		}}
}

// edit changes the JSON object of an answer; anything else it leaves alone.
func (a *answer) edit(change func(map[string]any)) {
	var m map[string]any
	if json.Unmarshal(a.body, &m) != nil || m == nil {
		return
	}
	change(m)
	if body, err := json.Marshal(m); err == nil {
		a.body = body
	}
}

// editKeys changes the keys of a JWK set.
func (a *answer) editKeys(change func([]json.RawMessage) []json.RawMessage) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(a.body, &set) != nil {
		return
	}
	set.Keys = change(set.Keys)
	if body, err := json.Marshal(set); err == nil {
		a.body = body
	}
}

// append adds a member at the end of the JSON object, whatever is there already.
func (a *answer) append(name, value string) {
	body := strings.TrimSpace(string(a.body))
	if !strings.HasSuffix(body, "}") {
		return
	}
	key, _ := json.Marshal(name) // a string always marshals
	comma := ","
	if body == "{}" {
		comma = ""
	}
	a.body = []byte(body[:len(body)-1] + comma + string(key) + ":" + value + "}")
}

// mainMember is the member a reader of the answer looks at first.
func (c *call) mainMember(a *answer) string {
	if a.code != "" {
		return "error"
	}
	return map[string]string{
		"bc": "auth_req_id", "token": "id_token", "jwks": "keys", "discovery": "issuer",
		"userinfo": "sub", "device": "device_code", "register": "client_id",
	}[c.place] + map[bool]string{true: "title"}[c.place == "api"]
}
