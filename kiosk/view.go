package kiosk

import (
	"strings"
	"time"
)

// Place is what a screen says of the device itself.
type Place struct {
	Site    string // where it stands
	Device  string // its name, for staff on the telephone
	Address string // its network address, on Closed
	Link    string // an address shown as QR code on Ready; empty for none
	Cause   Word   // with Starting: the sentence that says why; empty where nobody knows yet
	Notice  string // what the operator says while the device is out of service for maintenance; one harmless line

	// Opens is when the device serves again, by the time of the place, while it is OutsideHours.
	Opens time.Time

	Languages []string // what the languages to choose from call themselves, in the order of State.Language
}

// View is what a person may see of a visit, in one language. It is a plain
// function of what it is given; p is empty except where the phase shows it.
func View(s State, now time.Duration, w Words, p Private, at Place) Screen {
	v := view{s: s, now: now, w: w, at: at, sc: Screen{Phase: s.Phase, Site: at.Site}}
	switch s.Phase {
	case Ready:
		v.ready(at)
	case Closed:
		v.closed(at)
	case Identify:
		v.identify(p)
	case Prove:
		v.prove()
	case Asking:
		v.asking()
	case Waiting:
		if s.Road == DeviceGrant {
			v.second(p.Grant)
			break
		}
		v.waiting()
	case Checking, Fetching:
		v.working()
	case Shown:
		v.shown(p)
	case Ended:
		v.ended()
	case Menu:
		v.menu(p)
	case Clearing:
		v.sc.Title = w.Say(WordClearing)
	}
	v.technician()
	v.still()
	return v.sc
}

type view struct {
	s   State
	now time.Duration
	w   Words
	at  Place
	sc  Screen
}

func (v *view) lines(words ...Word) {
	for _, w := range words {
		v.sc.Lines = append(v.sc.Lines, v.w.Say(w))
	}
}

func (v *view) key(does KeyName, cap string, w Word) {
	v.sc.Keys = append(v.sc.Keys, Key{Cap: cap, Text: v.w.Say(w), Does: does})
}

func (v *view) ready(at Place) {
	v.sc.Title = v.w.Say(WordReadyTitle)
	v.lines(WordReadyLines)
	if at.Link != "" {
		v.sc.Link = &Link{URL: at.Link, Caption: v.w.Say(WordReadyLink)}
	}
	if len(at.Languages) > 1 {
		// In their own words, for those who cannot read this one.
		v.sc.Lines = append(v.sc.Lines, strings.Join(at.Languages, ", "))
	}
	v.key(OtherKey, v.w.Say(WordKeyAnyCap), WordKeyBegin)
	v.language()
	v.about()
}

// language is the key to the next language, under the name that this one has for itself.
func (v *view) language() {
	if n := len(v.at.Languages); n > 1 {
		v.sc.Keys = append(v.sc.Keys, Key{Cap: "Tab", Text: v.at.Languages[(v.s.Language+1)%n], Does: TabKey})
	}
}

// closures in the order in which they are told: the first one is the cause of
// the others more often than not.
var closures = []struct {
	why  Closures
	word Word
}{
	{Maintenance, WordClosedMaint},
	{OutsideHours, WordClosedHours},
	{SettingsBad, WordClosedSetting},
	{StoreDown, WordClosedStore},
	{ClockWrong, WordClosedClock},
	{Starting, WordClosedStart},
}

func (v *view) closed(at Place) {
	v.sc.Tone = Alert
	v.sc.Title = v.w.Say(WordClosedTitle)
	for _, c := range closures {
		if v.s.Closures&c.why == 0 {
			continue
		}
		switch {
		case c.why == OutsideHours:
			v.outsideHours(at)
		case c.why == Starting && at.Cause != "":
			v.lines(at.Cause)
		default:
			v.lines(c.word)
		}
		if c.why == Maintenance && at.Notice != "" {
			v.sc.Lines = append(v.sc.Lines, at.Notice)
		}
		break
	}
	if v.sc.Tone == Alert { // else there is nothing to help with
		v.lines(WordClosedStaff)
	}
	if at.Device != "" {
		v.sc.Lines = append(v.sc.Lines, v.w.Say(WordClosedDevice, "device", strings.TrimSpace(at.Device+" "+at.Address)))
	}
}

// outsideHours: nothing is wrong, nobody is to be called, and probably nobody is there.
func (v *view) outsideHours(at Place) {
	v.sc.Tone = Calm
	v.sc.Title = v.w.Say(WordClosedHours)
	if !at.Opens.IsZero() {
		v.sc.Lines = append(v.sc.Lines, v.w.Say(WordClosedOpens, "day", v.w.Say(dayWord(at.Opens.Weekday())), "time", at.Opens.Format("15:04")))
	}
}

func (v *view) identify(p Private) {
	kind := v.s.Rules.Kind
	v.sc.Title = v.w.Say(WordIdentifyTitle)
	e := &Entry{Label: v.w.Say(kind.Label()), Text: p.Draft, Example: v.w.Say(kind.Example())}
	if v.s.Draft.Shown && v.s.Draft.Problem != NoProblem {
		e.Problem = v.w.Say(v.s.Draft.Problem.Sentence())
	}
	v.sc.Entry = e
	v.sc.Keypad = v.s.keypad()
	v.lines(WordIdentifyPrivacy)
	v.key(EnterKey, "Enter", WordKeySend)
	v.language()
	v.about()
	v.key(EscapeKey, "Esc", WordKeyCancel)
}

func (v *view) prove() {
	v.sc.Title = v.w.Say(WordCodeTitle)
	d := v.s.Draft
	e := &Entry{Label: v.w.Say(WordCodeLabel), Text: strings.Repeat("*", d.Length)}
	switch {
	case d.Shown && d.Problem != NoProblem:
		e.Problem = v.w.Say(d.Problem.Sentence())
	case v.s.Tries > 0 && d.Length == 0:
		e.Problem = v.w.Say(WordCodeWrong, "n", v.s.Rules.CodeTries-v.s.Tries)
	}
	v.sc.Entry = e
	v.sc.Keypad = v.s.keypad()
	v.lines(WordCodeLines)
	v.key(EnterKey, "Enter", WordKeySend)
	v.language()
	v.about()
	v.key(EscapeKey, "Esc", WordKeyCancel)
}

func (v *view) asking() {
	v.sc.Tone = Busy
	v.sc.Title = v.w.Say(WordAskingTitle)
	if v.s.Road == DeviceGrant {
		v.sc.Title = v.w.Say(WordSecondAsking)
	} else {
		v.lines(WordAskingLines)
	}
	v.about()
	v.key(EscapeKey, "Esc", WordKeyCancel)
}

func (v *view) waiting() {
	s := v.s
	v.sc.Tone = Busy
	v.sc.Title = v.w.Say(WordWaitingTitle)
	v.sc.Code = s.Code
	v.sc.Spelt = Spell(s.Code)
	v.sc.Gauge = v.left()
	look := s.Look
	if look == "" {
		look = WordWaitingLook
	}
	v.lines(WordWaitingSame, look)
	if s.Masked != "" {
		v.sc.Lines = append(v.sc.Lines, v.w.Say(WordWaitingWho, "who", s.Masked))
	}
	if s.Pace.Lost {
		v.sc.Tone = Alert
		v.sc.Warning = v.w.Say(WordWaitingLost)
	}
	if s.OffersSecond() {
		v.number('2', WordKeySecond)
	}
	v.about()
	v.key(EscapeKey, "Esc", WordKeyCancel)
}

// second is Waiting on the second road: any phone opens the address, and on it the
// person signs in as who they said they are here. The code stands beside the picture so
// that they can see that both belong together (RFC 8628, 3.3.1).
func (v *view) second(g Grant) {
	s := v.s
	v.sc.Tone = Busy
	v.sc.Title = v.w.Say(WordSecondTitle)
	v.sc.Code = g.UserCode
	v.sc.Spelt = Spell(g.UserCode)
	v.sc.Gauge = v.left()
	v.sc.Lines = append(v.sc.Lines, v.w.Say(WordSecondOpen, "address", strings.TrimPrefix(g.Address, "https://")))
	if s.Masked != "" {
		v.sc.Lines = append(v.sc.Lines, v.w.Say(WordSecondWho, "who", s.Masked))
	}
	v.sc.Link = &Link{URL: g.Complete, Caption: v.w.Say(WordSecondScan), Bare: true}
	if s.Pace.Lost {
		v.sc.Tone = Alert
		v.sc.Warning = v.w.Say(WordWaitingLost)
	}
	v.about()
	v.key(EscapeKey, "Esc", WordKeyCancel)
}

// Left is how long the present request still lives, in whole seconds rounded
// up; 0 once it has expired or outside Waiting.
func (s State) Left(now time.Duration) int {
	if s.Phase != Waiting || now >= s.Pace.Deadline {
		return 0
	}
	return int((s.Pace.Deadline - now + time.Second - 1) / time.Second)
}

func (v *view) left() *Gauge {
	n := v.s.Left(v.now)
	g := &Gauge{}
	if whole := v.s.Pace.Deadline - v.s.Pace.Sent; whole > 0 && n > 0 {
		g.Part = min(1, float64(v.s.Pace.Deadline-v.now)/float64(whole))
	}
	switch {
	case n == 0:
		g.Text = v.w.Say(WordWaitingUp)
	case n > 90:
		g.Text = v.w.Say(WordWaitingLeftMin, "n", (n+59)/60)
	default:
		g.Text = v.w.Say(WordWaitingLeft, "n", n)
	}
	return g
}

// Spell gives a code letter by letter, groups apart, for reading out.
func Spell(code string) string {
	groups := strings.Split(code, "-")
	for i, g := range groups {
		groups[i] = strings.Join(strings.Split(g, ""), " ")
	}
	return strings.Join(groups, " - ")
}

func (v *view) working() {
	v.sc.Tone = Good
	v.sc.Title = v.w.Say(WordApprovedTitle)
	fetching := v.s.Phase == Fetching
	checked, fetched := Doing, ToDo
	if fetching {
		checked, fetched = Done, Doing
	}
	v.sc.Steps = []ListStep{
		{v.w.Say(WordStepApproved), Done},
		{v.w.Say(WordStepChecking), checked},
		{v.w.Say(WordStepFetching), fetched},
	}
	v.about()
	v.key(EscapeKey, "Esc", WordKeyCancel)
}

func (v *view) shown(p Private) {
	v.sc.Tone = Good
	if !v.s.Revealed {
		v.sc.Title = v.w.Say(WordShownTitle)
		v.lines(WordShownHidden)
		v.key(OtherKey, v.w.Say(WordKeyAnyCap), WordKeyShow)
		v.about()
		v.key(EscapeKey, "Esc", WordKeyDone)
		return
	}
	v.sc.Title = p.Result.Title
	if v.sc.Title == "" {
		v.sc.Title = v.w.Say(WordShownTitle)
	}
	v.sc.Details, v.sc.Page = p.Result.Fields, v.s.Page
	v.sc.Paging = v.w.Say(WordShownPaging)
	if len(p.Result.Fields) == 0 {
		v.lines(WordShownEmpty)
	}
	v.sc.Keys = append(v.sc.Keys, Key{Cap: "↓", Text: v.w.Say(WordKeyPage), Does: DownKey, Turns: true})
	v.about()
	v.key(EscapeKey, "Esc", WordKeyDone)
}

func (v *view) ended() {
	s := v.s
	v.sc.Tone = Bad
	v.sc.Title = v.w.Say(s.Reason.Title())
	if s.Unsure {
		v.sc.Title = v.w.Say(WordEndedUnsure)
	}
	if s.Reason == Cancelled { // the customer's own wish is no failure
		v.sc.Tone = Calm
	}
	v.lines(s.Advice())
	if s.Reason == HeldBack {
		v.held()
	}
	if s.CanAskAgain() && s.HeldFor(v.now) == 0 {
		v.number('1', WordKeyAgain)
	}
	if s.OffersSecond() {
		v.number('2', WordKeySecond)
	}
	if s.OffersReport() {
		v.number('3', WordKeyReport)
	}
	v.about()
	v.key(EscapeKey, "Esc", WordKeyDone)
}

// held is the push guard's screen: the time to wait counts down. Nothing on it
// says whether there is such a person or a phone: the guard is asked before the
// server, and counts requests for nobody like any other.
func (v *view) held() {
	v.sc.Tone = Calm
	left := v.s.HeldFor(v.now)
	v.sc.Gauge = &Gauge{Text: SayWait(v.w, left)}
	if whole := v.s.Hold.Wait; whole > 0 {
		v.sc.Gauge.Part = min(1, float64(left)/float64(whole))
	}
	if v.s.Hold.Pestered {
		v.sc.Tone = Alert
		v.sc.Warning = v.w.Say(WordHeldStaff)
	}
}

// SayWait says how long until the push guard lets another request go, rounded up
// to what people count in.
func SayWait(w Words, left time.Duration) string {
	up := func(unit time.Duration) int { return int((left + unit - 1) / unit) }
	switch {
	case left <= 0:
		return w.Say(WordHeldOver)
	case left <= 90*time.Second:
		return w.Say(WordHeldSeconds, "n", up(time.Second))
	case left <= 90*time.Minute:
		return w.Say(WordHeldMinutes, "n", up(time.Minute))
	}
	return w.Say(WordHeldHours, "n", up(time.Hour))
}

// hide leaves nothing on the screen but the title while nobody is known to be there:
// neither what is personal nor pieces of sentences beside the question.
func (v *view) hide() {
	switch v.s.Phase {
	case Shown:
		v.sc.Title = v.w.Say(WordShownTitle)
	case Menu:
		v.sc.Title = v.w.Say(WordMenuTitle)
	}
	v.sc = Screen{Phase: v.sc.Phase, Tone: v.sc.Tone, Site: v.sc.Site, Title: v.sc.Title, Keys: v.sc.Keys}
}

func (v *view) still() {
	if !v.s.Still {
		return
	}
	n := int((v.s.StillAt + v.s.Rules.Grace - v.now + time.Second - 1) / time.Second)
	text := WordStillText
	v.sc.Keys = nil
	if v.s.Extended < v.s.Rules.Extends {
		v.key(OtherKey, v.w.Say(WordKeyAnyCap), WordKeyMore)
	} else {
		text = WordStillLast
	}
	v.key(EscapeKey, "Esc", WordKeyDone)
	v.hide()
	v.sc.Notice = &Notice{Title: v.w.Say(WordStillTitle), Text: v.w.Say(text, "n", max(n, 0))}
}
