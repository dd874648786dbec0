package enrol

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	grantDeviceCode = "urn:ietf:params:oauth:grant-type:device_code"

	// maxApprovalWait limits the wait for a technician; servers allow 5 to 30 minutes.
	maxApprovalWait = 30 * time.Minute
	// defaultInterval is the polling interval if the server names none. (RFC 8628, section 3.2)
	defaultInterval = 5 * time.Second
	// maxUserCode is more than anybody would type.
	maxUserCode = 32
)

// Approval is what a technician is shown: where to sign in, and the code to compare.
type Approval struct {
	VerificationURI         string // verification_uri
	VerificationURIComplete string // the same with the user code in it, for the QR code
	UserCode                string
	ExpiresIn               time.Duration
}

// requestApproval has a technician sign in on their phone and returns the access token that permits the registration.
// It calls show once. (RFC 8628)
func (e *Enrolment) requestApproval(ctx context.Context, show func(Approval)) (kiosk.Secret, error) {
	const what = "approval"
	fail := func(r kiosk.Reason, err error) (kiosk.Secret, error) { return nil, kiosk.Fail(r, what, err) }
	m, err := e.discovery.Get(ctx)
	if err != nil {
		return nil, err
	}
	start := m.Endpoint(oidc.Device, false)
	if start == "" {
		return fail(kiosk.Misconfigured, errors.New("the server publishes no device_authorization_endpoint; register the device by hand: kiosk provision --manual"))
	}
	began := e.options.Uptime()
	o, err := e.postForm(ctx, start, url.Values{"client_id": {e.options.BootstrapClientID}, "scope": {e.options.Scope}})
	if err != nil {
		return fail(reasonFor(err), err)
	}
	code, a, interval, err := parseApproval(o)
	if err != nil {
		return fail(kiosk.Untrusted, err)
	}
	defer code.Zero()
	show(a)
	pace := kiosk.NewPollSchedule(began, e.options.Uptime(), a.ExpiresIn, interval)
	for {
		now := e.options.Uptime()
		if pace.Exhausted(now) {
			return fail(kiosk.Expired, errors.New("nobody approved in time"))
		}
		if !pace.IsDue(now) {
			if err := e.sleep(ctx, pace.Wake()-now); err != nil {
				return fail(kiosk.Cancelled, err)
			}
			continue
		}
		pace = pace.Sent(now)
		token, verdict, err := e.poll(ctx, m.Endpoint(oidc.Token, false), code)
		switch verdict {
		case kiosk.Granted:
			return token, nil
		case kiosk.Pending, kiosk.SlowDown, kiosk.Retryable:
			if ctx.Err() != nil {
				return fail(kiosk.Cancelled, ctx.Err())
			}
			pace = pace.Reschedule(e.options.Uptime(), kiosk.Polled{Verdict: verdict, ServerReached: verdict != kiosk.Retryable})
		case kiosk.Denied:
			return fail(kiosk.Declined, errors.New("declined on the phone"))
		default:
			return fail(reasonFor(err), err)
		}
	}
}

// poll sends one token request.
func (e *Enrolment) poll(ctx context.Context, to string, code kiosk.Secret) (kiosk.Secret, kiosk.Verdict, error) {
	o, err := e.postForm(ctx, to, url.Values{"grant_type": {grantDeviceCode}, "device_code": {string(code)}, "client_id": {e.options.BootstrapClientID}})
	var r *oauthError
	switch {
	case err == nil:
		token, _ := o.Text("access_token")
		kind, _ := o.Text("token_type")
		if token == "" || !strings.EqualFold(kind, "bearer") || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, kiosk.Fatal, errors.New("the response contains no bearer token")
		}
		return kiosk.Secret(token), kiosk.Granted, nil
	case !errors.As(err, &r), r.status >= 500:
		return nil, kiosk.Retryable, err
	}
	switch r.code {
	case "authorization_pending":
		return nil, kiosk.Pending, err
	case "slow_down":
		return nil, kiosk.SlowDown, err
	case "access_denied":
		return nil, kiosk.Denied, err
	}
	return nil, kiosk.Fatal, err
}

// parseApproval reads a device authorization response. (RFC 8628, section 3.2)
func parseApproval(o strictjson.Object) (code kiosk.Secret, a Approval, interval time.Duration, err error) {
	malformed := func(name string) (kiosk.Secret, Approval, time.Duration, error) {
		return nil, Approval{}, 0, errors.New(name + " is missing or malformed")
	}
	text := func(name string) string {
		s, _ := o.Text(name)
		if len(s) > 4<<10 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return ""
		}
		return s
	}
	device := text("device_code")
	if device == "" {
		return malformed("device_code")
	}
	a.UserCode = text("user_code")
	if a.UserCode == "" || len(a.UserCode) > maxUserCode {
		return malformed("user_code")
	}
	a.VerificationURI, a.VerificationURIComplete = text("verification_uri"), text("verification_uri_complete")
	if _, err := safeurl.Parse(a.VerificationURI); err != nil {
		return malformed("verification_uri")
	}
	if a.VerificationURIComplete == "" {
		a.VerificationURIComplete = a.VerificationURI
	} else if _, err := safeurl.Parse(a.VerificationURIComplete); err != nil {
		return malformed("verification_uri_complete")
	}
	seconds, err := o.Integer("expires_in")
	if err != nil || seconds == 0 {
		return malformed("expires_in")
	}
	a.ExpiresIn = strictjson.Seconds(seconds, time.Second, maxApprovalWait)
	interval = defaultInterval
	if o.Has("interval") {
		n, err := o.Integer("interval")
		if err != nil {
			return malformed("interval")
		}
		interval = strictjson.Seconds(n, time.Second, maxApprovalWait)
	}
	return kiosk.Secret(device), a, interval, nil
}
