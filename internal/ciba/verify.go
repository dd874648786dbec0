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

const whatVerify = "checking the answer"

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
		k.log.Warn(whatVerify, "outcome", kiosk.ReasonOf(err).String())
		return kiosk.Person{}, err
	}
	k.log.Info(whatVerify, "outcome", "genuine")
	return p, nil
}

func (k *Client) verify(ctx context.Context, t kiosk.Tokens, a kiosk.Expectation) (kiosk.Person, error) {
	m, err := k.known(ctx)
	if err != nil {
		return kiosk.Person{}, err
	}
	e, err := k.expected(a)
	if err != nil && k.c.SubjectClaim != noCheck {
		return kiosk.Person{}, kiosk.Fail(kiosk.Untrusted, whatVerify, err)
	}
	client := k.c.ClientID
	if e.Device {
		client, a.RequestID = k.c.DeviceClientID, nil // what it is bound to has no name in an ID token
	}
	claims, err := k.verifier.Verify(ctx, t.ID, oidc.ExpectedClaims{
		Issuer:       m.Issuer,
		ClientID:     client,
		KeysURI:      m.Endpoint(oidc.JWKS, false),
		Algs:         k.c.IDTokenAlgs,
		RequestedAt:  k.byNow(a.RequestedAt),
		AccessToken:  t.Access,
		RefreshToken: t.Refresh,
		RequestID:    a.RequestID,
		ACR:          strings.Fields(k.c.ACRValues),
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
	if err := k.isAsked(ctx, claims.Object, e, string(a.Identifier), asked); err != nil {
		return kiosk.Person{}, err
	}
	return person, k.admits(ctx, claims.Object, asked)
}

// isAsked refuses an approver who is somebody else than was asked for. info is UserInfo,
// asked once at the most.
func (k *Client) isAsked(ctx context.Context, claims strictjson.Object, e expect, identifier string, info func(context.Context) (strictjson.Object, error)) error {
	if k.c.SubjectClaim == noCheck {
		return nil
	}
	found := k.compare(claims, e, identifier)
	if found == absent {
		more, err := info(ctx)
		switch {
		case err == nil:
			found = k.compare(more, e, identifier)
		case kiosk.ReasonOf(err) != kiosk.Untrusted || !k.bySubject(e):
			return err
		}
	}
	if found == absent && k.bySubject(e) {
		found = other // sub is always there, and it is not what was asked for
	}
	switch found {
	case match:
		return nil
	case other:
		return kiosk.Fail(kiosk.WrongPerson, whatVerify, errors.New("the approver is not the person asked for; if it is, KIOSK_SUBJECT_CLAIM has to name a claim that says so"))
	}
	return kiosk.Fail(kiosk.Untrusted, whatVerify, errors.New("no verified claim says who approved; let the server send it (scope), or set KIOSK_SUBJECT_CLAIM"))
}

// byNow turns a time by the wall clock into one by Now.
func (k *Client) byNow(t time.Time) time.Time {
	if k.c.Clock == nil || t.IsZero() {
		return t
	}
	return t.Add(k.c.Clock.Offset())
}

// expected brings back what Ask packed; where the record has none, it is made
// again, which a lookup's answer cannot be.
func (k *Client) expected(a kiosk.Expectation) (expect, error) {
	if len(a.ExpectedSubject) > 0 {
		return unpack(a.ExpectedSubject)
	}
	if e, is, err := k.scanned(string(a.Identifier)); is {
		return e, err
	}
	if k.c.LookupURL != "" {
		return expect{}, errors.New("the lookup's answer is not on record")
	}
	_, e, err := k.hints().make(string(a.Identifier))
	return e, err
}

// userInfo fetches the claims about the approver (OpenID Connect Core 1.0,
// section 5.3). Their sub must be the ID token's, or they are somebody else's
// (section 5.3.2). Without an endpoint there are no claims, which is no error.
func (k *Client) userInfo(ctx context.Context, m *oidc.Metadata, access kiosk.Secret, sub string) (strictjson.Object, error) {
	const what = "UserInfo"
	address := m.Endpoint(oidc.UserInfo, k.c.Auth.MTLS())
	if address == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sideTimeout)
	defer cancel()
	reply, err := k.getWith(ctx, address, access)
	switch {
	case err != nil:
		return nil, kiosk.Fail(k.unreached(err), what, err)
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
