package kiosk

import "time"

// Event is something that happened. Answers to questions carry the question's
// number; one with another number is dropped. Of all events only Press, IdentifierEntered
// and UserCodeEntered may hold something secret, and they are gone after one step.
type Event interface{ event() }

// KeyName is a key that means the same on every device.
type KeyName uint8

// The keys.
const (
	RuneKey KeyName = iota // a character, in Press.Rune
	EnterKey
	EscapeKey
	BackspaceKey
	TabKey
	UpKey
	DownKey
	LeftKey
	RightKey
	PageUpKey
	PageDownKey
	HelpKey       // F1
	ShiftKey      // capitals on the keypad, to and fro; no keyboard sends it
	OtherKey      // any other: it shows that somebody is there
	TechnicianKey // the technician's: Ctrl-T, or five taps in a corner; nothing where there is none
)

type (
	// Press is a key. Seen is the phase that was on the screen when it was
	// pressed: a key meant for one screen does nothing on the next.
	Press struct {
		Key   KeyName
		Rune  rune
		Seen  Phase
		Touch bool // by finger or mouse, on the screen itself
	}
	// IdentifierEntered is a whole identifier at once: scanned, or from a script. Seen is as
	// with Press: a scan that was meant for one screen does nothing on the next.
	IdentifierEntered struct {
		Identifier Secret
		Seen       Phase
	}
	// UserCodeEntered is a whole user code at once, from a script; an empty one says that
	// there is none. It is zeroed when it was taken in.
	UserCodeEntered struct{ Code Secret }
	// Stop asks the kiosk to end the visit and begin no new one (SIGTERM).
	Stop struct{}
	// Tick says that time has passed. It is due when Wake says so; more do no harm.
	Tick struct{}
	// ClosureChanged adds or takes away a reason for being out of service.
	ClosureChanged struct {
		Closure Closures
		On      bool
	}

	// InputChanged answers EditInput and SetInput.
	InputChanged struct {
		Length   int
		Problem  Problem
		Masked   string // the identifier as it may be shown once it was sent
		Complete bool   // it answers SetInput: nothing more will be typed
	}
	// Prepared answers Prepare: the guard lets the request go.
	Prepared struct {
		Number Number
		Visit  string
		Code   string
	}
	// Throttled answers Prepare: the guard does not let it go for Throttle.Wait.
	Throttled struct {
		Number   Number
		Throttle Throttle
	}
	// Unrecorded says that a Commit failed; the effects behind it were not carried out.
	Unrecorded struct{ Stage Stage }

	// Acknowledged answers Ask: acknowledged. The auth_req_id is in the vault under Number.
	Acknowledged struct {
		Number          Number
		Expires         time.Duration // from when the request was sent
		Interval        time.Duration
		BindingMessage  string
		AmbiguousDenial bool          // the server sends one code for refused and for run out
		PhoneHint       PhoneHint     // where the customer looks on the phone
		Age             time.Duration // how long ago the request left; 0 if that is not known
	}
	// InputRequired answers Ask, too: no phone rings, because the server first wants
	// something else of the customer.
	InputRequired struct {
		Number Number
		Input  RequiredInput
	}
	// Pinged says that the server has an answer ready for a request (CIBA Core
	// 10.2). It may come before Acknowledged, twice, or never.
	Pinged struct{ Request Number }
	// Polled answers Poll. For Granted the tokens are in the vault under Request.
	Polled struct {
		Number        Number
		Request       Number
		Verdict       Verdict
		Reason        Reason // with Fatal
		RetryAfter    time.Duration
		Interval      time.Duration
		ServerReached bool
		Tokens        bool          // with Fatal: tokens came that may not be used; they are in the vault, too
		Jitter        time.Duration // 0 to 1 s, drawn by the runner: a chain of kiosks must not come back in step
	}
	// Verified answers Verify: the tokens hold and the approver is the person asked for.
	Verified struct{ Number Number }
	// Fetched answers Fetch: the result is there.
	Fetched struct{ Number Number }
	// TaskDone answers RunTask: it is done, and what there is to read of it is there.
	TaskDone struct{ Number Number }
	// Failed answers Prepare, Ask, Verify, Fetch or RunTask.
	Failed struct {
		Number Number
		Reason Reason
	}
	// Wiped answers Wipe: the vault holds nothing of the request any more.
	Wiped struct{ Request Number }
	// Resumed takes up a visit that a crash interrupted (Action Resume). Its
	// secrets are in the vault under Request, a number above State.LastNumber.
	Resumed struct {
		Request  Number
		Visit    string
		Code     string
		Masked   string
		Interval time.Duration
		Left     time.Duration
		Pause    time.Duration // how long no poll may leave
	}
)

func (Press) event()             {}
func (IdentifierEntered) event() {}
func (UserCodeEntered) event()   {}
func (Stop) event()              {}
func (Tick) event()              {}
func (ClosureChanged) event()    {}
func (InputChanged) event()      {}
func (Prepared) event()          {}
func (Throttled) event()         {}
func (Unrecorded) event()        {}
func (Acknowledged) event()      {}
func (InputRequired) event()     {}
func (Pinged) event()            {}
func (Polled) event()            {}
func (Verified) event()          {}
func (Fetched) event()           {}
func (TaskDone) event()          {}
func (Failed) event()            {}
func (Wiped) event()             {}
func (Resumed) event()           {}
