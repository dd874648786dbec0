package kiosk

import "time"

// Event is something that happened. Answers to questions carry the question's
// number; one with another number is dropped. Of all events only Press, Given
// and Coded may hold something secret, and they are gone after one step.
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
	// Given is a whole identifier at once: scanned, or from a script. Seen is as
	// with Press: a scan that was meant for one screen does nothing on the next.
	Given struct {
		Identifier Secret
		Seen       Phase
	}
	// Coded is a whole user code at once, from a script; an empty one says that
	// there is none. It is zeroed when it was taken in.
	Coded struct{ Code Secret }
	// Stop asks the kiosk to end the visit and begin no new one (SIGTERM).
	Stop struct{}
	// Tick says that time has passed. It is due when Wake says so; more do no harm.
	Tick struct{}
	// Closing adds or takes away a reason for being out of service.
	Closing struct {
		Why Closures
		On  bool
	}

	// Drafted answers Edit and Fill.
	Drafted struct {
		Length  int
		Problem Problem
		Masked  string // the identifier as it may be shown once it was sent
		Whole   bool   // it answers Fill: nothing more will be typed
	}
	// Prepared answers Prepare: the guard lets the request go.
	Prepared struct {
		Number Number
		Visit  string
		Code   string
	}
	// Held answers Prepare: the guard does not let it go for Hold.Wait.
	Held struct {
		Number Number
		Hold   Hold
	}
	// Unrecorded says that a Commit failed; the effects behind it were not carried out.
	Unrecorded struct{ Stage Stage }

	// Asked answers Ask: acknowledged. The auth_req_id is in the vault under Number.
	Asked struct {
		Number   Number
		Expires  time.Duration // from when the request was sent
		Interval time.Duration
		Binding  string
		Merges   bool          // the server sends one code for refused and for run out
		Look     Word          // where to look on the phone; empty is WordWaitingLook
		Age      time.Duration // how long ago the request left; 0 if that is not known
	}
	// Wanted answers Ask, too: no phone rings, because the server first wants
	// something else of the customer.
	Wanted struct {
		Number Number
		What   Want
	}
	// Pinged says that the server has an answer ready for a request (CIBA Core
	// 10.2). It may come before Asked, twice, or never.
	Pinged struct{ Request Number }
	// Polled answers Poll. For Granted the tokens are in the vault under Request.
	Polled struct {
		Number     Number
		Request    Number
		Verdict    Verdict
		Reason     Reason // with Hopeless
		RetryAfter time.Duration
		Interval   time.Duration
		Reached    bool
		Tokens     bool          // with Hopeless: tokens came that may not be used; they are in the vault, too
		Jitter     time.Duration // 0 to 1 s, drawn by the runner: a chain of kiosks must not come back in step
	}
	// Verified answers Verify: the tokens hold and the approver is the person asked for.
	Verified struct{ Number Number }
	// Fetched answers Fetch: the result is there.
	Fetched struct{ Number Number }
	// Served answers Serve: it is done, and what there is to read of it is there.
	Served struct{ Number Number }
	// Failed answers Prepare, Ask, Verify, Fetch or Serve.
	Failed struct {
		Number Number
		Reason Reason
	}
	// Wiped answers Wipe: the vault holds nothing of the request any more.
	Wiped struct{ Request Number }
	// Resumed takes up a visit that a crash interrupted (Action Resume). Its
	// secrets are in the vault under Request, a number above State.Last.
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

func (Press) event()      {}
func (Given) event()      {}
func (Coded) event()      {}
func (Stop) event()       {}
func (Tick) event()       {}
func (Closing) event()    {}
func (Drafted) event()    {}
func (Prepared) event()   {}
func (Held) event()       {}
func (Unrecorded) event() {}
func (Asked) event()      {}
func (Wanted) event()     {}
func (Pinged) event()     {}
func (Polled) event()     {}
func (Verified) event()   {}
func (Fetched) event()    {}
func (Served) event()     {}
func (Failed) event()     {}
func (Wiped) event()      {}
func (Resumed) event()    {}
