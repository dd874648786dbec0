package ciba

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// requiredClaim is a claim with a value that the approver must carry (Config.RequiredClaim).
type requiredClaim struct {
	steps []string // path from the outermost object; nil requires nothing
	value string
}

// parseClaim reads name=value, split at the last =, because names of claims can be URLs with a query (OpenID Connect
// Core 5.1.2). A name that begins with / is a JSON pointer (RFC 6901), such as /realm_access/roles for Keycloak.
func parseClaim(s string) (requiredClaim, error) {
	if s == "" {
		return requiredClaim{}, nil
	}
	i := strings.LastIndexByte(s, '=')
	if i < 1 || i == len(s)-1 {
		return requiredClaim{}, errors.New("must be a claim and its value, such as roles=technician")
	}
	name, value := s[:i], s[i+1:]
	if !strings.HasPrefix(name, "/") {
		return requiredClaim{[]string{name}, value}, nil
	}
	steps := strings.Split(name[1:], "/")
	for i, step := range steps {
		if step == "" {
			return requiredClaim{}, errors.New("an empty step in the path to the claim")
		}
		// RFC 6901 4: first ~1, then ~0.
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
	}
	return requiredClaim{steps, value}, nil
}

// compare reports whether claims contain the claim with its value: the text itself, a list that contains it, true, or a
// number written like it. Comparison is case-sensitive. Anything else, such as a text with the value as one word, is a
// mismatch.
func (r requiredClaim) compare(claims strictjson.Object) comparison {
	var at any = claims
	for _, step := range r.steps {
		o, ok := at.(strictjson.Object)
		if !ok {
			return missing
		}
		if at, ok = o[step]; !ok {
			return missing
		}
	}
	if list, ok := at.([]any); ok {
		for _, one := range list {
			if r.equals(one) {
				return match
			}
		}
		return mismatch
	}
	if r.equals(at) {
		return match
	}
	return mismatch
}

func (r requiredClaim) equals(v any) bool {
	switch v := v.(type) {
	case string:
		return v == r.value
	case bool:
		return v && r.value == "true"
	case json.Number:
		return v.String() == r.value
	}
	return false
}

// checkRequiredClaim refuses an approver without the required claim. If the ID token does not contain the claim,
// UserInfo is asked.
func (k *Client) checkRequiredClaim(ctx context.Context, claims strictjson.Object, info func(context.Context) (strictjson.Object, error)) error {
	if k.required.steps == nil {
		return nil
	}
	found := k.required.compare(claims)
	if found == missing {
		more, err := info(ctx)
		if err != nil {
			return err
		}
		found = k.required.compare(more)
	}
	switch found {
	case match:
		return nil
	case mismatch:
		return kiosk.Fail(kiosk.NoAccess, verifyOperation, errors.New("the approver's claim does not have the value of KIOSK_TECHNICIAN_CLAIM"))
	}
	return kiosk.Fail(kiosk.NoAccess, verifyOperation, errors.New("neither the ID token nor UserInfo contains the claim of KIOSK_TECHNICIAN_CLAIM; request it with KIOSK_TECHNICIAN_SCOPE"))
}
