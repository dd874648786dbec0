package kiosk

import (
	"strings"
	"time"
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
	Grant Grant // with SetupSignIn
	// Since and Until are uptimes: from and to when the code is good, or, with
	// SetupStuck, it is not tried again.
	Since, Until time.Duration

	Why    Reason // with SetupStuck
	Busy   bool   // with SetupStuck: somebody sets the device up by hand
	Orphan string // with SetupStuck: a client of this name may be left at the server

	Language int // as State.Language
}

// ViewSetup is what a technician may see of it. No key has to be pressed, since there may
// be no keyboard; where there is one, it can choose the language. It is a plain function
// of what it is given.
func ViewSetup(u Setup, now time.Duration, w Words, at Place) Screen {
	v := view{now: now, w: w, at: at, sc: Screen{Phase: Waiting, Tone: Busy, Site: at.Site, Title: w.Say(WordSetupTitle)}}
	v.s = State{Phase: Waiting, Language: u.Language, Pace: Pace{Sent: u.Since, Deadline: u.Until}}
	switch u.Stage {
	case SetupBegins:
		v.lines(WordSecondAsking)
	case SetupSignIn:
		v.sc.Code, v.sc.Spelt = u.Grant.UserCode, Spell(u.Grant.UserCode)
		v.sc.Gauge = v.left()
		v.sc.Lines = append(v.sc.Lines, w.Say(WordSetupOpen, "address", strings.TrimPrefix(u.Grant.Address, "https://")))
		v.sc.Link = &Link{URL: u.Grant.Complete, Caption: w.Say(WordSecondScan), Bare: true}
	case SetupRegisters:
		v.sc.Tone = Good
		v.lines(WordSetupRegisters)
	case SetupStuck:
		v.sc.Tone = Alert
		v.sc.Title = w.Say(WordSetupStuck)
		v.sc.Lines = append(v.sc.Lines, u.cure(w))
		v.sc.Gauge = v.left()
		v.sc.Gauge.Text = w.Say(WordSetupAgain, "n", v.s.Left(now))
	}
	if at.Device != "" {
		v.sc.Lines = append(v.sc.Lines, w.Say(WordClosedDevice, "device", strings.TrimSpace(at.Device+" "+at.Address)))
	}
	v.language()
	return v.sc
}

// cure is what is in the way, and what to do about it.
func (u Setup) cure(w Words) string {
	switch {
	case u.Orphan != "":
		return w.Say(WordSetupOrphan, "name", u.Orphan)
	case u.Busy:
		return w.Say(WordSetupBusy)
	}
	switch u.Why {
	case Unreachable:
		return w.Say(WordSetupNetwork)
	case BadClock:
		return w.Say(WordClosedClock)
	case Declined:
		return w.Say(WordSetupDeclined)
	case Internal:
		return w.Say(WordClosedStore)
	}
	return w.Say(WordSetupServer)
}
