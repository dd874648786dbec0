package oidc

import (
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

func TestParseDeviceAuthorization(t *testing.T) {
	good := map[string]any{"device_code": "d", "user_code": "WDJB MJHT", "verification_uri": "https://op.example/d",
		"verification_uri_complete": "https://op.example/d?c=WDJB", "expires_in": 300}
	for name, c := range map[string]struct {
		member string
		value  any // nil removes the member
		ok     bool
	}{
		"as it should be":              {"user_code", "WDJB-MJHT", true},
		"without the complete address": {"verification_uri_complete", nil, true},
		"no device_code":               {"device_code", nil, false},
		"a space in device_code":       {"device_code", "a b", false},
		"a long device_code":           {"device_code", strings.Repeat("d", maxDeviceCode+1), false},
		"no user_code":                 {"user_code", "", false},
		"a control in user_code":       {"user_code", "\x1b[2J", false},
		"a long user_code":             {"user_code", strings.Repeat("W", maxUserCode+1), false},
		"no address":                   {"verification_uri", nil, false},
		"an address without https":     {"verification_uri", "http://op.example/d", false},
		"a script as address":          {"verification_uri_complete", "javascript:alert(1)", false},
		"an address that is no string": {"verification_uri_complete", 1, false},
		"no life":                      {"expires_in", nil, false},
		"a life of 0 s":                {"expires_in", 0, false},
		"a life of -1 s":               {"expires_in", -1, false},
	} {
		document := map[string]any{}
		for k, v := range good {
			document[k] = v
		}
		if document[c.member] = c.value; c.value == nil {
			delete(document, c.member)
		}
		a, err := ParseDeviceAuthorization(must(strictjson.Parse([]byte(text(document)))), time.Minute)
		if (err == nil) != c.ok {
			t.Errorf("%s: error %v, want ok %v", name, err, c.ok)
		}
		if err == nil && (string(a.DeviceCode) != "d" || a.ExpiresIn != time.Minute || !strings.HasPrefix(a.VerificationURIComplete, a.VerificationURI)) {
			t.Errorf("%s: %+v", name, a)
		}
		if err != nil && !strings.HasPrefix(err.Error(), c.member+" is ") {
			t.Errorf("%s: %v does not name %s", name, err, c.member)
		}
	}
}
