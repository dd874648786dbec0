package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// defaultHuge is larger than any legitimate answer.
const defaultHuge = 8 << 20

// jsonKinds change the JSON object of an answer.
var jsonKinds = []kind{
	{name: "huge", stage: AfterAnswer, summary: "value bytes of padding as a first member (8 MiB)",
		check: checkInteger(1, 4<<30), change: func(c Call, f *Fault, a *Answer) {
			if len(a.Body) > 2 && a.Body[0] == '{' {
				a.padding = int64(f.Number(defaultHuge))
			}
		}},
	{name: "set", stage: AfterAnswer, summary: "set the members of the object value; null removes a member",
		check: checkObject, change: func(c Call, f *Fault, a *Answer) {
			var members map[string]json.RawMessage
			json.Unmarshal(f.Value, &members) // validated when the fault was set
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
	{name: "duplicate_member", stage: AfterAnswer, summary: "repeat the member value (or the main one) with other content",
		change: func(c Call, f *Fault, a *Answer) { a.append(f.text(a.mainMember(c.Place())), `"duplicate"`) }},
	{name: "case_folded_member", stage: AfterAnswer, summary: "repeat the member value (or the main one) in capitals with other content",
		change: func(c Call, f *Fault, a *Answer) {
			a.append(strings.ToUpper(f.text(a.mainMember(c.Place()))), `"folded"`)
		}},
	{name: "extra_member", stage: AfterAnswer, summary: "unknown members of every type",
		change: func(c Call, f *Fault, a *Answer) {
			a.append("auth_url", `"https://elsewhere.invalid/"`)
			a.append("x_list", `[1,null,{"deep":[true]}]`)
			a.append("x_number", `1e400`)
			a.append("", `""`)
		}},
	{name: "deep_nesting", stage: AfterAnswer, summary: "a member nested value levels deep (20000)",
		check: checkInteger(1, 1<<20), change: func(c Call, f *Fault, a *Answer) {
			n := int(f.Number(20000))
			a.append("deep", strings.Repeat("[", n)+strings.Repeat("]", n))
		}},
	{name: "control_characters", places: "api userinfo", stage: AfterAnswer, on: "success",
		summary: "escape sequences, C1 controls and direction characters in the values",
		change: func(c Call, f *Fault, a *Answer) {
			a.edit(func(m map[string]any) {
				for name, v := range m {
					if s, isText := v.(string); isText && name != "sub" && name != "preferred_username" {
						m[name] = hostileText(s)
					}
				}
				m["note\x1b[31m"] = "label with an escape sequence"
			})
		}},

	// The backchannel acknowledgement (CIBA section 7.3).
	acknowledgementKind("no_expires", "no expires_in", "", "expires_in"),
	acknowledgementKind("expires_string", "expires_in as a string", `"120"`, "expires_in"),
	acknowledgementKind("expires_huge", "expires_in of 10^18", `1000000000000000000`, "expires_in"),
	acknowledgementKind("no_auth_req_id", "no auth_req_id", "", "auth_req_id"),
	acknowledgementKind("no_interval", "no interval, which means 5 seconds", "", "interval"),
	acknowledgementKind("interval_zero", "interval 0", `0`, "interval"),
	acknowledgementKind("interval_huge", "interval of 10^10", `10000000000`, "interval"),
	acknowledgementKind("interval_string", "interval as a string", `"5"`, "interval"),
	acknowledgementKind("interval_float", "interval of 5.5", `5.5`, "interval"),

	// The token answer.
	memberKind("no_id_token", "token", "no ID token", "", "id_token"),
	memberKind("no_token_type", "token", "no token_type", "", "token_type"),
	{name: "wrong_token_type", places: "token", stage: AfterAnswer, on: "success", summary: "token_type value, or MAC",
		change: func(c Call, f *Fault, a *Answer) {
			a.edit(func(m map[string]any) { m["token_type"] = f.text("MAC") })
		}},

	// Keys.
	{name: "unknown_key_types", places: "jwks", stage: AfterAnswer, on: "success", summary: "keys of rare types, before and after the usable ones",
		change: func(c Call, f *Fault, a *Answer) {
			a.editKeys(func(keys []json.RawMessage) []json.RawMessage {
				rare := []json.RawMessage{
					json.RawMessage(`{"kty":"AKP","alg":"ML-DSA-44","use":"sig","kid":"akp","pub":"unH59k4RuutY-pxvu24U5h8YZD2rSVtHU5qRZsoBmBM"}`),
					json.RawMessage(`{"kty":"OKP","crv":"X25519","use":"enc","kid":"x25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`),
					json.RawMessage(`{"kty":"EC","crv":"secp256k1","use":"sig","kid":"k1","x":"dWCvM4fTdeM0KmloF57zxtBPXTOythHPMm1HCLrdd3A","y":"36uMVGM7hnw-N6GnjFcihWE3SkrhMLzzLCdPMXPEXlA"}`),
					json.RawMessage(`{"kty":"XYZ","kid":"xyz"}`),
				}
				return append(append(rare[:2:2], keys...), rare[2:]...)
			})
		}},
	{name: "many_keys", places: "jwks", stage: AfterAnswer, on: "success", summary: "value additional keys (500)",
		check: checkInteger(1, 100000), change: func(c Call, f *Fault, a *Answer) {
			spare, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // never fails
			a.editKeys(func(keys []json.RawMessage) []json.RawMessage {
				for i := range int(f.Number(500)) {
					other := jose.JSONWebKey{Key: spare.Public(), KeyID: fmt.Sprintf("spare-%d", i), Algorithm: "ES256", Use: "sig"}
					raw, _ := other.MarshalJSON() // a valid key
					keys = append(keys, raw)
				}
				return keys
			})
		}},

	// Discovery.
	{name: "wrong_issuer", places: "discovery", stage: AfterAnswer, on: "success", summary: "issuer value, or an unknown one",
		change: func(c Call, f *Fault, a *Answer) {
			a.edit(func(m map[string]any) { m["issuer"] = f.text("https://elsewhere.invalid") })
		}},
	{name: "http_endpoint", places: "discovery", stage: AfterAnswer, on: "success", summary: "endpoints with plain http on another host",
		change: func(c Call, f *Fault, a *Answer) {
			a.edit(func(m map[string]any) {
				m["token_endpoint"] = "http://elsewhere.invalid/token"
				m["backchannel_authentication_endpoint"] = "http://elsewhere.invalid/bc-authorize"
			})
		}},
	memberKind("no_backchannel_endpoint", "discovery", "no backchannel_authentication_endpoint", "", "backchannel_authentication_endpoint"),
}

// hostileText surrounds text with characters that must never reach a terminal or a
// page: escape sequences that clear the screen and set the title, C1 CSI, and
// direction overrides.
func hostileText(s string) string {
	return "\x1b[2J\x1b]0;owned\x07" + s + "\u009b31m\u202e\u2066\x00\r\n\u0007"
}

// acknowledgementKind is a fault that changes one member of an acknowledgement.
func acknowledgementKind(name, about string, value, member string) kind {
	return memberKind(name, "bc", about, value, member)
}

// memberKind is a fault that changes one member of a successful answer. value is the
// new JSON text; empty removes the member.
func memberKind(name, place, about string, value, member string) kind {
	return kind{name: name, places: place, stage: AfterAnswer, on: "success", summary: about,
		change: func(c Call, f *Fault, a *Answer) {
			a.edit(func(m map[string]any) {
				if value == "" {
					delete(m, member)
				} else {
					m[member] = json.RawMessage(value)
				}
			})
		}}
}
