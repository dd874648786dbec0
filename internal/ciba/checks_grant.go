package ciba

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// CheckGrant examines whether the server would take this client's authentication requests and polls. It sends a request
// without a hint, which names nobody, so that no phone rings (CIBA Core 7.1).
func (c *Checks) CheckGrant(ctx context.Context) check.Outcome {
	err := c.Client.probeGrant(ctx, c.metadata)
	var refused *oauthError
	switch {
	case err == nil:
		return check.Warn("the server takes a request that names nobody", "see the server's own log: a request without a hint must be an error")
	case kiosk.ReasonOf(err) == kiosk.Misconfigured:
		return check.Fail(kiosk.Misconfigured, check.Cause(err), grantFix(err))
	case !errors.As(err, &refused):
		return check.Fail(kiosk.ReasonOf(err), check.Cause(err), "see the server's own log")
	case refused.code != "invalid_request" && kiosk.ReasonOf(err) != kiosk.Refused:
		return check.Warn("the server answers a request that names nobody with "+refused.Error(), "see the server's own log")
	}
	if c.Client.demandsDPoP(ctx, c.metadata) {
		return check.Fail(kiosk.Misconfigured, "the server demands DPoP of this client, and KIOSK_DPOP is off: every poll would fail",
			"set KIOSK_DPOP=true, or switch DPoP off for this client at the server")
	}
	if c.Client.Profile().MissingPhone != "" {
		return check.Pass("the server takes this client's requests. Only a visit shows whether its phone service works: if the log says %s, the person has no phone, or that service is down or not configured",
			c.Client.Profile().MissingPhone)
	}
	return check.Pass("the server takes this client's requests")
}

// grantFix returns the fix for a request that the server refuses because of the client.
func grantFix(err error) string {
	var refused *oauthError
	if !errors.As(err, &refused) {
		return "compare the settings with this client's at the server"
	}
	switch refused.code {
	case "invalid_grant", "unauthorized_client", "unsupported_grant_type":
		return "allow the grant " + oidc.GrantCIBA + " to this client at the server"
	case "invalid_scope":
		return "correct KIOSK_SCOPE, or allow its scopes to this client at the server"
	case "invalid_target":
		return "correct KIOSK_RESOURCE and KIOSK_AUDIENCE"
	case "invalid_request_object", "request_not_supported":
		return "set KIOSK_SIGNED_REQUEST=false, or allow this client signed requests with this key at the server"
	}
	return "compare the settings with this client's at the server"
}

// probeGrant sends an authentication request without a hint and returns the error that it must bring.
func (k *Client) probeGrant(ctx context.Context, m *oidc.Metadata) error {
	form := url.Values{}
	if k.config.Pings != nil { // required in ping mode (CIBA Core 7.1); nothing will ping
		form.Set("client_notification_token", rand.Text())
	}
	_, err := k.sendRequest(ctx, m, form)
	return err
}

// demandsDPoP reports whether the server refuses this client's polls only because they have no DPoP proof. It polls for a
// request that does not exist.
func (k *Client) demandsDPoP(ctx context.Context, m *oidc.Metadata) bool {
	if k.config.DPoP != nil || len(m.DPoPAlgs) == 0 {
		return false
	}
	without := k.pollNothing(ctx, m)
	if without != "invalid_request" && without != "invalid_dpop_proof" {
		return false
	}
	proving := &Client{config: k.config, log: k.log, discovery: k.discovery, profile: k.profile}
	proving.config.DPoP = oidc.NewDPoP(k.config.Now)
	return proving.pollNothing(ctx, m) != without
}

// pollNothing polls for a request that does not exist and returns the error code.
func (k *Client) pollNothing(ctx context.Context, m *oidc.Metadata) string {
	form := url.Values{"grant_type": {oidc.GrantCIBA}, "auth_req_id": {"probe-" + rand.Text()}}
	reply, err := k.postWith(ctx, k.config.Auth, m, oidc.Token, form, k.config.Transport.SendOnce)
	if err != nil || reply.Status == http.StatusOK {
		return ""
	}
	if e := readError(reply.Body); e != nil {
		return e.code
	}
	return ""
}

// CheckDeviceFlow examines the client of the device flow by a device authorization request, which expires unused.
func (c *Checks) CheckDeviceFlow(ctx context.Context) check.Outcome {
	k := c.Client
	if k.config.DeviceClientID == "" {
		return check.Skip("KIOSK_DEVICE_CLIENT_ID is not set")
	}
	err := checkDeviceFlow(c.metadata)
	if err == nil {
		_, err = k.sendDevice(ctx, c.metadata)
	}
	if err != nil {
		return check.Fail(kiosk.ReasonOf(err), check.Cause(err),
			"correct KIOSK_DEVICE_CLIENT_ID: it must be a public client with the device grant and the scopes in KIOSK_SCOPE; or unset it")
	}
	return check.Pass("people whose phone does not ring can scan a QR code")
}
