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

// Verify checks the ID token and then that the approver is the person asked for.
// Only if the ID token does not say who that is, UserInfo is asked, by the access
// token, which by then is known to belong to a genuine answer.
//
// Somebody else is kiosk.WrongPerson. Where the claim that should say who it is is
// neither in the ID token nor in UserInfo, the answer is kiosk.Untrusted: nothing
// speaks for a mix-up, but nothing against it either, and a technician has to choose
// another claim. Under the default rule sub is one of the claims compared, and every
// ID token has it, so there it is always the one or the other.
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
		client, a.RequestID = k.config.DeviceClientID, nil // what it is bound to has no name in an ID token
	}
	claims, err := k.verifier.Verify(ctx, t.ID, oidc.ExpectedClaims{
		Issuer:       m.Issuer,
		ClientID:     client,
		KeysURI:      m.Endpoint(oidc.JWKS, false),
		Algs:         k.config.IDTokenAlgs,
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

// checkApprover refuses an approver who is somebody else than was asked for. info is UserInfo,
// asked once at the most.
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
	if found == missing && k.usesDefaultRule(e) {
		found = mismatch // sub is always there, and it is not what was asked for
	}
	switch found {
	case match:
		return nil
	case mismatch:
		return kiosk.Fail(kiosk.WrongPerson, verifyOperation, errors.New("the approver is not the person asked for; if it is, KIOSK_SUBJECT_CLAIM has to name a claim that says so"))
	}
	return kiosk.Fail(kiosk.Untrusted, verifyOperation, errors.New("no verified claim says who approved; let the server send it (scope), or set KIOSK_SUBJECT_CLAIM"))
}

// toBestClock turns a time by the wall clock into one by Now.
func (k *Client) toBestClock(t time.Time) time.Time {
	if k.config.Clock == nil || t.IsZero() {
		return t
	}
	return t.Add(k.config.Clock.Offset())
}

// decodeExpected brings back what Ask packed; where the record has none, it is made
// again, which a lookup's answer cannot be.
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

// userInfo fetches the claims about the approver (OpenID Connect Core 1.0,
// section 5.3). Their sub must be the ID token's, or they are somebody else's
// (section 5.3.2). Without an endpoint there are no claims, which is no error.
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
		return nil, kiosk.Fail(kiosk.Untrusted, what, errors.New("the server signs it, which this client did not ask for"))
	}
	o, err := strictjson.Parse(reply.Body)
	if err != nil {
		return nil, kiosk.Fail(kiosk.Untrusted, what, err)
	}
	if got, _ := o.Text("sub"); got != sub {
		return nil, kiosk.Fail(kiosk.Untrusted, what, errors.New("it is about somebody else than the ID token"))
	}
	return o, nil
}
