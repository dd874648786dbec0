package oidc

import (
	"errors"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// GrantDeviceCode is the grant type of the device flow. (RFC 8628, section 3.4)
const GrantDeviceCode = "urn:ietf:params:oauth:grant-type:device_code"

const (
	maxDeviceCode = 16 << 10 // as opaque as an auth_req_id; the longest seen are JWEs of under 2 KiB
	maxUserCode   = 32       // a person types it; RFC 8628, section 6.1, recommends 8 characters and a hyphen
)

// DeviceAuthorization is what a person needs to approve on their phone.
type DeviceAuthorization struct {
	DeviceCode              kiosk.Secret
	UserCode                string
	VerificationURI         string
	VerificationURIComplete string // with the user code in it; VerificationURI if the server sends none
	ExpiresIn               time.Duration
}

// ParseDeviceAuthorization reads a device authorization response, except its interval, and limits its life to longest.
// The addresses are safe to display and to open. (RFC 8628, section 3.2)
func ParseDeviceAuthorization(o strictjson.Object, longest time.Duration) (a DeviceAuthorization, err error) {
	malformed := func(name string) (DeviceAuthorization, error) {
		return DeviceAuthorization{}, errors.New(name + " is missing or malformed")
	}
	code, _ := o.Text("device_code")
	if code == "" || len(code) > maxDeviceCode || strings.ContainsFunc(code, isNotVisible) {
		return malformed("device_code")
	}
	a.UserCode, _ = o.Text("user_code")
	if a.UserCode == "" || len(a.UserCode) > maxUserCode || strings.ContainsFunc(a.UserCode, func(r rune) bool { return r != ' ' && isNotVisible(r) }) {
		return malformed("user_code")
	}
	a.VerificationURI, _ = o.Text("verification_uri")
	if _, err := safeurl.Parse(a.VerificationURI); err != nil {
		return malformed("verification_uri")
	}
	a.VerificationURIComplete = a.VerificationURI
	if o.Has("verification_uri_complete") {
		a.VerificationURIComplete, _ = o.Text("verification_uri_complete")
	}
	if _, err := safeurl.Parse(a.VerificationURIComplete); err != nil {
		return malformed("verification_uri_complete")
	}
	seconds, err := o.Integer("expires_in")
	if err != nil || seconds == 0 {
		return malformed("expires_in")
	}
	a.ExpiresIn = strictjson.Seconds(seconds, time.Second, longest)
	a.DeviceCode = kiosk.Secret(code)
	return a, nil
}

// isNotVisible reports whether r is anything but a visible ASCII character.
func isNotVisible(r rune) bool { return r <= ' ' || r > '~' }
