package ciba

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const verifyOperation = "checking the answer"

// Verify validates the ID token and then compares the approver with the identified person. It asks UserInfo only if the
// ID token does not say who approved; by then the access token is known to belong to a valid answer.
//
// Another person is kiosk.WrongPerson. If neither the ID token nor UserInfo contains the claim, the answer is
// kiosk.Untrusted, and a technician has to choose another claim. Under the default rule sub is compared, which every ID
// token contains.
func (k *Client) Verify(ctx context.Context, t kiosk.Tokens, a kiosk.Expectation) (kiosk.Person, error) {
	p, err := k.verify(ctx, t, a)
	if err != nil {
		k.log.Warn(verifyOperation, "outcome", kiosk.ReasonOf(err).String())
		return kiosk.Person{}, err
	}
	k.log.Info(verifyOperation, "outcome", "genuine")
	return p, nil
}

func (k *Client) verify(ctx context.Context, t kiosk.Tokens, a kiosk.Expectation) (kiosk.Person, error) {
	m, err := k.metadata(ctx)
	if err != nil {
		return kiosk.Person{}, err
	}
	e, err := k.decodeExpected(a)
	if err != nil && k.config.SubjectClaim != subjectCheckOff {
		return kiosk.Person{}, kiosk.Fail(kiosk.Untrusted, verifyOperation, err)
	}
	client := k.config.ClientID
	if e.Device {
		client, a.RequestID = k.config.DeviceClientID, nil // no claim of the ID token binds it to the request
	}
	claims, err := k.verifier.Verify(ctx, t.ID, oidc.ExpectedClaims{
		Issuer:       m.Issuer,
		ClientID:     client,
		KeysURI:      m.Endpoint(oidc.JWKS, false),
		Algs:         oidc.AcceptedAlgs(k.config.IDTokenAlgs, m),
		RequestedAt:  k.toBestClock(a.RequestedAt),
		AccessToken:  t.Access,
		RefreshToken: t.Refresh,
		RequestID:    a.RequestID,
		ACR:          strings.Fields(k.config.ACRValues),
	})
	if err != nil {
		return kiosk.Person{}, err
	}
	person := kiosk.Person{Subject: claims.Subject, Claims: claims.Raw}
	var info strictjson.Object
	asked := func(ctx context.Context) (_ strictjson.Object, err error) {
		if info == nil {
			info, err = k.userInfo(ctx, m, t.Access, claims.Subject)
		}
		return info, err
	}
	if err := k.checkApprover(ctx, claims.Object, e, string(a.Identifier), asked); err != nil {
		return kiosk.Person{}, err
	}
	return person, k.checkRequiredClaim(ctx, claims.Object, asked)
}

// checkApprover refuses an approver who is not the identified person. info returns UserInfo, fetched once at most.
func (k *Client) checkApprover(ctx context.Context, claims strictjson.Object, e expectation, identifier string, info func(context.Context) (strictjson.Object, error)) error {
	if k.config.SubjectClaim == subjectCheckOff {
		return nil
	}
	found := k.compare(claims, e, identifier)
	if found == missing {
		more, err := info(ctx)
		switch {
		case err == nil:
			found = k.compare(more, e, identifier)
		case kiosk.ReasonOf(err) != kiosk.Untrusted || !k.usesDefaultRule(e):
			return err
		}
	}
	if (found == missing || found == unusable) && k.usesDefaultRule(e) {
		found = mismatch // sub is always present, and it did not match
	}
	switch found {
	case match:
		return nil
	case mismatch:
		return kiosk.Fail(kiosk.WrongPerson, verifyOperation, errors.New("the approver is not the identified person; if they are, set KIOSK_SUBJECT_CLAIM to a claim that says so"))
	}
	return kiosk.Fail(kiosk.Untrusted, verifyOperation, errors.New("no usable claim identifies the approver; request it (KIOSK_SCOPE), or set KIOSK_SUBJECT_CLAIM"))
}

// toBestClock converts a time of the wall clock to one of Config.Now.
func (k *Client) toBestClock(t time.Time) time.Time {
	if k.config.Clock == nil || t.IsZero() {
		return t
	}
	return t.Add(k.config.Clock.Offset())
}

// decodeExpected returns what Ask kept. If the record has nothing, it is computed again, which is impossible for a
// lookup's answer.
func (k *Client) decodeExpected(a kiosk.Expectation) (expectation, error) {
	if len(a.ExpectedSubject) > 0 {
		return decodeExpectation(a.ExpectedSubject)
	}
	if e, is, err := k.scannedToken(string(a.Identifier)); is {
		return e, err
	}
	if k.config.LookupURL != "" {
		return expectation{}, errors.New("the lookup's answer is not on record")
	}
	_, e, err := k.effectiveHintRule().apply(string(a.Identifier))
	return e, err
}

// userInfo fetches the claims about the approver (OpenID Connect Core 5.3). Their sub must be the ID token's (5.3.2).
// Without an endpoint it returns no claims and no error.
func (k *Client) userInfo(ctx context.Context, m *oidc.Metadata, access kiosk.Secret, sub string) (strictjson.Object, error) {
	const what = "UserInfo"
	address := m.Endpoint(oidc.UserInfo, k.config.Auth.MTLS())
	if address == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, auxiliaryTimeout)
	defer cancel()
	reply, err := k.getProtected(ctx, address, access)
	switch {
	case err != nil:
		return nil, kiosk.Fail(k.unreachableReason(err), what, err)
	case reply.Status >= 500, reply.Status == http.StatusTooManyRequests:
		return nil, kiosk.Fail(kiosk.Unreachable, what, fmt.Errorf("status %d", reply.Status))
	case reply.Status != http.StatusOK:
		return nil, kiosk.Fail(kiosk.Untrusted, what, fmt.Errorf("status %d", reply.Status))
	}
	if typ, _, _ := mime.ParseMediaType(reply.Header.Get("Content-Type")); typ == "application/jwt" {
		return nil, kiosk.Fail(kiosk.Untrusted, what, errors.New("the answer is a signed JWT, which was not requested"))
	}
	o, err := strictjson.Parse(reply.Body)
	if err != nil {
		return nil, kiosk.Fail(kiosk.Untrusted, what, err)
	}
	if got, _ := o.Text("sub"); got != sub {
		return nil, kiosk.Fail(kiosk.Untrusted, what, errors.New("sub differs from the ID token's"))
	}
	return o, nil
}
