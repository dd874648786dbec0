package ciba

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Revoke revokes the refresh token, which invalidates the others, or else the access token (RFC 7009). It returns nil
// if there is no token or the server has no revocation endpoint. It tries once.
func (k *Client) Revoke(ctx context.Context, t kiosk.Tokens) error {
	token, hint := t.Refresh, "refresh_token"
	if len(token) == 0 {
		token, hint = t.Access, "access_token"
	}
	if len(token) == 0 {
		return nil
	}
	if k.config.DPoP != nil {
		defer k.config.DPoP.Forget(t.Access) // revocation needs no proof
	}
	err := k.revoke(ctx, k.authFor(t), token, hint)
	if err != nil {
		k.log.Warn("revocation", "outcome", kiosk.ReasonOf(err).String())
		return err
	}
	k.log.Info("revocation", "outcome", "done")
	return nil
}

func (k *Client) revoke(ctx context.Context, who oidc.ClientAuth, token kiosk.Secret, hint string) error {
	const what = "revocation"
	ctx, cancel := context.WithTimeout(ctx, auxiliaryTimeout)
	defer cancel()
	m, err := k.metadata(ctx)
	if err != nil {
		return err
	}
	if m.Endpoint(oidc.Revocation, who.MTLS()) == "" {
		return nil
	}
	form := url.Values{}
	form.Set("token", string(token))
	form.Set("token_type_hint", hint)
	reply, err := k.postWith(ctx, who, m, oidc.Revocation, form, k.config.Transport.Send)
	if err != nil && (reply == nil || reply.Status != http.StatusOK) {
		return kiosk.Fail(k.unreachableReason(err), what, err)
	}
	if reply.Status == http.StatusOK { // also for an unknown token
		return nil
	}
	if e := readError(reply.Body); e != nil {
		if e.code == "unsupported_token_type" {
			return nil // it cannot be revoked and expires by itself
		}
		return kiosk.Fail(askReason(e.code, reply.Status), what, e)
	}
	return kiosk.Fail(kiosk.Unreachable, what, fmt.Errorf("status %d", reply.Status))
}
