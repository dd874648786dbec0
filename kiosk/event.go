package kiosk

import "time"

// Event is something that happened. Answers to questions carry the question's number; an answer with another number
// changes nothing. Only Press, IdentifierEntered and UserCodeEntered can contain something secret.
type Event interface{ event() }

// KeyName is a key with the same meaning on every device.
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
	ShiftKey      // switches the keypad between small letters and capitals; no keyboard sends it
	OtherKey      // any other key: somebody is there
	TechnicianKey // Ctrl-T, or five taps in a corner
)

type (
	// Press is a key. Seen is the phase that was on the screen when it was pressed: a key for one screen does nothing on
	// the next.
	Press struct {
		Key   KeyName
		Rune  rune
		Seen  Phase
		Touch bool // by finger or mouse, on the screen itself
	}
	// IdentifierEntered is a whole identifier at once, scanned or from a script. Seen is as in Press.
	IdentifierEntered struct {
		Identifier Secret
		Seen       Phase
	}
	// UserCodeEntered is a whole user code at once, from a script; empty if the script has none. The runner zeroes it.
	UserCodeEntered struct{ Code Secret }
	// Stop ends the visit, and no new one begins (SIGTERM).
	Stop struct{}
	// Tick says that time has passed. It is due when Wake says so; additional ticks do no harm.
	Tick struct{}
	// ClosureChanged adds or removes a reason for being out of service.
	ClosureChanged struct {
		Closure Closures
		On      bool
	}

	// InputChanged answers EditInput and SetInput.
	InputChanged struct {
		Length   int
		Problem  Problem
		Masked   string // the identifier as it may be shown after it was sent
		Complete bool   // it answers SetInput: nothing more will be typed
	}
	// Prepared answers Prepare: the guard allows the request.
	Prepared struct {
		Number Number
		Visit  string
		Code   string
	}
	// Throttled answers Prepare: the guard holds the request back.
	Throttled struct {
		Number   Number
		Throttle Throttle
	}
	// Unrecorded says that a Commit failed. The effects after it were not carried out.
	Unrecorded struct{ Stage Stage }

	// Acknowledged answers Ask. The auth_req_id is in the vault under Number.
	Acknowledged struct {
		Number          Number
		Expires         time.Duration // from when the request was sent
		Interval        time.Duration
		BindingMessage  string
		ServerChose     bool          // BindingMessage takes the place of the code
		AmbiguousDenial bool          // the server sends one code for declined and expired
		PhoneHint       PhoneHint     // where the customer looks on the phone
		Age             time.Duration // how long ago the request was sent; 0 if unknown
	}
	// InputRequired answers Ask, too: no phone rings, because the server first requires something of the customer.
	InputRequired struct {
		Number Number
		Input  RequiredInput
	}
	// Pinged says that the server has an answer ready for a request (CIBA Core 10.2). It can come before Acknowledged,
	// twice, or never.
	Pinged struct{ Request Number }
	// Polled answers Poll. With Granted, the tokens are in the vault under Request.
	Polled struct {
		Number        Number
		Request       Number
		Verdict       Verdict
		Reason        Reason // with Fatal
		RetryAfter    time.Duration
		Interval      time.Duration
		ServerReached bool
		Tokens        bool          // with Fatal: tokens came that must not be used; they are in the vault as well
		Jitter        time.Duration // 0 to 1 s, so that a chain of kiosks does not poll in step after an outage
	}
	// Verified answers Verify: the tokens are valid and the identified person approved.
	Verified struct{ Number Number }
	// Fetched answers Fetch: the result is there.
	Fetched struct{ Number Number }
	// TaskDone answers RunTask: the task is done, and its text is there.
	TaskDone struct{ Number Number }
	// Failed answers Prepare, Ask, Verify, Fetch or RunTask.
	Failed struct {
		Number Number
		Reason Reason
		Unsent bool // the request has not left the device
	}
	// Wiped answers Wipe: the vault holds nothing of the request any more.
	Wiped struct{ Request Number }
	// Resumed continues a visit that a crash interrupted (Action Resume). Its secrets are in the vault under Request, a
	// number above State.LastNumber.
	Resumed struct {
		Request  Number
		Visit    string
		Code     string
		Masked   string
		Interval time.Duration
		Left     time.Duration
		Pause    time.Duration // no poll before this time has passed
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
