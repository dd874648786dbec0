package status

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
)

// Check reports problems that the running kiosk sees. s and err are the answer to a status request.
func Check(s Status, err error) check.Outcome {
	switch {
	case errors.Is(err, control.ErrNotRunning):
		return check.Skip("no kiosk is running")
	case errors.Is(err, fs.ErrPermission):
		return check.Skip("only root and members of the group kiosk may ask the running kiosk")
	case err != nil:
		return check.Warn("the kiosk does not answer: "+err.Error(), "systemctl restart kiosk")
	case s.SetUp != nil:
		return check.Warn("the device is being set up on its screen", "sign in on a phone as the screen shows; kiosk status shows the same")
	case s.State == OutOfService:
		return check.Warn("the kiosk is out of service: "+strings.Join(s.Why, ", "), "see kiosk status; kiosk service on ends an outage")
	case s.Settings != "":
		return check.Warn("new settings were rejected: see kiosk status", "correct them, then run: systemctl reload kiosk")
	}
	for _, i := range s.Health {
		if !i.OK && i.Behind == "" {
			return check.Warn("the kiosk reports "+i.Name+": "+i.Cause, "see kiosk status")
		}
	}
	return check.Pass("a kiosk is running, version %s", s.Version)
}
