package screen

import (
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// SetupStage is how far a device without a registration has come on its way to one.
type SetupStage uint8

// The stages.
const (
	SetupBegins    SetupStage = iota // the authorization server is being asked for a code
	SetupSignIn                      // a technician is to sign in on their phone
	SetupRegisters                   // the technician approved
	SetupStuck                       // something is in the way; it is tried again
)

// Setup is a device without a registration, which shows by itself how to get one. No
// customer is served meanwhile, so it is no phase of a visit.
type Setup struct {
	Stage SetupStage
	Grant kiosk.Grant // with SetupSignIn
	// Since and Until are uptimes: from and to when the code is good, or, with
	// SetupStuck, it is not tried again.
	Since, Until time.Duration

	Why    kiosk.Reason // with SetupStuck
	Busy   bool         // with SetupStuck: somebody sets the device up by hand
	Orphan string       // with SetupStuck: a client of this name may be left at the server

	Language int // as State.Language
}

// ViewSetup is what a technician may see of it. No key has to be pressed, since there may
// be no keyboard; where there is one, it can choose the language. It is a plain function
// of what it is given.
func ViewSetup(u Setup, now time.Duration, w Catalog, at Device) Screen {
	v := view{now: now, w: w, at: at, sc: Screen{Phase: kiosk.Waiting, Tone: Busy, Site: at.Site, Title: w.Text(MsgSetupTitle)}}
	v.s = kiosk.State{
		Phase: kiosk.Waiting, Language: u.Language,
		Request: kiosk.RequestState{Schedule: kiosk.PollSchedule{RequestSent: u.Since, Deadline: u.Until}},
	}
	switch u.Stage {
	case SetupBegins:
		v.addLines(MsgDeviceFlowAsking)
	case SetupSignIn:
		v.sc.Code, v.sc.SpelledCode = u.Grant.UserCode, SpellOut(u.Grant.UserCode)
		v.sc.Gauge = v.timeLeft()
		v.sc.Lines = append(v.sc.Lines, w.Text(MsgSetupOpen, "address", strings.TrimPrefix(u.Grant.Address, "https://")))
		v.sc.Link = &Link{URL: u.Grant.Complete, Caption: w.Text(MsgDeviceFlowScan), Optional: true}
	case SetupRegisters:
		v.sc.Tone = Good
		v.addLines(MsgSetupRegisters)
	case SetupStuck:
		v.sc.Tone = Alert
		v.sc.Title = w.Text(MsgSetupStuck)
		v.sc.Lines = append(v.sc.Lines, u.fixText(w))
		v.sc.Gauge = v.timeLeft()
		v.sc.Gauge.Text = w.Text(MsgSetupAgain, "n", v.s.Left(now))
	}
	if at.Name != "" {
		v.sc.Lines = append(v.sc.Lines, w.Text(MsgClosedDevice, "device", strings.TrimSpace(at.Name+" "+at.Address)))
	}
	v.languageKey()
	return v.sc
}

// cure is what is in the way, and what to do about it.
func (u Setup) fixText(w Catalog) string {
	switch {
	case u.Orphan != "":
		return w.Text(MsgSetupOrphan, "name", u.Orphan)
	case u.Busy:
		return w.Text(MsgSetupBusy)
	}
	switch u.Why {
	case kiosk.Unreachable:
		return w.Text(MsgSetupNetwork)
	case kiosk.BadClock:
		return w.Text(MsgClosedClock)
	case kiosk.Declined:
		return w.Text(MsgSetupDeclined)
	case kiosk.Internal:
		return w.Text(MsgClosedStore)
	}
	return w.Text(MsgSetupServer)
}
