package screen

import (
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Device is what a screen shows of the device itself.
type Device struct {
	Site          string    // name of the place
	Name          string    // name of the device, for a telephone call
	Address       string    // network address, shown in Closed
	Link          string    // address shown as a QR code in Ready; empty for none
	StartingCause MessageID // with the closure Starting: why; empty if unknown
	OutageText    string    // with the closure Maintenance: the operator's text, one clean line
	Opens         time.Time // with the closure OutsideHours: when the device opens again, in local time
	Languages     []string  // the languages' own names, in the order of State.Language
}

// View returns what a person may see of a visit, in one language. p is empty except in the phases that show it.
func View(s kiosk.State, now time.Duration, w Catalog, p kiosk.Private, device Device) Screen {
	v := view{s: s, now: now, w: w, device: device, out: Screen{Phase: s.Phase, Site: device.Site}}
	switch s.Phase {
	case kiosk.Ready:
		v.ready(device)
	case kiosk.Closed:
		v.closed(device)
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
		v.out.Title = w.Text(MsgClearing)
	}
	v.technicianTexts()
	v.idlePrompt()
	return v.out
}

type view struct {
	s      kiosk.State
	now    time.Duration
	w      Catalog
	device Device
	out    Screen
}

func (v *view) addLines(words ...MessageID) {
	for _, w := range words {
		v.out.Lines = append(v.out.Lines, v.w.Text(w))
	}
}

func (v *view) addKey(does kiosk.KeyName, cap string, w MessageID) {
	v.out.Keys = append(v.out.Keys, Key{Cap: cap, Text: v.w.Text(w), Does: does})
}

func (v *view) ready(device Device) {
	v.out.Title = v.w.Text(MsgReadyTitle)
	v.addLines(MsgReadyLines)
	if device.Link != "" {
		v.out.Link = &Link{URL: device.Link, Caption: v.w.Text(MsgReadyLink)}
	}
	if len(device.Languages) > 1 {
		// In each language, for people who cannot read the present one.
		v.out.Lines = append(v.out.Lines, strings.Join(device.Languages, ", "))
	}
	v.addKey(kiosk.OtherKey, v.w.Text(MsgKeyAnyCap), MsgKeyBegin)
	v.languageKey()
	v.helpKey()
}

// languageKey offers the next language, by its own name.
func (v *view) languageKey() {
	if n := len(v.device.Languages); n > 1 {
		v.out.Keys = append(v.out.Keys, Key{Cap: "Tab", Text: v.device.Languages[(v.s.Language+1)%n], Does: kiosk.TabKey})
	}
}

// closures are in the order of importance; only the first one is shown, because it is usually the cause of the others.
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

func (v *view) closed(device Device) {
	v.out.Tone = Alert
	v.out.Title = v.w.Text(MsgClosedTitle)
	for _, c := range closures {
		if v.s.Closures&c.why == 0 {
			continue
		}
		switch {
		case c.why == kiosk.OutsideHours:
			v.outsideHours(device)
		case c.why == kiosk.Starting && device.StartingCause != "":
			v.addLines(device.StartingCause)
		default:
			v.addLines(c.word)
		}
		if c.why == kiosk.Maintenance && device.OutageText != "" {
			v.out.Lines = append(v.out.Lines, device.OutageText)
		}
		break
	}
	if v.out.Tone == Alert { // else nobody has to help
		v.addLines(MsgClosedStaff)
	}
	if device.Name != "" {
		v.out.Lines = append(v.out.Lines, v.w.Text(MsgClosedDevice, "device", strings.TrimSpace(device.Name+" "+device.Address)))
	}
}

// outsideHours shows when the device opens. Nothing is wrong, so nobody has to be called.
func (v *view) outsideHours(device Device) {
	v.out.Tone = Calm
	v.out.Title = v.w.Text(MsgClosedHours)
	if !device.Opens.IsZero() {
		v.out.Lines = append(v.out.Lines, v.w.Text(MsgClosedOpens, "day", v.w.Text(dayMessage(device.Opens.Weekday())), "time", device.Opens.Format("15:04")))
	}
}

func (v *view) identify(p kiosk.Private) {
	kind := v.s.Rules.Kind
	v.out.Title = v.w.Text(MsgIdentifyTitle)
	e := &Entry{Label: v.w.Text(label(kind)), Text: p.Input, Example: v.w.Text(example(kind))}
	if v.s.Input.ProblemShown && v.s.Input.Problem != kiosk.NoProblem {
		e.Problem = v.w.Text(ProblemText(v.s.Input.Problem))
	}
	v.out.Entry = e
	v.out.Keypad = keypad(v.s)
	v.addLines(MsgIdentifyPrivacy)
	v.addKey(kiosk.EnterKey, "Enter", MsgKeySend)
	v.languageKey()
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyCancel)
}

func (v *view) userCode() {
	v.out.Title = v.w.Text(MsgUserCodeTitle)
	d := v.s.Input
	e := &Entry{Label: v.w.Text(MsgUserCodeLabel), Text: strings.Repeat("*", d.Length)}
	switch {
	case d.ProblemShown && d.Problem != kiosk.NoProblem:
		e.Problem = v.w.Text(ProblemText(d.Problem))
	case v.s.UserCode.Tries > 0 && d.Length == 0:
		e.Problem = v.w.Text(MsgUserCodeWrong, "n", v.s.Rules.MaxCodeTries-v.s.UserCode.Tries)
	}
	v.out.Entry = e
	v.out.Keypad = keypad(v.s)
	v.addLines(MsgUserCodeLines)
	v.addKey(kiosk.EnterKey, "Enter", MsgKeySend)
	v.languageKey()
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyCancel)
}

func (v *view) asking() {
	v.out.Tone = Busy
	v.out.Title = v.w.Text(MsgAskingTitle)
	if v.s.Flow == kiosk.DeviceFlow {
		v.out.Title = v.w.Text(MsgDeviceFlowAsking)
	} else {
		v.addLines(MsgAskingLines)
	}
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyCancel)
}

func (v *view) waiting() {
	s := v.s
	v.out.Tone = Busy
	v.out.Title = v.w.Text(MsgWaitingTitle)
	v.out.Code = s.Request.Code
	v.out.SpelledCode = SpellOut(s.Request.Code)
	v.out.Gauge = v.timeLeft()
	v.addLines(MsgWaitingSame, phoneHint(s.Request.PhoneHint))
	if s.Masked != "" {
		v.out.Lines = append(v.out.Lines, v.w.Text(MsgWaitingWho, "who", s.Masked))
	}
	if s.Request.Schedule.ConnectionLost {
		v.out.Tone = Alert
		v.out.Warning = v.w.Text(MsgWaitingLost)
	}
	if s.OffersDeviceFlow() {
		v.digitKey('2', MsgKeyDeviceFlow)
	}
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyCancel)
}

// deviceFlow shows the address that any phone can open, as text and as a QR code. The code beside it lets the person see that
// both belong together (RFC 8628 3.3.1).
func (v *view) deviceFlow(g kiosk.Grant) {
	s := v.s
	v.out.Tone = Busy
	v.out.Title = v.w.Text(MsgDeviceFlowTitle)
	v.out.Code = g.UserCode
	v.out.SpelledCode = SpellOut(g.UserCode)
	v.out.Gauge = v.timeLeft()
	v.out.Lines = append(v.out.Lines, v.w.Text(MsgDeviceFlowOpen, "address", strings.TrimPrefix(g.Address, "https://")))
	if s.Masked != "" {
		v.out.Lines = append(v.out.Lines, v.w.Text(MsgDeviceFlowWho, "who", s.Masked))
	}
	v.out.Link = &Link{URL: g.Complete, Caption: v.w.Text(MsgDeviceFlowScan), Optional: true}
	if s.Request.Schedule.ConnectionLost {
		v.out.Tone = Alert
		v.out.Warning = v.w.Text(MsgWaitingLost)
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
		g.Text = v.w.Text(MsgWaitingTimeUp)
	case n > 90:
		g.Text = v.w.Text(MsgWaitingLeftMinutes, "n", (n+59)/60)
	default:
		g.Text = v.w.Text(MsgWaitingLeft, "n", n)
	}
	return g
}

// SpellOut returns a code letter by letter, with groups apart, to be read aloud.
func SpellOut(code string) string {
	groups := strings.Split(code, "-")
	for i, g := range groups {
		groups[i] = strings.Join(strings.Split(g, ""), " ")
	}
	return strings.Join(groups, " - ")
}

func (v *view) working() {
	v.out.Tone = Good
	v.out.Title = v.w.Text(MsgApprovedTitle)
	fetching := v.s.Phase == kiosk.Fetching
	checked, fetched := Doing, ToDo
	if fetching {
		checked, fetched = Done, Doing
	}
	v.out.Steps = []ListStep{
		{v.w.Text(MsgStepApproved), Done},
		{v.w.Text(MsgStepChecking), checked},
		{v.w.Text(MsgStepFetching), fetched},
	}
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyCancel)
}

func (v *view) shown(p kiosk.Private) {
	v.out.Tone = Good
	if !v.s.Reading.Revealed {
		v.out.Title = v.w.Text(MsgShownTitle)
		v.addLines(MsgShownHidden)
		v.addKey(kiosk.OtherKey, v.w.Text(MsgKeyAnyCap), MsgKeyShow)
		v.helpKey()
		v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
		return
	}
	v.out.Title = p.Result.Title
	if v.out.Title == "" {
		v.out.Title = v.w.Text(MsgShownTitle)
	}
	v.out.Details, v.out.Page = p.Result.Fields, v.s.Reading.Page
	v.out.Paging = v.w.Text(MsgShownPaging)
	if len(p.Result.Fields) == 0 {
		v.addLines(MsgShownEmpty)
	}
	v.out.Keys = append(v.out.Keys, Key{Cap: "↓", Text: v.w.Text(MsgKeyPage), Does: kiosk.DownKey, TurnsPages: true})
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
}

func (v *view) ended() {
	s := v.s
	v.out.Tone = Bad
	v.out.Title = v.w.Text(EndedTitle(s.Ending.Reason))
	if s.Ending.Ambiguous {
		v.out.Title = v.w.Text(MsgEndedAmbiguous)
	}
	if s.Ending.Reason == kiosk.Cancelled { // the customer's own wish is no failure
		v.out.Tone = Calm
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

// throttled shows the push guard's pause as a countdown. It does not reveal whether the person or a phone exists: the guard is
// asked before the server and counts requests for unknown people like any other.
func (v *view) throttled() {
	v.out.Tone = Calm
	left := v.s.ThrottledFor(v.now)
	v.out.Gauge = &Gauge{Text: WaitText(v.w, left)}
	if whole := v.s.Ending.Throttle.Wait; whole > 0 {
		v.out.Gauge.Part = min(1, float64(left)/float64(whole))
	}
	if v.s.Ending.Throttle.Abuse {
		v.out.Tone = Alert
		v.out.Warning = v.w.Text(MsgThrottledStaff)
	}
}

// WaitText says how long the push guard still holds a request back, rounded up to the usual unit.
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

// hide removes everything but the title and the keys while "still there?" is open: somebody else may be there.
func (v *view) hide() {
	switch v.s.Phase {
	case kiosk.Shown:
		v.out.Title = v.w.Text(MsgShownTitle)
	case kiosk.Menu:
		v.out.Title = v.w.Text(MsgMenuTitle)
	}
	v.out = Screen{Phase: v.out.Phase, Tone: v.out.Tone, Site: v.out.Site, Title: v.out.Title, Keys: v.out.Keys}
}

func (v *view) idlePrompt() {
	if !v.s.Idle.Prompted {
		return
	}
	n := int((v.s.Idle.PromptedAt + v.s.Rules.PromptTime - v.now + time.Second - 1) / time.Second)
	text := MsgIdleText
	v.out.Keys = nil
	if v.s.Idle.Extensions < v.s.Rules.MaxExtensions {
		v.addKey(kiosk.OtherKey, v.w.Text(MsgKeyAnyCap), MsgKeyMoreTime)
	} else {
		text = MsgIdleLast
	}
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
	v.hide()
	v.out.Notice = &Notice{Title: v.w.Text(MsgIdleTitle), Text: v.w.Text(text, "n", max(n, 0))}
}
