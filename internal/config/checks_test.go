package config

import (
	"strings"
	"testing"
)

// TestCheckSealedCredentials: a credential that is encrypted for the service is missing in a technician's shell, although
// nothing is wrong with the device.
func TestCheckSealedCredentials(t *testing.T) {
	s := &Settings{StateDir: t.TempDir()}
	sealed := Problem{Setting: "KIOSK_CLIENT_KEY_FILE", Cause: "it is encrypted", Denied: true, Sealed: true}
	c := Checks{Settings: s, Err: Problems{sealed}}
	if o := c.CheckSettings(); !strings.Contains(o.Text, "this user may not read it: KIOSK_CLIENT_KEY_FILE") || !strings.Contains(o.Fix, "systemd-run") {
		t.Errorf("sealed key: %+v", o)
	}
	c.Err = Problems{sealed, {Setting: "KIOSK_ISSUER", Cause: "is missing"}}
	if o := c.CheckSettings(); strings.Contains(o.Text, "this user may not") {
		t.Errorf("sealed key and missing issuer: the issuer is not reported: %+v", o)
	}
}
