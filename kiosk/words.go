package kiosk

import (
	"strings"
	"time"
)

// Word names one sentence or label of a catalogue. The catalogue gives it in the
// customer's language; {name} in a text is replaced by the argument of that name.
type Word string

// Words is a catalogue in one language.
type Words interface {
	// Say gives the text. Args are pairs of name and value; the value of a pair
	// named "n" is an int and chooses the plural form.
	Say(w Word, args ...any) string
}

// The words of the screens. A catalogue has each of them.
const (
	WordLanguage Word = "language" // what the language calls itself

	WordReadyTitle    Word = "ready.title"
	WordReadyLines    Word = "ready.lines"
	WordReadyLink     Word = "ready.link"
	WordClosedTitle   Word = "closed.title"
	WordClosedStart   Word = "closed.starting"
	WordClosedClock   Word = "closed.clock"
	WordClosedMaint   Word = "closed.maintenance"
	WordClosedStore   Word = "closed.store"
	WordClosedSetting Word = "closed.settings"
	WordClosedNetwork Word = "closed.network"
	WordClosedServer  Word = "closed.server"
	WordClosedHours   Word = "closed.hours" // in the place of the title
	WordClosedOpens   Word = "closed.opens"
	WordClosedStaff   Word = "closed.staff"
	WordClosedDevice  Word = "closed.device"

	WordDay Word = "day" // + "." + the day of the week in English

	WordIdentifyTitle   Word = "identify.title"
	WordIdentifyLabel   Word = "identify.label" // + "." + kind
	WordIdentifyExample Word = "identify.example"
	WordIdentifyPrivacy Word = "identify.privacy"
	WordProblem         Word = "problem" // + "." + problem

	WordCodeTitle Word = "code.title"
	WordCodeLabel Word = "code.label"
	WordCodeLines Word = "code.lines"
	WordCodeWrong Word = "code.wrong"

	WordAskingTitle Word = "asking.title"
	WordAskingLines Word = "asking.lines"

	WordWaitingTitle        Word = "waiting.title"
	WordWaitingLook         Word = "waiting.look" // where to look on the phone
	WordWaitingLookGuardian Word = "waiting.look.guardian"
	WordWaitingLookMessage  Word = "waiting.look.message"
	WordWaitingSame         Word = "waiting.same"
	WordWaitingWho          Word = "waiting.who"
	WordWaitingLeft         Word = "waiting.left"
	WordWaitingLeftMin      Word = "waiting.left.minutes"
	WordWaitingUp           Word = "waiting.up"
	WordWaitingLost         Word = "waiting.lost"
	WordWaitingHelp1        Word = "waiting.help.1"
	WordWaitingHelp2        Word = "waiting.help.2"
	WordWaitingHelp3        Word = "waiting.help.3"

	WordSecondAsking Word = "second.asking"
	WordSecondTitle  Word = "second.title"
	WordSecondOpen   Word = "second.open"
	WordSecondScan   Word = "second.scan"
	WordSecondWho    Word = "second.who"

	WordHelpWhat    Word = "help.what" // what this device is for
	WordHelpPrivate Word = "help.private"
	WordHelpStaff   Word = "help.staff"

	WordApprovedTitle Word = "approved.title"
	WordStepApproved  Word = "step.approved"
	WordStepChecking  Word = "step.checking"
	WordStepFetching  Word = "step.fetching"

	WordShownTitle  Word = "shown.title"
	WordShownHidden Word = "shown.hidden"
	WordShownEmpty  Word = "shown.empty"
	WordShownPaging Word = "shown.paging"

	WordEndedTitle  Word = "ended.title"  // + "." + reason
	WordEndedAdvice Word = "ended.advice" // + "." + reason
	WordEndedUnsure Word = "ended.title.unsure"
	WordEndedBack   Word = "ended.advice.given_back" // cancelled after the approval
	WordEndedScan   Word = "ended.advice.scan_again" // refused, since the token that was scanned has run out
	WordEndedLeft   Word = "ended.advice.left"       // cancelled on the second road

	WordHeldSeconds Word = "held.seconds" // how long until another try, rounded up
	WordHeldMinutes Word = "held.minutes"
	WordHeldHours   Word = "held.hours"
	WordHeldOver    Word = "held.over"
	WordHeldStaff   Word = "held.staff" // somebody seems to be pestering a person

	WordSetupTitle     Word = "setup.title" // of a device that has no registration yet
	WordSetupOpen      Word = "setup.open"
	WordSetupRegisters Word = "setup.registers"
	WordSetupStuck     Word = "setup.stuck"
	WordSetupNetwork   Word = "setup.network"
	WordSetupServer    Word = "setup.server" // it does not let the device register
	WordSetupDeclined  Word = "setup.declined"
	WordSetupOrphan    Word = "setup.orphan" // an earlier registration was interrupted
	WordSetupBusy      Word = "setup.busy"   // somebody does it by hand
	WordSetupAgain     Word = "setup.again"

	WordMenuIdentify      Word = "technician.identify" // in the place of the title, and of the sentence below
	WordMenuIdentifyLines Word = "technician.identify.lines"
	WordMenuNoAccess      Word = "technician.no_access" // who approved is no technician here
	WordMenuTitle         Word = "technician.title"
	WordMenuServes        Word = "technician.serves"
	WordMenuClosed        Word = "technician.closed"
	WordMenuStatus        Word = "technician.status"
	WordMenuDoctor        Word = "technician.doctor"
	WordMenuDoing         Word = "technician.doing"
	WordMenuFailed        Word = "technician.failed"
	WordMenuUnproved      Word = "technician.unproved"

	WordClearing Word = "clearing.title"

	WordStillTitle Word = "still.title"
	WordStillText  Word = "still.text"
	WordStillLast  Word = "still.last"

	WordKeyAnyCap  Word = "key.any.cap"
	WordKeyBegin   Word = "key.begin"
	WordKeySend    Word = "key.send"
	WordKeyCancel  Word = "key.cancel"
	WordKeyAbout   Word = "key.about"
	WordKeyHelp    Word = "key.help"
	WordKeyHelpOff Word = "key.help.off"
	WordKeyShow    Word = "key.show"
	WordKeyDone    Word = "key.done"
	WordKeyAgain   Word = "key.again"
	WordKeyPage    Word = "key.page"
	WordKeyMore    Word = "key.more"
	WordKeySecond  Word = "key.second"
	WordKeyStatus  Word = "key.status"
	WordKeyDoctor  Word = "key.doctor"
	WordKeyClose   Word = "key.close"
	WordKeyOpen    Word = "key.open"
	WordKeyRestart Word = "key.restart"
	WordKeyBack    Word = "key.back"
	WordKeyReport  Word = "key.report"
)

var kindNames = [...]string{TextKind: "text", EmailKind: "email", PhoneKind: "phone", NumberKind: "number"}

// String is the kind's name in settings and catalogues.
func (k IdentifierKind) String() string { return kindNames[k] }

var problemNames = [...]string{NoProblem: "", Empty: "empty", TooLong: "too_long", BadCharacter: "character", NotEmail: "email", NotPhone: "phone", NotNumber: "number"}

// String is the problem's name in catalogues.
func (p Problem) String() string { return problemNames[p] }

// Label is the word for what is typed here.
func (k IdentifierKind) Label() Word { return WordIdentifyLabel + "." + Word(k.String()) }

// Example is the word for an example of it.
func (k IdentifierKind) Example() Word { return WordIdentifyExample + "." + Word(k.String()) }

// Sentence is the word for what is wrong.
func (p Problem) Sentence() Word { return WordProblem + "." + Word(p.String()) }

// Title is the word for how the visit ended.
func (r Reason) Title() Word { return WordEndedTitle + "." + Word(r.String()) }

// Advice is the word for what the customer can do then.
func (r Reason) Advice() Word { return WordEndedAdvice + "." + Word(r.String()) }

// Advice is the word for what the customer can do after this ending.
func (s State) Advice() Word {
	if s.Reason == Cancelled && s.Redeemed {
		return WordEndedBack
	}
	switch {
	case s.Reason == Cancelled && s.Road == DeviceGrant:
		return WordEndedLeft
	case s.Reason == Refused && s.Stale:
		return WordEndedScan
	}
	return s.Reason.Advice()
}

// dayWord is the word for a day of the week.
func dayWord(d time.Weekday) Word { return WordDay + "." + Word(strings.ToLower(d.String())) }

// AllWords lists every word a catalogue must have.
func AllWords() []Word {
	all := []Word{
		WordLanguage,
		WordReadyTitle, WordReadyLines, WordReadyLink,
		WordClosedTitle, WordClosedStart, WordClosedClock, WordClosedMaint, WordClosedStore, WordClosedSetting, WordClosedNetwork, WordClosedServer, WordClosedHours, WordClosedOpens, WordClosedStaff, WordClosedDevice,
		WordIdentifyTitle, WordIdentifyPrivacy,
		WordCodeTitle, WordCodeLabel, WordCodeLines, WordCodeWrong,
		WordAskingTitle, WordAskingLines,
		WordSecondAsking, WordSecondTitle, WordSecondOpen, WordSecondScan, WordSecondWho,
		WordWaitingTitle, WordWaitingLook, WordWaitingLookGuardian, WordWaitingLookMessage, WordWaitingSame, WordWaitingWho, WordWaitingLeft, WordWaitingLeftMin, WordWaitingUp, WordWaitingLost,
		WordWaitingHelp1, WordWaitingHelp2, WordWaitingHelp3,
		WordHelpWhat, WordHelpPrivate, WordHelpStaff,
		WordApprovedTitle, WordStepApproved, WordStepChecking, WordStepFetching,
		WordShownTitle, WordShownHidden, WordShownEmpty, WordShownPaging,
		WordEndedUnsure, WordEndedBack, WordEndedScan, WordEndedLeft, WordClearing,
		WordHeldSeconds, WordHeldMinutes, WordHeldHours, WordHeldOver, WordHeldStaff,
		WordStillTitle, WordStillText, WordStillLast,
		WordSetupTitle, WordSetupOpen, WordSetupRegisters, WordSetupStuck, WordSetupNetwork, WordSetupServer, WordSetupDeclined, WordSetupOrphan, WordSetupBusy, WordSetupAgain,
		WordKeyAnyCap, WordKeyBegin, WordKeySend, WordKeyCancel, WordKeyAbout, WordKeyHelp, WordKeyHelpOff,
		WordKeyShow, WordKeyDone, WordKeyAgain, WordKeyPage, WordKeyMore, WordKeySecond,
		WordMenuIdentify, WordMenuIdentifyLines, WordMenuNoAccess, WordMenuTitle, WordMenuServes, WordMenuClosed,
		WordMenuStatus, WordMenuDoctor, WordMenuDoing, WordMenuFailed, WordMenuUnproved,
		WordKeyStatus, WordKeyDoctor, WordKeyClose, WordKeyOpen, WordKeyRestart, WordKeyBack, WordKeyReport,
	}
	for k := range kindNames {
		all = append(all, IdentifierKind(k).Label(), IdentifierKind(k).Example())
	}
	for p := Empty; int(p) < len(problemNames); p++ {
		all = append(all, p.Sentence())
	}
	for d := range 7 {
		all = append(all, dayWord(time.Weekday(d)))
	}
	for _, r := range Reasons() {
		all = append(all, r.Title(), r.Advice())
	}
	return all
}
