package faults

// proofKinds concern DPoP proofs, sender-constrained tokens, signed requests and
// authorization details.
var proofKinds = []kind{
	{name: "dpop_nonce", places: "token", summary: "demand a new nonce, whatever nonce the proof has",
		change: func(c Call, f *Fault, a *Answer) { *a = c.RequestNonce() }},
	{name: "dpop_nonce", places: "api userinfo", summary: "the same with a 401",
		change: func(c Call, f *Fault, a *Answer) { *a = c.RequestNonce() }},
	{name: "no_binding", places: "token", stage: AfterAnswer, on: "success", summary: "token_type Bearer, even with a proof",
		change: func(c Call, f *Fault, a *Answer) { a.edit(func(m map[string]any) { m["token_type"] = "Bearer" }) }},
	{name: "more_details", places: "token", stage: AfterAnswer, on: "success", summary: "one more of authorization_details than requested: value, or one of another type",
		change: func(c Call, f *Fault, a *Answer) {
			a.edit(func(m map[string]any) {
				list, _ := m["authorization_details"].([]any)
				more := any(map[string]any{"type": "payment", "actions": []string{"pay"}})
				if len(f.Value) > 0 {
					more = f.Value
				}
				m["authorization_details"] = append(list, more)
			})
		}},
	{name: "fewer_details", places: "token", stage: AfterAnswer, on: "success", summary: "an empty list of authorization_details",
		change: func(c Call, f *Fault, a *Answer) {
			a.edit(func(m map[string]any) { m["authorization_details"] = []any{} })
		}},
	memberKind("no_signed_requests", "discovery", "no "+requestAlgs, "", requestAlgs),
	memberKind("other_id_token_algs", "discovery", "ID tokens with ES512 only, which none has", `["ES512"]`, "id_token_signing_alg_values_supported"),
	memberKind("other_signed_requests", "discovery", "signed requests with RS512 only", `["RS512"]`, requestAlgs),
	memberKind("other_dpop", "discovery", "DPoP proofs with RS512 only", `["RS512"]`, "dpop_signing_alg_values_supported"),
	memberKind("no_mtls_aliases", "discovery", "no mtls_endpoint_aliases", "", "mtls_endpoint_aliases"),
}

// requestAlgs is the metadata member for signed requests (CIBA section 4).
const requestAlgs = "backchannel_authentication_request_signing_alg_values_supported"
