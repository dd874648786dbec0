//go:build keycloak

package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestDoctorAtKeycloak: the doctor finds what the server does not allow this client, without a person.
func TestDoctorAtKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloakShop(t)
	private, public := keyPair(t)
	k.newClient(t, "doctor-device", deviceClient)
	k.newClient(t, "doctor-plain")
	for _, c := range []struct {
		name     string
		change   func(client, attributes object)
		settings []string
		check    string // with this result
		result   string
		words    string // in the text or the fix
	}{
		{"right", nil, nil, "grant", "ok", "phone service"},
		{"device client", nil, []string{"KIOSK_DEVICE_CLIENT_ID=doctor-device"}, "device", "ok", "QR code"},
		{"wrong secret", nil, []string{"secret"}, "client", "failed", "KIOSK_CLIENT_ID"},
		{"grant off", func(_, a object) { a["oidc.ciba.grant.enabled"] = "false" }, nil, "grant", "failed", "allow the grant"},
		{"DPoP demanded", func(_, a object) { a["dpop.bound.access.tokens"] = "true" }, nil, "grant", "failed", "KIOSK_DPOP=true"},
		{"DPoP demanded of a key", func(c, a object) { signsWith(public)(c, a); a["dpop.bound.access.tokens"] = "true" }, []string{"key"}, "grant", "failed", "KIOSK_DPOP=true"},
		{"DPoP", func(_, a object) { a["dpop.bound.access.tokens"] = "true" }, []string{"KIOSK_DPOP=true"}, "grant", "ok", "takes this client's requests"},
		{"device client is nonsense", nil, []string{"KIOSK_DEVICE_CLIENT_ID=nobody"}, "device", "failed", "KIOSK_DEVICE_CLIENT_ID"},
		{"device client without the grant", nil, []string{"KIOSK_DEVICE_CLIENT_ID=doctor-plain"}, "device", "failed", "KIOSK_DEVICE_CLIENT_ID"},
		{"unknown scope", nil, []string{"KIOSK_SCOPE=openid nonsense"}, "scopes", "failed", "KIOSK_SCOPE"},
	} {
		id := "doctor-" + strings.ReplaceAll(c.name, " ", "-")
		var change []func(client, attributes object)
		if c.change != nil {
			change = append(change, c.change)
		}
		k.newClient(t, id, change...)
		t.Run(c.name, func(t *testing.T) {
			r := k.rig(t, id)
			for _, s := range c.settings {
				switch s {
				case "secret":
					r.write("client-secret", "another secret")
				case "key":
					delete(r.env, "KIOSK_CLIENT_SECRET_FILE")
					r.set("KIOSK_CLIENT_KEY_FILE=" + r.write("client.pem", private))
				default:
					r.set(s)
				}
			}
			d := r.start("doctor", "--json", "--tty", "nowhere")
			d.wait()
			for _, l := range d.lines() {
				if l["check"] == c.check {
					if all := fmt.Sprint(l); l["result"] != c.result || !strings.Contains(all, c.words) {
						t.Errorf("%s", all)
					}
					return
				}
			}
			t.Errorf("no check %q:\n%s%s", c.check, d.out.text(), d.err.text())
		})
	}
}
