package ciba

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// deviceMark precedes a device_code in place of an auth_req_id. No auth_req_id contains a blank (readAck).
	deviceMark = "device_code "

	deviceOperation = "device authorization request"
)

// publicClient authenticates by its client_id only (RFC 6749 2.1). The device flow has a public client because Auth0
// requires one.
type publicClient struct{ id string }

func (p publicClient) Method() string { return "none" }
func (p publicClient) MTLS() bool     { return false }

// Apply adds the client_id.
func (p publicClient) Apply(_ oidc.AuthTarget, form url.Values, _ http.Header) error {
	form.Set("client_id", p.id)
	return nil
}

// askDevice sends a device authorization request (RFC 8628 3.1). From the acknowledgement on, both flows are polled and
// validated alike, and the identified person must approve, which the grant itself does not ensure.
func (k *Client) askDevice(ctx context.Context, r kiosk.Request) (kiosk.Ack, error) {
	fail := func(reason kiosk.Reason, err error) (kiosk.Ack, error) {
		return kiosk.Ack{}, kiosk.Fail(reason, deviceOperation, err)
	}
	if k.config.DeviceClientID == "" {
		return fail(kiosk.Misconfigured, errors.New("KIOSK_DEVICE_CLIENT_ID is not set"))
	}
	m, err := k.fetchDocuments(ctx, checkDeviceFlow)
	if err != nil {
		return kiosk.Ack{}, err
	}
	_, _, expected, err := k.identify(ctx, r.Identifier)
	if err != nil {
		return kiosk.Ack{}, err
	}
	expected.Device = true
	packed := expected.encode()
	if len(packed) > maxExpectation {
		return fail(kiosk.Refused, fmt.Errorf("login hint longer than %d KiB", maxExpectation>>10))
	}
	ack, err := k.sendDevice(ctx, m)
	k.reportContact(ctx, err, isUnanswered(err))
	ack.ExpectedSubject = packed
	return ack, err
}

// checkDeviceFlow reports whether the server offers the device flow.
func checkDeviceFlow(m *oidc.Metadata) error {
	if err := m.EndpointError(oidc.Device, false); err != nil {
		return kiosk.Fail(kiosk.Misconfigured, deviceOperation, err)
	}
	if m.Endpoint(oidc.Device, false) == "" {
		return kiosk.Fail(kiosk.Misconfigured, deviceOperation, errors.New("the server publishes no device_authorization_endpoint. Enable the device grant there, or unset KIOSK_DEVICE_CLIENT_ID"))
	}
	return nil
}

// sendDevice sends the request and reads the answer.
func (k *Client) sendDevice(ctx context.Context, m *oidc.Metadata) (kiosk.Ack, error) {
	fail := func(reason kiosk.Reason, err error) (kiosk.Ack, error) {
		return kiosk.Ack{}, kiosk.Fail(reason, deviceOperation, err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	sent := k.uptime()
	form := url.Values{}
	form.Set("scope", k.config.Scope)
	setNonEmpty(form, "acr_values", k.config.ACRValues)
	setNonEmpty(form, "audience", k.config.Audience)
	setNonEmpty(form, "resource", k.config.Resource)
	setNonEmpty(form, detailsParameter, k.config.AuthorizationDetails)
	reply, err := k.postWith(ctx, publicClient{k.config.DeviceClientID}, m, oidc.Device, form, k.config.Transport.SendOnce)
	if err != nil {
		if reply == nil {
			err = unansweredError{err}
		}
		return fail(k.unreachableReason(err), err)
	}
	if e := readError(reply.Body); e != nil {
		return fail(askReason(e.code, reply.Status), e)
	}
	if reply.Status != http.StatusOK {
		return fail(kiosk.Unreachable, statusError(reply))
	}
	ack, err := readGrant(reply.Body)
	if err != nil {
		return fail(kiosk.Untrusted, err)
	}
	ack.Age = max(0, k.uptime()-sent)
	return ack, nil
}

// readGrant reads a device authorization response (RFC 8628 3.2).
func readGrant(body []byte) (kiosk.Ack, error) {
	o, err := strictjson.Parse(body)
	if err != nil {
		return kiosk.Ack{}, err
	}
	a, err := oidc.ParseDeviceAuthorization(o, maxExpires)
	if err != nil {
		return kiosk.Ack{}, err
	}
	defer a.DeviceCode.Zero()
	if len(a.DeviceCode) > maxRequestID-len(deviceMark) {
		return kiosk.Ack{}, errors.New("device_code is too long")
	}
	ack := kiosk.Ack{
		RequestID: append(kiosk.Secret(deviceMark), a.DeviceCode...),
		Expires:   a.ExpiresIn,
		Interval:  defaultInterval,
		Grant:     kiosk.Grant{Address: a.VerificationURI, Complete: a.VerificationURIComplete, UserCode: a.UserCode},
	}
	if n := readInterval(o); n > 0 {
		ack.Interval = n
	}
	return ack, nil
}

// pollForm returns the form of a poll and the client authentication for the request's flow.
func (k *Client) pollForm(requestID kiosk.Secret) (who oidc.ClientAuth, form url.Values) {
	if code, ok := strings.CutPrefix(string(requestID), deviceMark); ok {
		who, form = publicClient{k.config.DeviceClientID}, url.Values{"grant_type": {oidc.GrantDeviceCode}, "device_code": {code}}
	} else {
		who, form = k.config.Auth, url.Values{"grant_type": {oidc.GrantCIBA}, "auth_req_id": {string(requestID)}}
	}
	p := k.Profile()
	setNonEmpty(form, "resource", p.parameter("resource", k.config.Resource)) // RFC 8707, section 2.2
	return who, form
}

// tokenClient returns the client to which the tokens of a request are issued; empty is KIOSK_CLIENT_ID.
func (k *Client) tokenClient(requestID kiosk.Secret) string {
	if strings.HasPrefix(string(requestID), deviceMark) {
		return k.config.DeviceClientID
	}
	return ""
}

// authFor returns the authentication of the client to which tokens were issued.
func (k *Client) authFor(t kiosk.Tokens) oidc.ClientAuth {
	if t.Client != "" {
		return publicClient{t.Client}
	}
	return k.config.Auth
}
