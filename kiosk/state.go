package kiosk

import (
	"fmt"
	"time"
)

// Phase is where a visit stands. The zero phase is Ready, so that a wiped state
// and a fresh one are the same value.
type Phase uint8

// The phases.
const (
	Ready         Phase = iota // nobody is here; the next customer may begin
	Closed                     // out of service, for State.Closures
	Identify                   // the customer types or scans who they are
	EnterUserCode              // the customer types the user code that the server wants of them (CIBA Core 7.1.2)
	Asking                     // the backchannel authentication request is under way
	Waiting                    // the phone rings; the kiosk polls
	Checking                   // tokens came and are being checked
	Fetching                   // the protected API is being called
	Shown                      // the result is there, hidden until a key proves that somebody is
	Ended                      // ended without a result, for State.Reason
	Menu                       // a technician is at the device; see State.Technician
	Clearing                   // the vault is being wiped; nothing else counts
)

var phases = [...]string{"ready", "closed", "identify", "user_code", "asking", "waiting", "checking", "fetching", "shown", "ended", "technician", "clearing"}

// String is the phase's name in JSON lines and logs.
func (p Phase) String() string {
	if int(p) >= len(phases) {
		return fmt.Sprintf("phase(%d)", uint8(p))
	}
	return phases[p]
}

// Flow is the way in which the person is asked.
type Flow uint8

// The roads.
const (
	Backchannel Flow = iota // their phone rings (OpenID CIBA)
	DeviceFlow              // they open an address with any phone, mostly by a QR code (RFC 8628)
)

// PhoneHint says where customers of a server look for the request on their phone.
type PhoneHint uint8

// The hints.
const (
	AnyApp      PhoneHint = iota // a message or the app with which they sign in
	GuardianApp                  // Auth0 Guardian
	LinkMessage                  // a link in an email or text message
)

// Number tells questions to the outside apart. It only grows while the process
// lives. A request's own number also names what the vault holds of it.
type Number uint64

// Closures are the reasons for being out of service, as a set. A closure that
// comes in mid-visit is remembered and takes effect at Ready: nobody is thrown out.
type Closures uint16

// The closures.
const (
	Starting     Closures = 1 << iota // the authorization server has not been reached since the start
	ClockWrong                        // the time is not known well enough
	Maintenance                       // an operator put the device out of service
	StoreDown                         // visits cannot be put on record
	SettingsBad                       // a setting is wrong, or the server refuses this client
	OutsideHours                      // it is not a time at which this device serves anybody (KIOSK_OPEN)
)

// IdentifierKind is what customers type here (KIOSK_IDENTIFIER).
type IdentifierKind uint8

// The kinds.
const (
	TextKind IdentifierKind = iota
	EmailKind
	PhoneKind
	NumberKind
)

var kindNames = [...]string{TextKind: "text", EmailKind: "email", PhoneKind: "phone", NumberKind: "number"}

// String is the kind's name in settings and catalogues.
func (k IdentifierKind) String() string { return kindNames[k] }

// Rules are the figures a visit is played by. They do not change during a visit.
type Rules struct {
	Kind             IdentifierKind
	Languages        int           // how many languages there are; at least 1
	Keypad           KeypadMode    // when the keypad is on the screen
	IdleLimit        time.Duration // KIOSK_IDLE_TIMEOUT: silence before "still there?" while typing
	ResultLimit      time.Duration // KIOSK_RESULT_TIMEOUT: the same on Shown and Ended
	PromptTime       time.Duration // how long "still there?" stands
	MaxExtensions    int           // how often a visit's time can be extended
	MaxCodeTries     int           // how many user codes the server may find wrong before the visit ends
	DeviceFlow       bool          // the second road is there: KIOSK_DEVICE_CLIENT_ID is set
	Technicians      bool          // technicians may come in at the screen: KIOSK_TECHNICIAN_CLAIM is set
	MaxRepeats       int           // how often the same person can be asked again without retyping
	ThrottlePatience time.Duration // how long a wait may be for which the push guard's screen keeps what was typed
	AskLimit         time.Duration // an Ask that is not answered by then is lost
	RefusalQuantum   time.Duration // refusals are shown at a multiple of this after the request was decided on, so that their time tells nothing
	CallLimit        time.Duration // the same for a poll, a check, a fetch
	MinInterval      time.Duration // the poll interval where the server named none
	HelpAfter        time.Duration // on Waiting, when "nothing arrived?" opens by itself
	CancelNotice     time.Duration // how long the word after a cancel stands
	MenuLimit        time.Duration // how long a technician's menu is open at the most, whatever is pressed
	TaskLimit        time.Duration // a task of theirs that is not done by then is given up
	NoScreen         bool          // there is no screen, so that nothing wakes only to count seconds down on it
}

// DefaultRules are the rules with the contract's defaults.
func DefaultRules() Rules {
	return Rules{
		Languages:        1,
		IdleLimit:        60 * time.Second,
		ResultLimit:      30 * time.Second,
		PromptTime:       20 * time.Second, // WCAG 2.2.1
		MaxExtensions:    10,               // WCAG 2.2.1
		MaxCodeTries:     3,                // a slip of the finger or two; more is guessing
		MaxRepeats:       2,                // push fatigue: three rings and no more
		ThrottlePatience: 2 * time.Minute,  // the guard's second pause; nobody stands there for the third
		AskLimit:         45 * time.Second, // servers that answer only when the phone was reached take their time
		RefusalQuantum:   2 * time.Second,  // more than servers take to look a person up, less than a customer minds
		CallLimit:        45 * time.Second, // CIBA Core 10.1: be ready to wait 30 s and more for a long poll
		MinInterval:      5 * time.Second,  // CIBA Core 7.3
		CancelNotice:     10 * time.Second, // long enough to read two short sentences
		HelpAfter:        25 * time.Second, // a push that has not come by then will rarely come by itself
		MenuLimit:        15 * time.Minute, // three of a technician's visits; who walks away leaves it open no longer
		TaskLimit:        2 * time.Minute,  // the examination asks a dozen times, and each may run into its limit
	}
}

// Input is what is known of an identifier or a user code while it is typed: never the text.
type Input struct {
	Length       int
	Problem      Problem
	ProblemShown bool // the problem is on screen: Enter was pressed on it
}

// State is everything a visit is. It holds no secret (tokens, auth_req_id and
// the identifier lie in the vault), so goldens, crash dumps and logs of states
// cannot leak, and it is comparable, so "cleared" can be checked: in Ready,
// s == s.Fresh().
type State struct {
	Rules    Rules
	Closures Closures
	Last     Number // the last question's number
	Phase    Phase

	Since        time.Duration // when the phase began
	LastInput    time.Duration // when the customer last did something
	IdlePrompt   bool          // "still there?" is on screen, since StillAt
	IdlePromptAt time.Duration
	Extensions   int // times the customer asked for more time
	Language     int // index into the languages; 0 is the default
	Help         bool

	Keypad KeypadState
	Input  Input
	Masked string // the identifier as it may be shown

	NeedsUserCode bool // the server wants a user code of this person
	CodeTries     int  // user codes that it found wrong
	HintExpired   bool // the login hint token that was scanned has run out
	Road          Flow // how this person is asked

	Visit          string // the journal's name for this visit
	Request        Number // the vault's name for this request; 0 before the first
	Question       Number // the question that is out; 0 if none is
	Code           string // the code on both screens
	BindingMessage string // the binding message as it was sent
	Repeats        int    // times asked again
	Pinged         bool   // the server's ping came before its acknowledgement

	Refusal         time.Duration // on Asking: when the server's refusal will be shown; 0 if it has not refused
	Pace            PollSchedule  // when to poll, and until when
	AmbiguousDenial bool          // the server sends one code for refused and for run out (Auth0)
	PhoneHint       PhoneHint     // where the customer looks on the phone
	TokensIssued    bool          // tokens came for this request: it must be given back

	Reason    Reason   // with Ended
	Ambiguous bool     // refused or run out: the server's one code does not tell
	Throttle  Throttle // with HeldBack: how long, from Since, and whether staff should know
	Revealed  bool     // the result is on screen
	Page      int
	Stopping  bool // told to stop: no new visit

	Technician      bool // this visit is for the device's sake: who approves it gets the menu, and no data of anybody
	Unauthenticated bool // on Menu: nobody could approve, so there is the examination and nothing else
	Task            Task // on Menu: what is open, or under way while Question is not 0
	Failed          bool // on Menu: Task could not be done
}

// Fresh is the zero ready state (or Closed, if there is a reason) with what may
// outlive a visit: the rules, the closures, the counter of questions.
func (s State) Fresh() State {
	f := State{Rules: s.Rules, Closures: s.Closures, Last: s.Last, Stopping: s.Stopping}
	if f.Closures != 0 {
		f.Phase = Closed
	}
	return f
}

// New is the state a device starts in.
func New(r Rules) State { return State{Rules: r} }

// Busy says whether somebody's visit is under way.
func (s State) Busy() bool { return s.Phase != Ready && s.Phase != Closed }
