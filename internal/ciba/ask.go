package ciba

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// maxExpires is the longest a request is believed to live. WSO2's default is an
	// hour; nobody stands in front of a kiosk for longer.
	maxExpires = time.Hour

	// defaultInterval is what an acknowledgement without one means (CIBA Core,
	// section 7.3).
	defaultInterval = 5 * time.Second

	// maxRequestID and maxExpectation are the most that the vault keeps of each; what
	// could not be kept must not ring a phone. Keycloak's auth_req_id is a JWE of
	// about a kilobyte.
	maxRequestID   = 16 << 10
	maxExpectation = 16 << 10

	askOperation = "backchannel request"
)

// Ask sends one backchannel authentication request (CIBA Core, section 7.1), and
// never a second one, whatever the server says. Before it, and only if they are not
// at hand, it fetches the metadata and the keys: no phone is to ring for an answer
// that could not be checked.
func (k *Client) Ask(ctx context.Context, r kiosk.Request) (kiosk.Ack, error) {
	ask := k.ask
	if r.Flow == kiosk.DeviceFlow {
		ask = k.askDevice
	}
	ack, err := ask(ctx, r)
	switch {
	case err == nil:
		k.log.Info(askOperation, "outcome", "accepted")
	default:
		k.log.Warn(askOperation, "outcome", kiosk.ReasonOf(err).String())
	}
	return ack, err
}

func (k *Client) ask(ctx context.Context, r kiosk.Request) (kiosk.Ack, error) {
	m, err := k.fetchDocuments(ctx, func(m *oidc.Metadata) error {
		err := k.checkServer(m)
		if err != nil {
			k.reportContact(ctx, err, true)
		}
		return err
	})
	if err != nil {
		return kiosk.Ack{}, err
	}
	name, hint, expected, err := k.identify(ctx, r.Identifier)
	if err != nil {
		return kiosk.Ack{}, err
	}
	p := k.Profile()
	message, err := bindingMessage(k.config.BindingMessage, r.Code, k.config.Site, p.BindingExtra, p.BindingMax)
	if err != nil {
		return kiosk.Ack{}, kiosk.Fail(kiosk.Internal, askOperation, err)
	}
	packed := expected.encode()
	if len(packed) > maxExpectation {
		return kiosk.Ack{}, kiosk.Fail(kiosk.Refused, "login hint", fmt.Errorf("longer than %d KiB", maxExpectation>>10))
	}
	form := url.Values{}
	form.Set(name, hint) // exactly one hint, this one
	form.Set("binding_message", message)
	if m.UserCode { // else it is not for us to send (CIBA Core, section 4)
		setNonEmpty(form, "user_code", string(r.UserCode))
	}
	ack, err := k.sendExpectingPing(ctx, m, form, r.Ping)
	k.reportContact(ctx, err, isUnanswered(err))
	if err != nil {
		return kiosk.Ack{}, err
	}
	ack.ExpectedSubject, ack.BindingMessage, ack.AmbiguousDenial, ack.PhoneHint = packed, message, p.AmbiguousDenial, p.PhoneHint
	return ack, nil
}

// fetchDocuments fetches the metadata and the keys if they are not at hand, and has the
// metadata judged.
func (k *Client) fetchDocuments(ctx context.Context, judge func(*oidc.Metadata) error) (*oidc.Metadata, error) {
	m, err := k.discovery.Get(ctx)
	if err == nil {
		if err := judge(m); err != nil {
			return m, err
		}
		err = k.keys.Prefetch(ctx, m.Endpoint(oidc.JWKS, false))
	}
	if err != nil {
		k.reportContact(ctx, err, true)
	}
	return m, err
}

// sendExpectingPing is send, and in ping mode listening for the ping from before it on.
func (k *Client) sendExpectingPing(ctx context.Context, m *oidc.Metadata, form url.Values, ring func()) (kiosk.Ack, error) {
	if k.config.Pings == nil || ring == nil {
		return k.sendRequest(ctx, m, form)
	}
	token, e := k.config.Pings.expect(ring)
	form.Set("client_notification_token", token)
	ack, err := k.sendRequest(ctx, m, form)
	if err != nil {
		k.config.Pings.refused(e)
		return ack, err
	}
	k.config.Pings.accepted(e, ack.RequestID, ack.Expires)
	ack.Interval = max(ack.Interval, minPingInterval)
	return ack, nil
}

// sendRequest makes the request and reads what comes back.
func (k *Client) sendRequest(ctx context.Context, m *oidc.Metadata, form url.Values) (kiosk.Ack, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	// The request leaves once its connection stands, which on a slow line can take
	// long; the server cannot have counted from before.
	left := k.uptime()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { left = k.uptime() },
	})
	form.Set("scope", k.config.Scope)
	setNonEmpty(form, "acr_values", k.config.ACRValues)
	p := k.Profile()
	setNonEmpty(form, "audience", p.parameter("audience", k.config.Audience))
	setNonEmpty(form, "resource", p.parameter("resource", k.config.Resource))
	if e := p.requestedExpiry(k.config.RequestedExpiry); e > 0 {
		form.Set("requested_expiry", strconv.FormatInt(int64(e/time.Second), 10))
	}
	setNonEmpty(form, detailsParameter, k.config.AuthorizationDetails)
	body, err := k.signRequest(m, form)
	if err != nil {
		return kiosk.Ack{}, err
	}
	reply, err := k.post(ctx, m, oidc.Backchannel, body, k.config.Transport.SendOnce)
	if reply != nil && err != nil && reply.Status != http.StatusOK {
		return kiosk.Ack{}, kiosk.Fail(kiosk.Unreachable, askOperation, statusError(reply)) // an error page that was cut off
	}
	if err != nil {
		if reply == nil {
			err = unansweredError{err}
		}
		return kiosk.Ack{}, kiosk.Fail(k.unreachableReason(err), askOperation, err)
	}
	if e := readError(reply.Body); e != nil {
		if w := requiredInput(e.code, m, form); w != kiosk.NothingRequired {
			return kiosk.Ack{}, &kiosk.Error{Reason: kiosk.Refused, Operation: askOperation, Err: e, Required: w}
		}
		var cause error = e
		if e.code == "invalid_binding_message" {
			cause = fmt.Errorf("%w: KIOSK_BINDING_MESSAGE or KIOSK_PROFILE does not fit this server", e)
		}
		return kiosk.Ack{}, kiosk.Fail(askReason(e.code, reply.Status), askOperation, cause)
	}
	switch {
	case reply.Status == http.StatusUnauthorized:
		return kiosk.Ack{}, kiosk.Fail(kiosk.Misconfigured, askOperation, errors.New("the server does not accept this client (status 401)"))
	case reply.Status >= 300 && reply.Status < 400:
		return kiosk.Ack{}, kiosk.Fail(kiosk.Unreachable, askOperation, fmt.Errorf("status %d points elsewhere; redirects are not followed", reply.Status))
	case reply.Status != http.StatusOK:
		return kiosk.Ack{}, kiosk.Fail(kiosk.Unreachable, askOperation, statusError(reply))
	}
	ack, err := readAck(reply.Body)
	if err != nil {
		return kiosk.Ack{}, kiosk.Fail(kiosk.Untrusted, askOperation, err)
	}
	ack.Age = max(0, k.uptime()-left)
	return ack, nil
}

// requiredInput says what the customer can do about a refusal, before any phone was rung.
func requiredInput(code string, m *oidc.Metadata, sent url.Values) kiosk.RequiredInput {
	switch {
	case (code == "missing_user_code" || code == "invalid_user_code") && m.UserCode:
		return kiosk.UserCodeRequired
	case code == "expired_login_hint_token" && sent.Has("login_hint_token"):
		return kiosk.FreshHintRequired
	}
	return kiosk.NothingRequired
}

// uptime is the monotonic clock; it stands still where none was handed in.
func (k *Client) uptime() time.Duration {
	if k.config.Uptime == nil {
		return 0
	}
	return k.config.Uptime()
}

// askReason decides by the code; only where it is unknown by the statusError.
func askReason(code string, status int) kiosk.Reason {
	if r, ok := askReasons[code]; ok {
		return r
	}
	if status >= 500 || status == http.StatusTooManyRequests {
		return kiosk.Unreachable
	}
	return kiosk.Refused
}

// readAck reads an acknowledgement (CIBA Core, section 7.3). Members it does not
// know are ignored. Without an auth_req_id and a positive expires_in nothing may be
// polled.
func readAck(body []byte) (kiosk.Ack, error) {
	o, err := strictjson.Parse(body)
	if err != nil {
		return kiosk.Ack{}, err
	}
	if o.Has("error") {
		return kiosk.Ack{}, errors.New("an error that is no text")
	}
	id, _ := o.Text("auth_req_id")
	if id == "" || len(id) > maxRequestID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return kiosk.Ack{}, errors.New("auth_req_id is missing or malformed")
	}
	seconds, err := o.Integer("expires_in")
	if err != nil {
		return kiosk.Ack{}, err
	}
	if seconds == 0 {
		return kiosk.Ack{}, errors.New("expires_in is 0")
	}
	ack := kiosk.Ack{
		RequestID: kiosk.Secret(id),
		Expires:   strictjson.Seconds(seconds, time.Second, maxExpires),
		Interval:  defaultInterval,
	}
	// 0, negative and worse are left open by the specification; 5 s does for all of
	// them. An readInterval longer than the request lives is kept as it is: polling
	// sooner is not allowed even then (CIBA Core, section 7.3).
	if n := readInterval(o); n > 0 {
		ack.Interval = n
	}
	return ack, nil
}

// readInterval reads the member of that name so that nobody polls sooner than was
// asked: a fraction is rounded up, a number beyond the longest readInterval is the
// longest, and digits in quotation marks count. 0 stands for missing, zero, negative
// and anything else.
func readInterval(o strictjson.Object) time.Duration {
	var digits string
	switch v := o["interval"].(type) {
	case json.Number:
		digits = v.String()
	case string:
		if strings.Trim(v, "0123456789") != "" {
			return 0
		}
		digits = v
	}
	// A float is exact enough to round up by; beyond its range it is infinite.
	f, err := strconv.ParseFloat(digits, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange), !(f > 0):
		return 0
	case f > maxExpires.Seconds():
		return maxExpires
	}
	return time.Duration(math.Ceil(f)) * time.Second
}
