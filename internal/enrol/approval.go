package enrol

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// maxApprovalWait limits the wait for a technician; servers allow 5 to 30 minutes.
	maxApprovalWait = 30 * time.Minute
	// defaultInterval is the polling interval if the server names none. (RFC 8628, section 3.2)
	defaultInterval = 5 * time.Second
)

// Approval is what a technician is shown: where to sign in, and the code to compare.
type Approval struct {
	VerificationURI         string
	VerificationURIComplete string // with the user code in it, for the QR code
	UserCode                string
	ExpiresIn               time.Duration
}

// requestApproval has a technician sign in on their phone and returns the tokens of the sign-in. The access token permits
// the registration. It calls show once. (RFC 8628)
func (e *Enrolment) requestApproval(ctx context.Context, show func(Approval)) (kiosk.Tokens, error) {
	const what = "approval"
	fail := func(r kiosk.Reason, err error) (kiosk.Tokens, error) { return kiosk.Tokens{}, kiosk.Fail(r, what, err) }
	m, err := e.discovery.Get(ctx)
	if err != nil {
		return kiosk.Tokens{}, err
	}
	endpoint := m.Endpoint(oidc.Device, false)
	if endpoint == "" {
		return fail(kiosk.Misconfigured, errors.New("the server publishes no device_authorization_endpoint; register the device by hand: kiosk provision --manual"))
	}
	sent := e.options.Uptime()
	o, err := e.postForm(ctx, endpoint, url.Values{"client_id": {e.options.BootstrapClientID}, "scope": {e.options.Scope}})
	if err != nil {
		return fail(reasonFor(err), err)
	}
	a, interval, err := parseApproval(o)
	if err != nil {
		return fail(kiosk.Untrusted, err)
	}
	defer a.DeviceCode.Zero()
	show(Approval{a.VerificationURI, a.VerificationURIComplete, a.UserCode, a.ExpiresIn})
	schedule := kiosk.NewPollSchedule(sent, e.options.Uptime(), a.ExpiresIn, interval)
	for {
		now := e.options.Uptime()
		if schedule.Exhausted(now) {
			return fail(kiosk.Expired, errors.New("nobody approved in time"))
		}
		if !schedule.IsDue(now) {
			if err := e.sleep(ctx, schedule.Wake()-now); err != nil {
				return fail(kiosk.Cancelled, err)
			}
			continue
		}
		schedule = schedule.Sent(now)
		tokens, verdict, err := e.poll(ctx, m.Endpoint(oidc.Token, false), a.DeviceCode)
		switch verdict {
		case kiosk.Granted:
			return tokens, nil
		case kiosk.Pending, kiosk.SlowDown, kiosk.Retryable:
			if ctx.Err() != nil {
				return fail(kiosk.Cancelled, ctx.Err())
			}
			schedule = schedule.Reschedule(e.options.Uptime(), kiosk.Polled{Verdict: verdict, ServerReached: verdict != kiosk.Retryable})
		case kiosk.Denied:
			return fail(kiosk.Declined, errors.New("declined on the phone"))
		default:
			return fail(reasonFor(err), err)
		}
	}
}

// poll sends one token request.
func (e *Enrolment) poll(ctx context.Context, to string, code kiosk.Secret) (kiosk.Tokens, kiosk.Verdict, error) {
	var none kiosk.Tokens
	o, err := e.postForm(ctx, to, url.Values{"grant_type": {oidc.GrantDeviceCode}, "device_code": {string(code)}, "client_id": {e.options.BootstrapClientID}})
	var r *oauthError
	switch {
	case err == nil:
		token, _ := o.Text("access_token")
		kind, _ := o.Text("token_type")
		if token == "" || !strings.EqualFold(kind, "bearer") || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return none, kiosk.Fatal, errors.New("the response contains no bearer token")
		}
		refresh, _ := o.Text("refresh_token") // only to be revoked
		return kiosk.Tokens{Access: kiosk.Secret(token), Refresh: kiosk.Secret(refresh)}, kiosk.Granted, nil
	case !errors.As(err, &r), r.status >= 500:
		return none, kiosk.Retryable, err
	}
	switch r.code {
	case "authorization_pending":
		return none, kiosk.Pending, err
	case "slow_down":
		return none, kiosk.SlowDown, err
	case "access_denied":
		return none, kiosk.Denied, err
	}
	return none, kiosk.Fatal, err
}

// parseApproval reads a device authorization response. (RFC 8628, section 3.2)
func parseApproval(o strictjson.Object) (oidc.DeviceAuthorization, time.Duration, error) {
	a, err := oidc.ParseDeviceAuthorization(o, maxApprovalWait)
	if err != nil || !o.Has("interval") {
		return a, defaultInterval, err
	}
	n, err := o.Integer("interval")
	if err != nil {
		return a, 0, errors.New("interval is malformed")
	}
	return a, strictjson.Seconds(n, time.Second, maxApprovalWait), nil
}
