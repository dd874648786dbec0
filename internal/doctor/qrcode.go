package doctor

import (
	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/qr"
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// checkQR draws the screen with the longest address and examines its QR code.
func (s *Suite) checkQR() check.Outcome {
	address, view := s.longestLink()
	if address == "" {
		return check.Skip("no address is shown as a QR code")
	}
	return s.onTerminal(func(t font.Terminal) check.Outcome {
		halfBlocks := t.Characters == nil || t.Characters['▀']
		drawn := layout.Draw(view, t.Columns, t.Rows, layout.Options{HalfBlocks: halfBlocks, Font: t.Characters})
		return qr.Check(address, t.Columns, t.Rows, halfBlocks, drawn.HasQRCode(), s.panelHeight())
	})()
}

// longestLink returns the longest address that is shown as a QR code, with its screen; empty if there is none. The address of
// a device authorization is estimated from the one in RFC 8628, section 3.3.1.
func (s *Suite) longestLink() (address string, view screen.Screen) {
	ready, device := s.Settings.ReadyLink, s.Settings.Issuer+"/device?user_code=WDJB-MJHT"
	texts, err := words.Open(s.Settings.Languages[0])
	if err != nil {
		return "", view // the check "settings" has failed
	}
	shown := screen.Device{Site: s.Settings.Site, Link: ready, Languages: s.Settings.Languages}
	state := kiosk.State{Phase: kiosk.Ready}
	private := kiosk.Private{}
	if address = ready; s.Settings.DeviceClientID != "" && len(device) > len(ready) {
		address = device
		state = kiosk.State{Phase: kiosk.Waiting, Flow: kiosk.DeviceFlow}
		private.Grant = kiosk.Grant{Address: s.Settings.Issuer + "/device", Complete: device, UserCode: "WDJB-MJHT"}
	}
	return address, screen.View(state, 0, texts, private, shown)
}
