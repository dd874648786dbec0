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
	Welcomes      []string  // the owner's text for Ready, in the same order; empty or missing for none
}

// welcome returns the owner's text in a language.
func (d Device) welcome(language int) string {
	if language < 0 || language >= len(d.Welcomes) {
		return ""
	}
	return d.Welcomes[language]
}

// View returns what a person may see of a visit, in one language. p is empty except in the phases that show it.
func View(s kiosk.State, now time.Duration, c Catalog, p kiosk.Private, device Device) Screen {
	v := view{s: s, now: now, catalog: c, device: device, out: Screen{Phase: s.Phase, Site: device.Site}}
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
		v.out.Title = v.text(MsgClearing)
	}
	v.technicianTexts()
	v.menuRefused()
	v.emphasize()
	v.idlePrompt()
	return v.out
}

// view is one screen while it is put together in out.
type view struct {
	s       kiosk.State
	now     time.Duration
	catalog Catalog
	device  Device
	out     Screen
}

func (v *view) text(id MessageID, args ...any) string { return v.catalog.Text(id, args...) }

func (v *view) addLines(ids ...MessageID) {
	for _, id := range ids {
		v.out.Lines = append(v.out.Lines, v.text(id))
	}
}

func (v *view) addKey(does kiosk.KeyName, cap string, id MessageID) {
	v.out.Keys = append(v.out.Keys, Key{Cap: cap, Text: v.text(id), Does: does})
}

func (v *view) ready(device Device) {
	v.out.Title = v.text(MsgReadyTitle)
	if v.s.OnlyScans() {
		v.out.Title = v.text(MsgScanTitle)
	}
	v.addLines(MsgReadyLines)
	if device.Link != "" {
		v.out.Link = &Link{URL: device.Link, Caption: v.text(MsgReadyLink)}
	}
	if len(device.Languages) > 1 {
		v.out.Languages = strings.Join(device.Languages, ", ")
	}
	if !v.s.OnlyScans() {
		v.addKey(kiosk.OtherKey, v.text(MsgKeyAnyCap), MsgKeyBegin)
	}
	v.languageKey()
	v.helpKey()
}

// languageKey offers the next language, by its own name.
func (v *view) languageKey() {
	if n := len(v.device.Languages); n > 1 {
		v.out.Keys = append(v.out.Keys, Key{Cap: "Tab", Text: v.device.Languages[(v.s.Language+1)%n], Does: kiosk.TabKey})
	}
}

// entryKeys offers the keys of a screen on which something is typed.
func (v *view) entryKeys() {
	v.addKey(kiosk.EnterKey, "Enter", MsgKeySend)
	v.languageKey()
	v.cancelKeys()
}

// cancelKeys offers the help and the way out.
func (v *view) cancelKeys() {
	v.helpKey()
	v.escapeKey(MsgKeyCancel)
}

// closures are in the order of importance; only the first one is shown, because it is usually the cause of the others.
var closures = []struct {
	why  kiosk.Closures
	text MessageID
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
	v.out.Title = v.text(MsgClosedTitle)
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
			v.addLines(c.text)
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
		v.out.Lines = append(v.out.Lines, v.text(MsgClosedDevice, "device", strings.TrimSpace(device.Name+" "+device.Address)))
	}
}

// outsideHours shows when the device opens. Nothing is wrong, so nobody has to be called.
func (v *view) outsideHours(device Device) {
	v.out.Tone = Calm
	v.out.Title = v.text(MsgClosedHours)
	if !device.Opens.IsZero() {
		v.out.Lines = append(v.out.Lines, v.text(MsgClosedOpens, "day", v.text(dayMessage(device.Opens.Weekday())), "time", device.Opens.Format("15:04")))
	}
}

// scan asks for a card or a code, where nothing can be typed.
func (v *view) scan() {
	v.out.Title = v.text(MsgScanTitle)
	v.addLines(MsgScanLines, MsgIdentifyPrivacy)
	if v.s.Input.ProblemShown && v.s.Input.Problem != kiosk.NoProblem {
		v.out.Tone, v.out.Warning = Alert, v.text(MsgScanProblem)
	}
	v.languageKey()
	v.cancelKeys()
}

func (v *view) identify(p kiosk.Private) {
	if v.s.OnlyScans() {
		v.scan()
		return
	}
	kind := v.s.Rules.Kind
	v.out.Title = v.text(MsgIdentifyTitle)
	e := &Entry{Label: v.text(label(kind)), Text: p.Input, Example: v.text(example(kind))}
	if v.s.Input.ProblemShown && v.s.Input.Problem != kiosk.NoProblem {
		e.Problem = v.text(ProblemText(v.s.Input.Problem))
	}
	v.out.Entry = e
	v.out.Keypad = keypad(v.s)
	v.addLines(MsgIdentifyPrivacy)
	v.entryKeys()
}

func (v *view) userCode() {
	v.out.Title = v.text(MsgUserCodeTitle)
	d := v.s.Input
	e := &Entry{Label: v.text(MsgUserCodeLabel), Text: strings.Repeat("*", d.Length)}
	switch {
	case d.ProblemShown && d.Problem != kiosk.NoProblem:
		e.Problem = v.text(ProblemText(d.Problem))
	case v.s.UserCode.Tries > 0 && d.Length == 0:
		e.Problem = v.text(MsgUserCodeWrong, "n", v.s.Rules.MaxCodeTries-v.s.UserCode.Tries)
	}
	v.out.Entry = e
	v.out.Keypad = keypad(v.s)
	v.addLines(MsgUserCodeLines)
	v.entryKeys()
}

func (v *view) asking() {
	v.out.Tone = Busy
	v.out.Title = v.text(MsgAskingTitle)
	if v.s.Flow == kiosk.DeviceFlow {
		v.out.Title = v.text(MsgDeviceFlowAsking)
	} else {
		v.addLines(MsgAskingLines)
	}
	v.cancelKeys()
}

func (v *view) waiting() {
	s := v.s
	v.out.Tone = Busy
	v.out.Title = v.text(MsgWaitingTitle)
	v.out.Code = s.Request.Code
	v.out.SpelledCode = SpellOut(s.Request.Code)
	v.out.Gauge = v.timeLeft()
	v.addLines(MsgWaitingSame, phoneHint(s.Request.PhoneHint))
	if s.Masked != "" {
		v.out.Aside = v.text(MsgWaitingWho, "who", s.Masked)
	}
	v.connectionWarning()
	if s.OffersDeviceFlow() {
		v.digitKey('2', MsgKeyDeviceFlow)
	}
	v.cancelKeys()
}

// deviceFlow shows the address that any phone can open, as text and as a QR code. The code beside it lets the person see that
// both belong together (RFC 8628 3.3.1).
func (v *view) deviceFlow(g kiosk.Grant) {
	s := v.s
	v.out.Tone = Busy
	v.out.Title = v.text(MsgDeviceFlowTitle)
	v.out.Code = g.UserCode
	v.out.SpelledCode = SpellOut(g.UserCode)
	v.out.Gauge = v.timeLeft()
	v.out.Lines = append(v.out.Lines, v.text(MsgDeviceFlowOpen, "address", strings.TrimPrefix(g.Address, "https://")))
	if s.Masked != "" {
		v.out.Aside = v.text(MsgDeviceFlowWho, "who", s.Masked)
	}
	v.out.Link = &Link{URL: g.Complete, Caption: v.text(MsgDeviceFlowScan), Optional: true}
	v.connectionWarning()
	v.cancelKeys()
}

// connectionWarning says that the last poll got no answer, if so.
func (v *view) connectionWarning() {
	if v.s.Request.Schedule.ConnectionLost {
		v.out.Tone = Alert
		v.out.Warning = v.text(MsgWaitingLost)
	}
}

// timeLeft returns the time that the present request still lives.
func (v *view) timeLeft() *Gauge {
	n := v.s.Left(v.now)
	g := &Gauge{}
	if whole := v.s.Request.Schedule.Deadline - v.s.Request.Schedule.RequestSent; whole > 0 && n > 0 {
		g.Part = min(1, float64(v.s.Request.Schedule.Deadline-v.now)/float64(whole))
	}
	switch {
	case n == 0:
		g.Text = v.text(MsgWaitingTimeUp)
	case n > 90:
		g.Text = v.text(MsgWaitingLeftMinutes, "n", (n+59)/60)
	default:
		g.Text = v.text(MsgWaitingLeft, "n", n)
	}
	return g
}

// SpellOut returns a code letter by letter, with groups apart, to be read aloud.
func SpellOut(code string) string {
	if strings.Contains(code, " ") {
		return code // words that the server chose
	}
	groups := strings.Split(code, "-")
	for i, g := range groups {
		groups[i] = strings.Join(strings.Split(g, ""), " ")
	}
	return strings.Join(groups, " - ")
}

func (v *view) working() {
	v.out.Tone = Good
	v.out.Title = v.text(MsgApprovedTitle)
	fetching := v.s.Phase == kiosk.Fetching
	checked, fetched := Doing, ToDo
	if fetching {
		checked, fetched = Done, Doing
	}
	v.out.Steps = []ListStep{
		{v.text(MsgStepApproved), Done},
		{v.text(MsgStepChecking), checked},
		{v.text(MsgStepFetching), fetched},
	}
	v.cancelKeys()
}

func (v *view) shown(p kiosk.Private) {
	v.out.Tone = Good
	if !v.s.Reading.Revealed {
		v.out.Title = v.text(MsgShownTitle)
		v.addLines(MsgShownHidden)
		v.addKey(kiosk.OtherKey, v.text(MsgKeyAnyCap), MsgKeyShow)
		v.helpKey()
		v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
		return
	}
	v.out.Title = p.Result.Title
	if v.out.Title == "" {
		v.out.Title = v.text(MsgShownTitle)
	}
	v.out.Details, v.out.Page = p.Result.Fields, v.s.Reading.Page
	v.out.Paging = v.text(MsgShownPaging)
	if len(p.Result.Fields) == 0 {
		v.addLines(MsgShownEmpty)
	}
	v.out.Keys = append(v.out.Keys, Key{Cap: "↓", Text: v.text(MsgKeyPage), Does: kiosk.DownKey, TurnsPages: true})
	v.helpKey()
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
}

func (v *view) ended() {
	s := v.s
	v.out.Tone = Bad
	v.out.Title = v.text(EndedTitle(s.Ending.Reason))
	if s.Ending.Ambiguous {
		v.out.Title = v.text(MsgEndedAmbiguous)
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
	v.escapeKey(MsgKeyDone)
}

// throttled shows the push guard's pause as a countdown. It does not reveal whether the person or a phone exists: the guard is
// asked before the server and counts requests for unknown people like any other.
func (v *view) throttled() {
	v.out.Tone = Calm
	left := v.s.ThrottledFor(v.now)
	v.out.Gauge = &Gauge{Text: WaitText(v.catalog, left)}
	if whole := v.s.Ending.Throttle.Wait; whole > 0 {
		v.out.Gauge.Part = min(1, float64(left)/float64(whole))
	}
	if v.s.Ending.Throttle.Abuse {
		v.out.Tone = Alert
		v.out.Warning = v.text(MsgThrottledStaff)
	}
}

// WaitText says how long the push guard still holds a request back, rounded up to the usual unit.
func WaitText(c Catalog, left time.Duration) string {
	up := func(unit time.Duration) int { return int((left + unit - 1) / unit) }
	switch {
	case left <= 0:
		return c.Text(MsgThrottledOver)
	case left <= 90*time.Second:
		return c.Text(MsgThrottledSeconds, "n", up(time.Second))
	case left <= 90*time.Minute:
		return c.Text(MsgThrottledMinutes, "n", up(time.Minute))
	}
	return c.Text(MsgThrottledHours, "n", up(time.Hour))
}

// hide removes everything but the title and the keys while "still there?" is open: somebody else may be there.
func (v *view) hide() {
	switch v.s.Phase {
	case kiosk.Shown:
		v.out.Title = v.text(MsgShownTitle)
	case kiosk.Menu:
		v.out.Title = v.text(MsgMenuTitle)
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
		v.addKey(kiosk.OtherKey, v.text(MsgKeyAnyCap), MsgKeyMoreTime)
	} else {
		text = MsgIdleLast
	}
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
	v.hide()
	v.out.Notice = &Notice{Title: v.text(MsgIdleTitle), Text: v.text(text, "n", max(n, 0))}
}
