package screen

import "github.com/ciba-kiosk/ciba-kiosk/kiosk"

// emphasize chooses the headline and the picture of a screen: what a person sees first, from some distance.
func (v *view) emphasize() {
	switch v.s.Phase {
	case kiosk.Ready:
		v.out.Logo = true
		v.headline(MsgHeadlineReady, CardPicture)
		if text := v.device.welcome(v.s.Language); text != "" {
			v.welcome(text)
		}
	case kiosk.Closed:
		v.out.Logo = true
		v.headline(MsgHeadlineClosed, LockPicture)
		if v.out.Tone == Calm { // it only opens later
			v.out.Picture = ClockPicture
		}
	case kiosk.Identify, kiosk.EnterUserCode:
		v.identifyEmphasis()
	case kiosk.Asking:
		v.headline(MsgHeadlineAsking, PhonePicture)
	case kiosk.Waiting:
		if v.out.Link == nil { // else the QR code has its place
			v.out.Picture = PhonePicture
		}
	case kiosk.Checking, kiosk.Fetching:
		v.out.Headline, v.out.Picture = v.out.Title, TickPicture
	case kiosk.Shown:
		if !v.s.Reading.Revealed {
			v.headline(MsgHeadlineShown, TickPicture)
		}
	case kiosk.Ended:
		e := endings[v.s.Ending.Reason]
		v.out.Headline, v.out.Picture = v.out.Title, e.picture
		if e.headline != "" {
			v.out.Headline = v.text(e.headline)
		}
		if v.s.Ending.Ambiguous {
			v.headline(MsgHeadlineExpired, ClockPicture)
		}
	case kiosk.Clearing:
		v.out.Headline = v.out.Title
	}
}

// welcome puts the owner's text first; how to begin is the first sentence then.
func (v *view) welcome(text string) {
	v.out.Lines = append([]string{v.out.Title}, v.out.Lines...)
	v.out.Headline, v.out.Title = text, text
}

func (v *view) headline(id MessageID, picture Picture) {
	v.out.Headline, v.out.Picture = v.text(id), picture
}

// identifyEmphasis leaves the whole screen to a keypad.
func (v *view) identifyEmphasis() {
	if v.out.Keypad != nil {
		return
	}
	if v.s.Phase == kiosk.Identify && v.s.OnlyScans() {
		v.out.Headline, v.out.Picture = v.out.Title, CardPicture
		return
	}
	v.out.Picture = PersonPicture
	if v.s.Phase == kiosk.EnterUserCode {
		v.out.Picture = LockPicture
	}
	if !v.s.Technician {
		v.out.Headline = v.out.Title
	}
}

// endings are the headlines and pictures of the ways in which a visit ends. Several share one: the title says more.
var endings = map[kiosk.Reason]struct {
	headline MessageID
	picture  Picture
}{
	kiosk.Declined:       {MsgHeadlineDeclined, CrossPicture},
	kiosk.Expired:        {MsgHeadlineExpired, ClockPicture},
	kiosk.Cancelled:      {"", CrossPicture}, // the title is short
	kiosk.Unreachable:    {MsgHeadlineNoConnection, CrossPicture},
	kiosk.ServiceDown:    {MsgHeadlineSorry, CrossPicture},
	kiosk.Refused:        {MsgHeadlineImpossible, CrossPicture},
	kiosk.Untrusted:      {MsgHeadlineImpossible, LockPicture},
	kiosk.WrongPerson:    {MsgHeadlineImpossible, LockPicture},
	kiosk.NoAccess:       {MsgHeadlineImpossible, LockPicture},
	kiosk.HeldBack:       {MsgHeadlineWait, ClockPicture},
	kiosk.BadClock:       {MsgHeadlineSorry, ClockPicture},
	kiosk.Internal:       {MsgHeadlineSorry, CrossPicture},
	kiosk.Misconfigured:  {MsgHeadlineSorry, CrossPicture},
	kiosk.NotProvisioned: {MsgHeadlineSorry, CrossPicture},
}
