package screen

import (
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Device is what a screen says of the device itself.
type Device struct {
	Site          string    // where it stands
	Name          string    // its name, for staff on the telephone
	Address       string    // its network address, on Closed
	Link          string    // an address shown as QR code on Ready; empty for none
	StartingCause MessageID // with Starting: the sentence that says why; empty where nobody knows yet
	OutageText    string    // what the operator says while the device is out of service for maintenance; one harmless line

	// Opens is when the device serves again, by the time of the place, while it is OutsideHours.
	Opens time.Time

	Languages []string // what the languages to choose from call themselves, in the order of State.Language
}

// View is what a person may see of a visit, in one language. It is a plain
// function of what it is given; p is empty except where the phase shows it.
func View(s kiosk.State, now time.Duration, w Catalog, p kiosk.Private, at Device) Screen {
	v := view{s: s, now: now, w: w, at: at, sc: Screen{Phase: s.Phase, Site: at.Site}}
	switch s.Phase {
	case kiosk.Ready:
		v.ready(at)
	case kiosk.Closed:
		v.closed(at)
	case kiosk.Identify:
		v.identify(p)
	case kiosk.EnterUserCode:
		v.userCode()
	case kiosk.Asking:
		v.asking()
	case kiosk.Waiting:
		if s.Flow == kiosk.DeviceFlow {
			v.deviceFlow(p.Grant)
			break
		}
		v.waiting()
	case kiosk.Checking, kiosk.Fetching:
		v.working()
	case kiosk.Shown:
		v.shown(p)
	case kiosk.Ended:
		v.ended()
	case kiosk.Menu:
		v.menu(p)
	case kiosk.Clearing:
		v.sc.Title = w.Text(MsgClearing)
	}
	v.technicianTexts()
	v.idlePrompt()
	return v.sc
}

type view struct {
	s   kiosk.State
	now time.Duration
	w   Catalog
	at  Device
	sc  Screen
}

func (v *view) addLines(words ...MessageID) {
	for _, w := range words {
		v.sc.Lines = append(v.sc.Lines, v.w.Text(w))
	}
}

func (v *view) addKey(does kiosk.KeyName, cap string, w MessageID) {
	v.sc.Keys = append(v.sc.Keys, Key{Cap: cap, Text: v.w.Text(w), Does: does})
}

func (v *view) ready(at Device) {
	v.sc.Title = v.w.Text(MsgReadyTitle)
	v.addLines(MsgReadyLines)
	if at.Link != "" {
		v.sc.Link = &Link{URL: at.Link, Caption: v.w.Text(MsgReadyLink)}
	}
	if len(at.Languages) > 1 {
		// In their own words, for those who cannot read this one.
		v.sc.Lines = append(v.sc.Lines, strings.Join(at.Languages, ", "))
	}
	v.addKey(kiosk.OtherKey, v.w.Text(MsgKeyAnyCap), MsgKeyBegin)
	v.languageKey()
	v.helpKey()
}

// language is the key to the next language, under the name that this one has for itself.
func (v *view) languageKey() {
	if n := len(v.at.Languages); n > 1 {
		v.sc.Keys = append(v.sc.Keys, Key{Cap: "Tab", Text: v.at.Languages[(v.s.Language+1)%n], Does: kiosk.TabKey})
	}
}

// closures in the order in which they are told: the first one is the cause of
// the others more often than not.
var closures = []struct {
	why  kiosk.Closures
	word MessageID
}{
	{kiosk.Maintenance, MsgClosedMaintenance},
	{kiosk.OutsideHours, MsgClosedHours},
	{kiosk.SettingsBad, MsgClosedSettings},
	{kiosk.StoreDown, MsgClosedStore},
	{kiosk.ClockWrong, MsgClosedClock},
	{kiosk.Starting, MsgClosedStart},
}

func (v *view) closed(at Device) {
	v.sc.Tone = Alert
	v.sc.Title = v.w.Text(MsgClosedTitle)
	for _, c := range closures {
		if v.s.Closures&c.why == 0 {
			continue
		}
		switch {
		case c.why == kiosk.OutsideHours:
			v.outsideHours(at)
		case c.why == kiosk.Starting && at.StartingCause != "":
			v.addLines(at.StartingCause)
		default:
			v.addLines(c.word)
		}
		if c.why == kiosk.Maintenance && at.OutageText != "" {
			v.sc.Lines = append(v.sc.Lines, at.OutageText)
		}
		break
	}
	if v.sc.Tone == Alert { // else there is nothing to help with
		v.addLines(MsgClosedStaff)
	}
	if at.Name != "" {
		v.sc.Lines = append(v.sc.Lines, v.w.Text(MsgClosedDevice, "device", strings.TrimSpace(at.Name+" "+at.Address)))
	}
}

// outsideHours: nothing is wrong, nobody is to be called, and probably nobody is there.
func (v *view) outsideHours(at Device) {
	v.sc.Tone = Calm
	v.sc.Title = v.w.Text(MsgClosedHours)
	if !at.Opens.IsZero() {
		v.sc.Lines = append(v.sc.Lines, v.w.Text(MsgClosedOpens, "day", v.w.Text(dayWord(at.Opens.Weekday())), "time", at.Opens.Format("15:04")))
	}
}

func (v *view) identify(p kiosk.Private) {
	kind := v.s.Rules.Kind
	v.sc.Title = v.w.Text(MsgIdentifyTitle)
	e := &Entry{Label: v.w.Text(label(kind)), Text: p.Input, Example: v.w.Text(example(kind))}
	if v.s.Input.ProblemShown && v.s.Input.Problem != kiosk.NoProblem {
		e.Problem = v.w.Text(ProblemText(v.s.Input.Problem))
	}
	v.sc.Entry = e
	v.sc.Keypad = keypad(v.s)
	v.addLines(MsgIdentifyPrivacy)
	v.addKey(kiosk.EnterKey, "Enter", MsgKeySend)
	v.languageKey()
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyCancel)
}

func (v *view) userCode() {
	v.sc.Title = v.w.Text(MsgCodeTitle)
	d := v.s.Input
	e := &Entry{Label: v.w.Text(MsgCodeLabel), Text: strings.Repeat("*", d.Length)}
	switch {
	case d.ProblemShown && d.Problem != kiosk.NoProblem:
		e.Problem = v.w.Text(ProblemText(d.Problem))
	case v.s.UserCode.Tries > 0 && d.Length == 0:
		e.Problem = v.w.Text(MsgCodeWrong, "n", v.s.Rules.MaxCodeTries-v.s.UserCode.Tries)
	}
	v.sc.Entry = e
	v.sc.Keypad = keypad(v.s)
	v.addLines(MsgCodeLines)
	v.addKey(kiosk.EnterKey, "Enter", MsgKeySend)
	v.languageKey()
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyCancel)
}

func (v *view) asking() {
	v.sc.Tone = Busy
	v.sc.Title = v.w.Text(MsgAskingTitle)
	if v.s.Flow == kiosk.DeviceFlow {
		v.sc.Title = v.w.Text(MsgDeviceFlowAsking)
	} else {
		v.addLines(MsgAskingLines)
	}
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyCancel)
}

func (v *view) waiting() {
	s := v.s
	v.sc.Tone = Busy
	v.sc.Title = v.w.Text(MsgWaitingTitle)
	v.sc.Code = s.Request.Code
	v.sc.SpelledCode = SpellOut(s.Request.Code)
	v.sc.Gauge = v.timeLeft()
	v.addLines(MsgWaitingSame, phoneHint(s.Request.PhoneHint))
	if s.Masked != "" {
		v.sc.Lines = append(v.sc.Lines, v.w.Text(MsgWaitingWho, "who", s.Masked))
	}
	if s.Request.Schedule.ConnectionLost {
		v.sc.Tone = Alert
		v.sc.Warning = v.w.Text(MsgWaitingLost)
	}
	if s.OffersDeviceFlow() {
		v.digitKey('2', MsgKeyDeviceFlow)
	}
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyCancel)
}

// second is Waiting on the second road: any phone opens the address, and on it the
// person signs in as who they said they are here. The code stands beside the picture so
// that they can see that both belong together (RFC 8628, 3.3.1).
func (v *view) deviceFlow(g kiosk.Grant) {
	s := v.s
	v.sc.Tone = Busy
	v.sc.Title = v.w.Text(MsgDeviceFlowTitle)
	v.sc.Code = g.UserCode
	v.sc.SpelledCode = SpellOut(g.UserCode)
	v.sc.Gauge = v.timeLeft()
	v.sc.Lines = append(v.sc.Lines, v.w.Text(MsgDeviceFlowOpen, "address", strings.TrimPrefix(g.Address, "https://")))
	if s.Masked != "" {
		v.sc.Lines = append(v.sc.Lines, v.w.Text(MsgDeviceFlowWho, "who", s.Masked))
	}
	v.sc.Link = &Link{URL: g.Complete, Caption: v.w.Text(MsgDeviceFlowScan), Optional: true}
	if s.Request.Schedule.ConnectionLost {
		v.sc.Tone = Alert
		v.sc.Warning = v.w.Text(MsgWaitingLost)
	}
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyCancel)
}

func (v *view) timeLeft() *Gauge {
	n := v.s.Left(v.now)
	g := &Gauge{}
	if whole := v.s.Request.Schedule.Deadline - v.s.Request.Schedule.RequestSent; whole > 0 && n > 0 {
		g.Part = min(1, float64(v.s.Request.Schedule.Deadline-v.now)/float64(whole))
	}
	switch {
	case n == 0:
		g.Text = v.w.Text(MsgWaitingUp)
	case n > 90:
		g.Text = v.w.Text(MsgWaitingLeftMin, "n", (n+59)/60)
	default:
		g.Text = v.w.Text(MsgWaitingLeft, "n", n)
	}
	return g
}

// SpellOut gives a code letter by letter, groups apart, for reading out.
func SpellOut(code string) string {
	groups := strings.Split(code, "-")
	for i, g := range groups {
		groups[i] = strings.Join(strings.Split(g, ""), " ")
	}
	return strings.Join(groups, " - ")
}

func (v *view) working() {
	v.sc.Tone = Good
	v.sc.Title = v.w.Text(MsgApprovedTitle)
	fetching := v.s.Phase == kiosk.Fetching
	checked, fetched := Doing, ToDo
	if fetching {
		checked, fetched = Done, Doing
	}
	v.sc.Steps = []ListStep{
		{v.w.Text(MsgStepApproved), Done},
		{v.w.Text(MsgStepChecking), checked},
		{v.w.Text(MsgStepFetching), fetched},
	}
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyCancel)
}

func (v *view) shown(p kiosk.Private) {
	v.sc.Tone = Good
	if !v.s.Reading.Revealed {
		v.sc.Title = v.w.Text(MsgShownTitle)
		v.addLines(MsgShownHidden)
		v.addKey(kiosk.OtherKey, v.w.Text(MsgKeyAnyCap), MsgKeyShow)
		v.helpKey()
		v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
		return
	}
	v.sc.Title = p.Result.Title
	if v.sc.Title == "" {
		v.sc.Title = v.w.Text(MsgShownTitle)
	}
	v.sc.Details, v.sc.Page = p.Result.Fields, v.s.Reading.Page
	v.sc.Paging = v.w.Text(MsgShownPaging)
	if len(p.Result.Fields) == 0 {
		v.addLines(MsgShownEmpty)
	}
	v.sc.Keys = append(v.sc.Keys, Key{Cap: "↓", Text: v.w.Text(MsgKeyPage), Does: kiosk.DownKey, TurnsPages: true})
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
}

func (v *view) ended() {
	s := v.s
	v.sc.Tone = Bad
	v.sc.Title = v.w.Text(EndedTitle(s.Ending.Reason))
	if s.Ending.Ambiguous {
		v.sc.Title = v.w.Text(MsgEndedAmbiguous)
	}
	if s.Ending.Reason == kiosk.Cancelled { // the customer's own wish is no failure
		v.sc.Tone = Calm
	}
	v.addLines(Advice(s))
	if s.Ending.Reason == kiosk.HeldBack {
		v.throttled()
	}
	if s.CanAskAgain() && s.ThrottledFor(v.now) == 0 {
		v.digitKey('1', MsgKeyAgain)
	}
	if s.OffersDeviceFlow() {
		v.digitKey('2', MsgKeyDeviceFlow)
	}
	if s.OffersDiagnosis() {
		v.digitKey('3', MsgKeyDiagnosis)
	}
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
}

// held is the push guard's screen: the time to wait counts down. Nothing on it
// says whether there is such a person or a phone: the guard is asked before the
// server, and counts requests for nobody like any other.
func (v *view) throttled() {
	v.sc.Tone = Calm
	left := v.s.ThrottledFor(v.now)
	v.sc.Gauge = &Gauge{Text: WaitText(v.w, left)}
	if whole := v.s.Ending.Throttle.Wait; whole > 0 {
		v.sc.Gauge.Part = min(1, float64(left)/float64(whole))
	}
	if v.s.Ending.Throttle.Abuse {
		v.sc.Tone = Alert
		v.sc.Warning = v.w.Text(MsgThrottledStaff)
	}
}

// WaitText says how long until the push guard lets another request go, rounded up
// to what people count in.
func WaitText(w Catalog, left time.Duration) string {
	up := func(unit time.Duration) int { return int((left + unit - 1) / unit) }
	switch {
	case left <= 0:
		return w.Text(MsgThrottledOver)
	case left <= 90*time.Second:
		return w.Text(MsgThrottledSeconds, "n", up(time.Second))
	case left <= 90*time.Minute:
		return w.Text(MsgThrottledMinutes, "n", up(time.Minute))
	}
	return w.Text(MsgThrottledHours, "n", up(time.Hour))
}

// hide leaves nothing on the screen but the title while nobody is known to be there:
// neither what is personal nor pieces of sentences beside the question.
func (v *view) hide() {
	switch v.s.Phase {
	case kiosk.Shown:
		v.sc.Title = v.w.Text(MsgShownTitle)
	case kiosk.Menu:
		v.sc.Title = v.w.Text(MsgMenuTitle)
	}
	v.sc = Screen{Phase: v.sc.Phase, Tone: v.sc.Tone, Site: v.sc.Site, Title: v.sc.Title, Keys: v.sc.Keys}
}

func (v *view) idlePrompt() {
	if !v.s.Idle.Prompted {
		return
	}
	n := int((v.s.Idle.PromptedAt + v.s.Rules.PromptTime - v.now + time.Second - 1) / time.Second)
	text := MsgIdleText
	v.sc.Keys = nil
	if v.s.Idle.Extensions < v.s.Rules.MaxExtensions {
		v.addKey(kiosk.OtherKey, v.w.Text(MsgKeyAnyCap), MsgKeyMore)
	} else {
		text = MsgIdleLast
	}
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
	v.hide()
	v.sc.Notice = &Notice{Title: v.w.Text(MsgIdleTitle), Text: v.w.Text(text, "n", max(n, 0))}
}
