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
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// maxExpires bounds the lifetime of a request. WSO2's default is an hour; no customer waits longer at a kiosk.
	maxExpires = time.Hour

	// defaultInterval is the interval if the acknowledgement has none (CIBA Core 7.3).
	defaultInterval = 5 * time.Second

	// maxRequestID and maxExpectation are the limits of the vault, in bytes: no phone rings for a value that it cannot keep.
	// Keycloak's auth_req_id is a JWE of about a kilobyte.
	maxRequestID   = 16 << 10
	maxExpectation = 16 << 10

	askOperation = "backchannel request"
)

// Ask sends one backchannel authentication request, or one device authorization request, and never repeats it (CIBA
// Core 7.1). If necessary it first fetches the metadata and the keys: no phone rings for an answer that could not be
// validated.
func (k *Client) Ask(ctx context.Context, r kiosk.Request) (kiosk.Ack, error) {
	ask := k.ask
	if r.Flow == kiosk.DeviceFlow {
		ask = k.askDevice
	}
	ack, err := ask(ctx, r)
	if err == nil {
		k.log.Info(askOperation, "outcome", "accepted")
	} else {
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
		return kiosk.Ack{}, unsent(err)
	}
	name, hint, expected, err := k.identify(ctx, r.Identifier)
	if err != nil {
		return kiosk.Ack{}, unsent(err)
	}
	p := k.Profile()
	message, err := p.bindingMessage(k.config.BindingMessage, r.Code, k.config.Site)
	if err != nil {
		return kiosk.Ack{}, kiosk.Fail(kiosk.Internal, askOperation, err)
	}
	packed := expected.encode()
	if len(packed) > maxExpectation {
		return kiosk.Ack{}, kiosk.Fail(kiosk.Refused, "login hint", fmt.Errorf("longer than %d KiB", maxExpectation>>10))
	}
	form := url.Values{}
	form.Set(name, hint) // exactly one hint
	setNonEmpty(form, "binding_message", message)
	if m.UserCode { // otherwise it must not be sent (CIBA Core 4)
		setNonEmpty(form, "user_code", string(r.UserCode))
	}
	ack, err := k.sendExpectingPing(ctx, m, form, r.Ping)
	k.reportContact(ctx, err, isUnanswered(err))
	if err != nil {
		return kiosk.Ack{}, err
	}
	ack.ExpectedSubject, ack.AmbiguousDenial, ack.PhoneHint = packed, p.AmbiguousDenial, p.PhoneHint
	if ack.ServerChose = p.ServerWords != ""; !ack.ServerChose {
		ack.BindingMessage = message
	}
	return ack, nil
}

// unsent marks an error as one of a request that has not left the device.
func unsent(err error) error {
	var e *kiosk.Error
	if !errors.As(err, &e) {
		return err
	}
	marked := *e
	marked.Unsent = true
	return &marked
}

// fetchDocuments returns the metadata. It fetches the metadata and the keys if they are not cached. An error of check ends
// it before the keys are fetched.
func (k *Client) fetchDocuments(ctx context.Context, check func(*oidc.Metadata) error) (*oidc.Metadata, error) {
	m, err := k.discovery.Get(ctx)
	if err == nil {
		if err := check(m); err != nil {
			return m, err
		}
		err = k.keys.Prefetch(ctx, m.Endpoint(oidc.JWKS, false))
	}
	if err != nil {
		k.reportContact(ctx, err, true)
	}
	return m, err
}

// sendExpectingPing sends the request. In ping mode it expects a ping from before the request is sent.
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

// sendRequest sends the request and reads the acknowledgement.
func (k *Client) sendRequest(ctx context.Context, m *oidc.Metadata, form url.Values) (kiosk.Ack, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	// The expiry counts from when the request was sent, which is after its connection was made.
	sent, connected := k.uptime(), false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { sent, connected = k.uptime(), true },
	})
	form.Set("scope", k.config.Scope)
	setNonEmpty(form, "acr_values", k.config.ACRValues)
	p := k.Profile()
	setNonEmpty(form, "audience", p.parameter("audience", k.config.Audience))
	setNonEmpty(form, "resource", p.parameter("resource", k.config.Resource))
	requested := p.requestedExpiry(k.config.RequestedExpiry)
	if e := requested; e > 0 {
		form.Set(p.expiryName(), strconv.FormatInt(int64(e/time.Second), 10))
	}
	setNonEmpty(form, detailsParameter, k.config.AuthorizationDetails)
	body, err := k.signRequest(m, form)
	if err != nil {
		return kiosk.Ack{}, err
	}
	reply, err := k.post(ctx, m, oidc.Backchannel, body, k.config.Transport.SendOnce)
	if reply != nil && err != nil && reply.Status != http.StatusOK {
		return kiosk.Ack{}, kiosk.Fail(kiosk.Unreachable, askOperation, statusError(reply)) // an incomplete error page
	}
	if err != nil {
		if reply == nil {
			err = unansweredError{err}
		}
		failure := kiosk.Fail(k.unreachableReason(err), askOperation, err)
		failure.Unsent = !connected
		return kiosk.Ack{}, failure
	}
	if e := readError(reply.Body); e != nil {
		if w := requiredInput(e.code, m, form); w != kiosk.NothingRequired {
			return kiosk.Ack{}, &kiosk.Error{Reason: kiosk.Refused, Operation: askOperation, Err: e, Required: w}
		}
		return kiosk.Ack{}, refusal(p, e, reply.Status)
	}
	switch {
	case reply.Status == http.StatusUnauthorized:
		return kiosk.Ack{}, kiosk.Fail(kiosk.Misconfigured, askOperation, errors.New("status 401: the server does not accept this client"))
	case reply.Status >= 300 && reply.Status < 400:
		return kiosk.Ack{}, kiosk.Fail(kiosk.Unreachable, askOperation, fmt.Errorf("status %d: redirects are not followed", reply.Status))
	case reply.Status != http.StatusOK:
		return kiosk.Ack{}, kiosk.Fail(kiosk.Unreachable, askOperation, statusError(reply))
	}
	ack, err := readAck(reply.Body)
	if err == nil && p.ServerWords != "" {
		ack.BindingMessage, err = readWords(reply.Body, p.ServerWords)
	}
	if err != nil {
		return kiosk.Ack{}, kiosk.Fail(kiosk.Untrusted, askOperation, err)
	}
	if p.CapsExpiry && requested > 0 {
		ack.Expires = min(ack.Expires, requested)
	}
	ack.Age = max(0, k.uptime()-sent)
	return ack, nil
}

// refusal returns what an error of the backchannel authentication endpoint means, with a technician's cause for the log.
func refusal(p Profile, e *oauthError, status int) error {
	fail := func(r kiosk.Reason, cause string) error {
		return kiosk.Fail(r, askOperation, fmt.Errorf("%w: %s", e, cause))
	}
	switch {
	case e.code == "invalid_binding_message":
		return fail(kiosk.Misconfigured, "KIOSK_BINDING_MESSAGE or KIOSK_PROFILE does not fit this server")
	case e.code == "invalid_grant" && status == http.StatusUnauthorized:
		return fail(kiosk.Misconfigured, "the CIBA grant is off for this client; allow it at the server")
	case e.code == p.MissingPhone:
		// To the customer like an unknown person: the screen must not tell who has a phone.
		return fail(kiosk.Refused, "this person has no phone, or the server's phone service is down or not configured")
	}
	return kiosk.Fail(askReason(e.code, status), askOperation, e)
}

// requiredInput returns what the customer can do about a refusal that came before any phone rang.
func requiredInput(code string, m *oidc.Metadata, sent url.Values) kiosk.RequiredInput {
	switch {
	case (code == "missing_user_code" || code == "invalid_user_code") && m.UserCode:
		return kiosk.UserCodeRequired
	case code == "expired_login_hint_token" && sent.Has("login_hint_token"):
		return kiosk.FreshHintRequired
	}
	return kiosk.NothingRequired
}

// uptime returns the monotonic time, or 0 without Config.Uptime.
func (k *Client) uptime() time.Duration {
	if k.config.Uptime == nil {
		return 0
	}
	return k.config.Uptime()
}

// askReason returns the reason for an error code, or for the status if the code is unknown.
func askReason(code string, status int) kiosk.Reason {
	if r, ok := askReasons[code]; ok {
		return r
	}
	switch {
	case status >= 500, status == http.StatusTooManyRequests:
		return kiosk.Unreachable
	case status == http.StatusUnauthorized: // about the client, never about a person (RFC 6749 5.2)
		return kiosk.Misconfigured
	}
	return kiosk.Refused
}

// readAck reads an acknowledgement. Unknown members are ignored; auth_req_id and a positive expires_in are required
// (CIBA Core 7.3).
func readAck(body []byte) (kiosk.Ack, error) {
	o, err := strictjson.Parse(body)
	if err != nil {
		return kiosk.Ack{}, err
	}
	if o.Has("error") {
		return kiosk.Ack{}, errors.New("error is not a string")
	}
	id, _ := o.Text("auth_req_id")
	if id == "" || len(id) > maxRequestID { // else opaque: it is only ever sent back in a form
		return kiosk.Ack{}, errors.New("auth_req_id is missing or too long")
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
	// The specification does not define 0 and negative intervals: they count as the default. An interval longer than the
	// life of the request is kept, because earlier polls are not allowed (CIBA Core 7.3).
	if n := readInterval(o); n > 0 {
		ack.Interval = n
	}
	return ack, nil
}

// maxWords is the longest text that a server may choose for both screens, in characters.
const maxWords = 40

// readWords returns the words that the server chose for both screens.
func readWords(body []byte, member string) (string, error) {
	o, err := strictjson.Parse(body)
	if err != nil {
		return "", err
	}
	words, _ := o.Text(member)
	clean := sanitize.Text(words)
	if clean == "" || clean != words || utf8.RuneCountInString(words) > maxWords {
		return "", errors.New(member + " is missing, too long or contains control characters")
	}
	return words, nil
}

// readInterval reads the member interval so that no poll is early: fractions are rounded up, values over an hour are an
// hour, and digits in quotation marks count. It returns 0 for absent, zero, negative and any other value.
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
	// Out of range, the float is infinite.
	f, err := strconv.ParseFloat(digits, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange), !(f > 0):
		return 0
	case f > maxExpires.Seconds():
		return maxExpires
	}
	return time.Duration(math.Ceil(f)) * time.Second
}
