package ciba

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// maxLookupValue bounds login_hint and sub of the lookup's answer. The longest in use, a JSON hint with issuer and
// subject, has fewer than 500 bytes.
const maxLookupValue = 2048

// lookup exchanges an identifier for a login hint (KIOSK_LOOKUP_URL): POST {"identifier": "…"}, answer {"login_hint":
// "…", "sub": "…"}. Without a login_hint in the answer, KIOSK_LOGIN_HINT is applied to the sub. An unknown person (404
// or an empty answer) is refused like any other.
func (k *Client) lookup(ctx context.Context, identifier kiosk.Secret) (hint string, e expectation, err error) {
	const what = "lookup"
	fail := func(r kiosk.Reason, err error) (string, expectation, error) {
		k.log.Warn(what, "outcome", r.String())
		return "", expectation{}, kiosk.Fail(r, what, err)
	}
	ctx, cancel := context.WithTimeout(ctx, auxiliaryTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]string{"identifier": string(identifier)})
	if err != nil {
		return fail(kiosk.Internal, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.config.LookupURL, bytes.NewReader(body))
	if err != nil {
		return fail(kiosk.Internal, errors.New("bad address"))
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	reply, err := k.config.Transport.SendOnce(r, oidc.MaxResponse)
	switch {
	case err != nil:
		return fail(k.unreachableReason(err), err)
	case reply.Status == http.StatusNotFound, reply.Status == http.StatusNoContent,
		reply.Status == http.StatusOK && len(bytes.TrimSpace(reply.Body)) == 0:
		return fail(kiosk.Refused, errors.New("unknown identifier"))
	case reply.Status >= 500, reply.Status == http.StatusTooManyRequests, reply.Status >= 300 && reply.Status < 400:
		return fail(kiosk.Unreachable, fmt.Errorf("status %d", reply.Status))
	case reply.Status != http.StatusOK:
		return fail(kiosk.Misconfigured, fmt.Errorf("status %d", reply.Status))
	}
	hint, e.Subject, err = readLookup(reply.Body)
	if err != nil {
		return fail(kiosk.Untrusted, err)
	}
	e.Hint = hint
	switch {
	case hint == "" && e.Subject == "":
		return fail(kiosk.Refused, errors.New("unknown identifier"))
	case e.Subject == "" && (k.config.SubjectClaim == "" || k.config.SubjectClaim == "sub"):
		return fail(kiosk.Misconfigured, errors.New("the answer has no sub to identify the approver; add it, or set KIOSK_SUBJECT_CLAIM"))
	case hint == "":
		sub := e.Subject
		if hint, e, err = k.effectiveHintRule().apply(sub); err != nil {
			return fail(kiosk.Internal, err)
		}
		e.Subject = sub
	}
	return hint, e, nil
}

// readLookup reads the lookup's answer. Both values may be empty.
func readLookup(body []byte) (hint, sub string, err error) {
	o, err := strictjson.Parse(body)
	if err != nil {
		return "", "", err
	}
	for _, name := range []string{"login_hint", "sub"} {
		if s, ok := o.Text(name); o.Has(name) && (!ok || len(s) > maxLookupValue || hasControl(s)) {
			return "", "", fmt.Errorf("%s is malformed", name)
		}
	}
	hint, _ = o.Text("login_hint")
	sub, _ = o.Text("sub")
	return hint, sub, nil
}
