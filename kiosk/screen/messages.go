package screen

import (
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// MessageID names one sentence or label of a message catalogue. In its text, {name} is replaced by the argument of that name.
type MessageID string

// Catalog holds the messages in one language.
type Catalog interface {
	// Text returns a message. Args are pairs of name and value; the value of a pair named "n" is an int and chooses the
	// plural form.
	Text(id MessageID, args ...any) string
}

// The messages. Every catalogue contains all of them.
const (
	MsgLanguage MessageID = "language" // the language's own name

	MsgHeadlineReady        MessageID = "headline.ready"
	MsgHeadlineClosed       MessageID = "headline.closed"
	MsgHeadlineAsking       MessageID = "headline.asking"
	MsgHeadlineShown        MessageID = "headline.shown"
	MsgHeadlineDeclined     MessageID = "headline.declined"
	MsgHeadlineExpired      MessageID = "headline.expired"
	MsgHeadlineNoConnection MessageID = "headline.no_connection"
	MsgHeadlineImpossible   MessageID = "headline.impossible"
	MsgHeadlineWait         MessageID = "headline.wait"
	MsgHeadlineSorry        MessageID = "headline.sorry"

	MsgReadyTitle        MessageID = "ready.title"
	MsgReadyLines        MessageID = "ready.lines"
	MsgReadyLink         MessageID = "ready.link"
	MsgClosedTitle       MessageID = "closed.title"
	MsgClosedStart       MessageID = "closed.starting"
	MsgClosedClock       MessageID = "closed.clock"
	MsgClosedMaintenance MessageID = "closed.maintenance"
	MsgClosedStore       MessageID = "closed.store"
	MsgClosedSettings    MessageID = "closed.settings"
	MsgClosedNetwork     MessageID = "closed.network"
	MsgClosedServer      MessageID = "closed.server"
	MsgClosedHours       MessageID = "closed.hours" // instead of the title
	MsgClosedOpens       MessageID = "closed.opens"
	MsgClosedStaff       MessageID = "closed.staff"
	MsgClosedDevice      MessageID = "closed.device"

	MsgDay MessageID = "day" // + "." + the day of the week in English

	MsgScanTitle   MessageID = "scan.title"
	MsgScanLines   MessageID = "scan.lines"
	MsgScanProblem MessageID = "scan.problem"

	MsgIdentifyTitle   MessageID = "identify.title"
	MsgIdentifyLabel   MessageID = "identify.label" // + "." + kind
	MsgIdentifyExample MessageID = "identify.example"
	MsgIdentifyPrivacy MessageID = "identify.privacy"
	MsgProblem         MessageID = "problem" // + "." + problem

	MsgUserCodeTitle MessageID = "user_code.title"
	MsgUserCodeLabel MessageID = "user_code.label"
	MsgUserCodeLines MessageID = "user_code.lines"
	MsgUserCodeWrong MessageID = "user_code.wrong"

	MsgAskingTitle MessageID = "asking.title"
	MsgAskingLines MessageID = "asking.lines"

	MsgWaitingTitle        MessageID = "waiting.title"
	MsgWaitingLook         MessageID = "waiting.look" // where to look on the phone
	MsgWaitingLookGuardian MessageID = "waiting.look.guardian"
	MsgWaitingLookMessage  MessageID = "waiting.look.message"
	MsgWaitingSame         MessageID = "waiting.same"
	MsgWaitingWho          MessageID = "waiting.who"
	MsgWaitingLeft         MessageID = "waiting.left"
	MsgWaitingLeftMinutes  MessageID = "waiting.left.minutes"
	MsgWaitingTimeUp       MessageID = "waiting.time_up"
	MsgWaitingLost         MessageID = "waiting.lost"
	MsgWaitingHelp1        MessageID = "waiting.help.1"
	MsgWaitingHelp2        MessageID = "waiting.help.2"
	MsgWaitingHelp3        MessageID = "waiting.help.3"

	MsgDeviceFlowAsking MessageID = "device_flow.asking"
	MsgDeviceFlowTitle  MessageID = "device_flow.title"
	MsgDeviceFlowOpen   MessageID = "device_flow.open"
	MsgDeviceFlowScan   MessageID = "device_flow.scan"
	MsgDeviceFlowWho    MessageID = "device_flow.who"

	MsgHelpWhat    MessageID = "help.what" // the purpose of the device
	MsgHelpPrivate MessageID = "help.private"
	MsgHelpStaff   MessageID = "help.staff"

	MsgApprovedTitle MessageID = "approved.title"
	MsgStepApproved  MessageID = "step.approved"
	MsgStepChecking  MessageID = "step.checking"
	MsgStepFetching  MessageID = "step.fetching"

	MsgShownTitle  MessageID = "shown.title"
	MsgShownHidden MessageID = "shown.hidden"
	MsgShownEmpty  MessageID = "shown.empty"
	MsgShownPaging MessageID = "shown.paging"

	MsgEndedTitle          MessageID = "ended.title"  // + "." + reason
	MsgEndedAdvice         MessageID = "ended.advice" // + "." + reason
	MsgEndedAmbiguous      MessageID = "ended.title.ambiguous"
	MsgEndedRevoked        MessageID = "ended.advice.revoked"          // cancelled after the approval
	MsgEndedScanAgain      MessageID = "ended.advice.scan_again"       // refused because the scanned token has expired
	MsgEndedDeviceFlowLeft MessageID = "ended.advice.device_flow_left" // cancelled in the device flow

	MsgThrottledSeconds MessageID = "throttled.seconds" // how long until the next attempt, rounded up
	MsgThrottledMinutes MessageID = "throttled.minutes"
	MsgThrottledHours   MessageID = "throttled.hours"
	MsgThrottledOver    MessageID = "throttled.over"
	MsgThrottledStaff   MessageID = "throttled.staff" // a person is asked repeatedly without approving

	MsgSetupTitle     MessageID = "setup.title" // a device without a registration
	MsgSetupOpen      MessageID = "setup.open"
	MsgSetupRegisters MessageID = "setup.registers"
	MsgSetupStuck     MessageID = "setup.stuck"
	MsgSetupNetwork   MessageID = "setup.network"
	MsgSetupServer    MessageID = "setup.server" // the server does not let the device register
	MsgSetupDeclined  MessageID = "setup.declined"
	MsgSetupOrphan    MessageID = "setup.orphan" // an earlier registration was interrupted
	MsgSetupBusy      MessageID = "setup.busy"   // somebody sets the device up by hand
	MsgSetupAgain     MessageID = "setup.again"

	MsgMenuIdentify        MessageID = "technician.identify" // instead of the title, and of the sentence below
	MsgMenuIdentifyLines   MessageID = "technician.identify.lines"
	MsgMenuNoAccess        MessageID = "technician.no_access" // the approver is no technician
	MsgMenuTitle           MessageID = "technician.title"
	MsgMenuServes          MessageID = "technician.serves"
	MsgMenuClosed          MessageID = "technician.closed"
	MsgMenuStatus          MessageID = "technician.status"
	MsgMenuDoctor          MessageID = "technician.doctor"
	MsgMenuRunning         MessageID = "technician.running"
	MsgMenuFailed          MessageID = "technician.failed"
	MsgMenuUnauthenticated MessageID = "technician.unauthenticated"
	MsgMenuConfirmTitle    MessageID = "technician.confirm_title"
	MsgMenuConfirmClose    MessageID = "technician.confirm_close" // for how long the device would be out of service
	MsgMenuRefused         MessageID = "technician.refused"       // the technician's key during a visit
	MsgMenuSame            MessageID = "technician.same"          // instead of waiting.same: the phone shows more than the code

	MsgClearing MessageID = "clearing.title"

	MsgIdleTitle MessageID = "idle.title"
	MsgIdleText  MessageID = "idle.text"
	MsgIdleLast  MessageID = "idle.last"

	MsgKeyAnyCap         MessageID = "key.any.cap"
	MsgKeyBegin          MessageID = "key.begin"
	MsgKeySend           MessageID = "key.send"
	MsgKeyCancel         MessageID = "key.cancel"
	MsgKeyHelp           MessageID = "key.help"
	MsgKeyNothingArrived MessageID = "key.nothing_arrived"
	MsgKeyHelpOff        MessageID = "key.help.off"
	MsgKeyShow           MessageID = "key.show"
	MsgKeyDone           MessageID = "key.done"
	MsgKeyAgain          MessageID = "key.again"
	MsgKeyPage           MessageID = "key.page"
	MsgKeyMoreTime       MessageID = "key.more"
	MsgKeyDeviceFlow     MessageID = "key.device_flow"
	MsgKeyStatus         MessageID = "key.status"
	MsgKeyDoctor         MessageID = "key.doctor"
	MsgKeyClose          MessageID = "key.close"
	MsgKeyOpen           MessageID = "key.open"
	MsgKeyRestart        MessageID = "key.restart"
	MsgKeyBack           MessageID = "key.back"
	MsgKeyDiagnosis      MessageID = "key.diagnosis"
)

// label returns the message that names what is typed.
func label(k kiosk.IdentifierKind) MessageID { return MsgIdentifyLabel + "." + MessageID(k.String()) }

// example returns the message with an example of an identifier.
func example(k kiosk.IdentifierKind) MessageID {
	return MsgIdentifyExample + "." + MessageID(k.String())
}

// ProblemText returns the message that says what is wrong with what was typed.
func ProblemText(p kiosk.Problem) MessageID { return MsgProblem + "." + MessageID(p.String()) }

// EndedTitle returns the message that says how a visit ended.
func EndedTitle(r kiosk.Reason) MessageID { return MsgEndedTitle + "." + MessageID(r.String()) }

// EndedAdvice returns the message that says what the customer can do after such an ending.
func EndedAdvice(r kiosk.Reason) MessageID { return MsgEndedAdvice + "." + MessageID(r.String()) }

// Advice returns the message that says what the customer can do after the ending of this visit.
func Advice(s kiosk.State) MessageID {
	if s.Ending.Reason == kiosk.Cancelled && s.Request.TokensIssued {
		return MsgEndedRevoked
	}
	switch {
	case s.Ending.Reason == kiosk.Cancelled && s.Flow == kiosk.DeviceFlow:
		return MsgEndedDeviceFlowLeft
	case s.Ending.Reason == kiosk.Refused && s.Request.HintExpired:
		return MsgEndedScanAgain
	}
	return EndedAdvice(s.Ending.Reason)
}

// phoneHint returns the message that says where to look on the phone.
func phoneHint(h kiosk.PhoneHint) MessageID {
	switch h {
	case kiosk.GuardianApp:
		return MsgWaitingLookGuardian
	case kiosk.LinkMessage:
		return MsgWaitingLookMessage
	}
	return MsgWaitingLook
}

// dayMessage returns the name of a day of the week.
func dayMessage(d time.Weekday) MessageID {
	return MsgDay + "." + MessageID(strings.ToLower(d.String()))
}

// MessageIDs returns every message that a catalogue must have.
func MessageIDs() []MessageID {
	all := []MessageID{
		MsgLanguage,
		MsgHeadlineReady, MsgHeadlineClosed, MsgHeadlineAsking, MsgHeadlineShown, MsgHeadlineDeclined, MsgHeadlineExpired,
		MsgHeadlineNoConnection, MsgHeadlineImpossible, MsgHeadlineWait, MsgHeadlineSorry,
		MsgReadyTitle, MsgReadyLines, MsgReadyLink,
		MsgClosedTitle, MsgClosedStart, MsgClosedClock, MsgClosedMaintenance, MsgClosedStore, MsgClosedSettings,
		MsgClosedNetwork, MsgClosedServer, MsgClosedHours, MsgClosedOpens, MsgClosedStaff, MsgClosedDevice,
		MsgScanTitle, MsgScanLines, MsgScanProblem,
		MsgIdentifyTitle, MsgIdentifyPrivacy,
		MsgUserCodeTitle, MsgUserCodeLabel, MsgUserCodeLines, MsgUserCodeWrong,
		MsgAskingTitle, MsgAskingLines,
		MsgDeviceFlowAsking, MsgDeviceFlowTitle, MsgDeviceFlowOpen, MsgDeviceFlowScan, MsgDeviceFlowWho,
		MsgWaitingTitle, MsgWaitingLook, MsgWaitingLookGuardian, MsgWaitingLookMessage, MsgWaitingSame,
		MsgWaitingWho, MsgWaitingLeft, MsgWaitingLeftMinutes, MsgWaitingTimeUp, MsgWaitingLost,
		MsgWaitingHelp1, MsgWaitingHelp2, MsgWaitingHelp3,
		MsgHelpWhat, MsgHelpPrivate, MsgHelpStaff,
		MsgApprovedTitle, MsgStepApproved, MsgStepChecking, MsgStepFetching,
		MsgShownTitle, MsgShownHidden, MsgShownEmpty, MsgShownPaging,
		MsgEndedAmbiguous, MsgEndedRevoked, MsgEndedScanAgain, MsgEndedDeviceFlowLeft, MsgClearing,
		MsgThrottledSeconds, MsgThrottledMinutes, MsgThrottledHours, MsgThrottledOver, MsgThrottledStaff,
		MsgIdleTitle, MsgIdleText, MsgIdleLast,
		MsgSetupTitle, MsgSetupOpen, MsgSetupRegisters, MsgSetupStuck, MsgSetupNetwork, MsgSetupServer, MsgSetupDeclined,
		MsgSetupOrphan, MsgSetupBusy, MsgSetupAgain,
		MsgKeyAnyCap, MsgKeyBegin, MsgKeySend, MsgKeyCancel, MsgKeyHelp, MsgKeyNothingArrived, MsgKeyHelpOff,
		MsgKeyShow, MsgKeyDone, MsgKeyAgain, MsgKeyPage, MsgKeyMoreTime, MsgKeyDeviceFlow,
		MsgMenuIdentify, MsgMenuIdentifyLines, MsgMenuNoAccess, MsgMenuTitle, MsgMenuServes, MsgMenuClosed,
		MsgMenuStatus, MsgMenuDoctor, MsgMenuRunning, MsgMenuFailed, MsgMenuUnauthenticated, MsgMenuConfirmTitle, MsgMenuConfirmClose, MsgMenuRefused, MsgMenuSame,
		MsgKeyStatus, MsgKeyDoctor, MsgKeyClose, MsgKeyOpen, MsgKeyRestart, MsgKeyBack, MsgKeyDiagnosis,
	}
	for k := kiosk.TextKind; k <= kiosk.NumberKind; k++ {
		all = append(all, label(k), example(k))
	}
	for p := kiosk.Empty; p <= kiosk.NotNumber; p++ {
		all = append(all, ProblemText(p))
	}
	for d := range 7 {
		all = append(all, dayMessage(time.Weekday(d)))
	}
	for _, r := range kiosk.Reasons() {
		all = append(all, EndedTitle(r), EndedAdvice(r))
	}
	return all
}
