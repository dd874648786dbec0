package screen

import (
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// SetupStage is the progress of a device that registers itself.
type SetupStage uint8

// The stages.
const (
	SetupBegins    SetupStage = iota // the device asks the authorization server for a code
	SetupSignIn                      // a technician has to sign in on their phone
	SetupRegisters                   // the technician approved
	SetupStuck                       // something failed; the device tries again
)

// Setup is the state of a device without a registration. It serves no customer, so this is no phase of a visit.
type Setup struct {
	Stage SetupStage
	Grant kiosk.Grant // with SetupSignIn
	// Since and Until are uptimes: the lifetime of the code or, with SetupStuck, the pause before the next attempt.
	Since, Until time.Duration

	Why    kiosk.Reason // with SetupStuck
	Busy   bool         // with SetupStuck: somebody sets the device up by hand
	Orphan string       // with SetupStuck: name of a client that may be left at the server

	Language int // as State.Language
}

// ViewSetup returns the screen of a device that registers itself. No key has to be pressed, because there may be no keyboard;
// a keyboard can choose the language.
func ViewSetup(u Setup, now time.Duration, c Catalog, device Device) Screen {
	v := view{now: now, catalog: c, device: device, out: Screen{Phase: kiosk.Waiting, Tone: Busy, Site: device.Site, Title: c.Text(MsgSetupTitle)}}
	v.s = kiosk.State{
		Phase: kiosk.Waiting, Language: u.Language,
		Request: kiosk.RequestState{Schedule: kiosk.PollSchedule{RequestSent: u.Since, Deadline: u.Until}},
	}
	switch u.Stage {
	case SetupBegins:
		v.addLines(MsgDeviceFlowAsking)
	case SetupSignIn:
		v.out.Code, v.out.SpelledCode = u.Grant.UserCode, SpellOut(u.Grant.UserCode)
		v.out.Gauge = v.timeLeft()
		v.out.Lines = append(v.out.Lines, c.Text(MsgSetupOpen, "address", strings.TrimPrefix(u.Grant.Address, "https://")))
		v.out.Link = &Link{URL: u.Grant.Complete, Caption: c.Text(MsgDeviceFlowScan), Optional: true}
	case SetupRegisters:
		v.out.Tone = Good
		v.addLines(MsgSetupRegisters)
	case SetupStuck:
		v.out.Tone = Alert
		v.out.Title = c.Text(MsgSetupStuck)
		v.out.Lines = append(v.out.Lines, u.fixText(c))
		v.out.Gauge = v.timeLeft()
		v.out.Gauge.Text = c.Text(MsgSetupAgain, "n", v.s.Left(now))
	}
	if device.Name != "" {
		v.out.Lines = append(v.out.Lines, c.Text(MsgClosedDevice, "device", strings.TrimSpace(device.Name+" "+device.Address)))
	}
	v.languageKey()
	return v.out
}

// fixText says what failed and what to do about it.
func (u Setup) fixText(c Catalog) string {
	switch {
	case u.Orphan != "":
		return c.Text(MsgSetupOrphan, "name", u.Orphan)
	case u.Busy:
		return c.Text(MsgSetupBusy)
	}
	switch u.Why {
	case kiosk.Unreachable:
		return c.Text(MsgSetupNetwork)
	case kiosk.BadClock:
		return c.Text(MsgClosedClock)
	case kiosk.Declined:
		return c.Text(MsgSetupDeclined)
	case kiosk.Internal:
		return c.Text(MsgClosedStore)
	}
	return c.Text(MsgSetupServer)
}
