package kiosk

import (
	"fmt"
	"time"
)

// Phase is the phase of a visit. The zero phase is Ready, so that a cleared state equals a fresh one.
type Phase uint8

// The phases.
const (
	Ready         Phase = iota // nobody is here; the next visit may begin
	Closed                     // out of service, for State.Closures
	Identify                   // the customer types or scans who they are
	EnterUserCode              // the customer types the user code that the server requires (CIBA Core 7.1.2)
	Asking                     // the backchannel authentication request is being sent
	Waiting                    // the phone rings; the kiosk polls
	Checking                   // tokens came and are being validated
	Fetching                   // the protected API is being called
	Shown                      // the result is there, hidden until a key is pressed
	Ended                      // ended without a result, for State.Ending.Reason
	Menu                       // the technician's menu
	Clearing                   // the vault is being wiped; every other event is ignored
)

var phases = [...]string{"ready", "closed", "identify", "user_code", "asking", "waiting", "checking", "fetching", "shown", "ended", "technician", "clearing"}

// String returns the name of the phase in JSON lines and logs.
func (p Phase) String() string {
	if int(p) >= len(phases) {
		return fmt.Sprintf("phase(%d)", uint8(p))
	}
	return phases[p]
}

// Flow is how the person is asked for approval.
type Flow uint8

// The flows.
const (
	Backchannel Flow = iota // their phone rings (OpenID CIBA)
	DeviceFlow              // they open an address with any phone, usually by a QR code (RFC 8628)
)

// PhoneHint says where customers of a server look for the request on their phone.
type PhoneHint uint8

// The hints.
const (
	AnyApp      PhoneHint = iota // a message or the app with which they sign in
	GuardianApp                  // Auth0 Guardian
	LinkMessage                  // a link in an email or text message
)

// Number identifies a question to the outside: a request, poll, check, fetch or task. Numbers grow as long as the process
// runs. The vault holds a request's secrets under the request's number.
type Number uint64

// Closures is the set of reasons for being out of service. A reason that arises during a visit takes effect after it.
type Closures uint16

// The closures.
const (
	Starting     Closures = 1 << iota // the authorization server has not been reached since the start
	ClockWrong                        // the time is not known well enough
	Maintenance                       // an operator put the device out of service
	StoreDown                         // visits cannot be put on record
	SettingsBad                       // a setting is wrong, or the server refuses this client
	OutsideHours                      // outside the opening hours (KIOSK_OPEN)
)

// IdentifierKind is the kind of identifier that customers type (KIOSK_IDENTIFIER).
type IdentifierKind uint8

// The kinds.
const (
	TextKind IdentifierKind = iota
	EmailKind
	PhoneKind
	NumberKind
)

var kindNames = [...]string{TextKind: "text", EmailKind: "email", PhoneKind: "phone", NumberKind: "number"}

// String returns the name of the kind in settings and message catalogues.
func (k IdentifierKind) String() string { return kindNames[k] }

// Rules are the limits of a visit. They do not change during a visit.
type Rules struct {
	Kind             IdentifierKind
	Languages        int           // number of languages; at least 1
	Keypad           KeypadMode    // when the keypad is on the screen
	ScanOnly         bool          // KIOSK_IDENTIFY=scan: identifiers of customers are scanned, never typed
	IdleLimit        time.Duration // KIOSK_IDLE_TIMEOUT: silence until "still there?" while typing
	ResultLimit      time.Duration // KIOSK_RESULT_TIMEOUT: the same in Shown and Ended
	PromptTime       time.Duration // how long "still there?" is on the screen
	MaxExtensions    int           // how often a visit's time can be extended
	MaxCodeTries     int           // how many wrong user codes end the visit
	DeviceFlow       bool          // the device flow is offered: KIOSK_DEVICE_CLIENT_ID is set
	Technicians      bool          // the technician's menu exists: KIOSK_TECHNICIAN_CLAIM is set
	MaxRepeats       int           // how often the same person can be asked again without retyping
	ThrottlePatience time.Duration // the longest pause of the push guard for which the identifier is kept
	AskLimit         time.Duration // an Ask that is not answered by then has failed
	RefusalQuantum   time.Duration // refusals are shown at a multiple of this after the request, so that their time reveals nothing
	CallLimit        time.Duration // a poll, check or fetch that is not answered by then has failed
	MinInterval      time.Duration // the poll interval if the server names none
	HelpAfter        time.Duration // in Waiting: when "nothing arrived?" opens by itself
	CancelNotice     time.Duration // how long the screen after a cancellation stays
	MenuLimit        time.Duration // how long a technician's menu stays open, whatever is pressed
	TaskLimit        time.Duration // a technician's task that is not done by then has failed
	NoScreen         bool          // nobody sees a countdown, so no second needs a wake-up
}

// DefaultRules returns the rules with the contract's defaults.
func DefaultRules() Rules {
	return Rules{
		Languages:        1,
		IdleLimit:        60 * time.Second,
		ResultLimit:      30 * time.Second,
		PromptTime:       20 * time.Second, // WCAG 2.2.1
		MaxExtensions:    10,               // WCAG 2.2.1
		MaxCodeTries:     3,                // two slips of the finger; more is guessing
		MaxRepeats:       2,                // with the first request three rings: more is push fatigue
		ThrottlePatience: 2 * time.Minute,  // the guard's second pause; nobody waits for the third
		AskLimit:         45 * time.Second, // some servers answer only after they have reached the phone
		RefusalQuantum:   2 * time.Second,  // more than a server needs to look up a person, less than annoys a customer
		CallLimit:        45 * time.Second, // CIBA Core 10.1: a long poll can take 30 s and more
		MinInterval:      5 * time.Second,  // CIBA Core 7.3
		CancelNotice:     10 * time.Second, // enough to read two short sentences
		HelpAfter:        25 * time.Second, // a push that has not arrived by then rarely arrives at all
		MenuLimit:        15 * time.Minute, // bounds the time that a forgotten menu stays open
		TaskLimit:        2 * time.Minute,  // the doctor makes a dozen checks, each with its own limit
	}
}

// Input is what is known of an identifier or a user code while it is typed: never the text.
type Input struct {
	Length       int
	Problem      Problem
	ProblemShown bool // the problem is on the screen: Enter was pressed on it
}

// IdleState counts silence: "still there?" and the extensions that customers asked for.
type IdleState struct {
	Prompted   bool // "still there?" is on the screen
	PromptedAt time.Duration
	Extensions int // how often the customer asked for more time
}

// UserCodeState is what the server has said about this person's user code (CIBA Core 7.1.2).
type UserCodeState struct {
	Required bool
	Tries    int // user codes that the server refused
}

// RequestState is one backchannel authentication request, or one device authorization request, from its preparation to
// its end. The vault holds its secrets under Number.
type RequestState struct {
	Number          Number        // 0 before the first request
	Visit           string        // the record's name for this visit
	Code            string        // the code on both screens
	BindingMessage  string        // as it was sent
	Schedule        PollSchedule  // when to poll, and until when
	PhoneHint       PhoneHint     // where the customer looks on the phone
	Pinged          bool          // the server's ping came before its acknowledgement
	RefusalAt       time.Duration // in Asking: when the server's refusal will be shown; 0 if it has not refused
	HintExpired     bool          // the server refused the login hint token because it has expired
	AmbiguousDenial bool          // the server sends one code for declined and expired (Auth0)
	TokensIssued    bool          // the server issued tokens; they must be revoked
	Unsent          bool          // the request has not left the device
}

// Ending says why a visit ended without a result.
type Ending struct {
	Reason    Reason
	Ambiguous bool     // declined or expired: the server sends one code for both
	Throttle  Throttle // with HeldBack: how long, counted from State.Since
}

// Reading is the position in a result or in a technician's report.
type Reading struct {
	Revealed bool // the result is on the screen
	Page     int  // any integer; a painter takes it modulo the number of pages
}

// MenuState is the state of the technician's menu.
type MenuState struct {
	Unauthenticated bool // nobody could approve: only the diagnosis is offered
	Task            Task // what is open, or in progress while State.Question is not 0
	Failed          bool // the task failed
	Confirm         bool // the task begins when Enter is pressed
}

// State is everything that a visit is. It is comparable, so that "cleared" can be checked: in Ready, s == s.Fresh(). It
// holds no secret (tokens, auth_req_id and identifiers are in the vault), so goldens, crash dumps and logs of states
// cannot leak one. Times are uptimes.
type State struct {
	Rules      Rules
	Closures   Closures
	LastNumber Number // the last number given to a question
	Stopping   bool   // no new visit begins

	Phase     Phase
	Since     time.Duration // when the phase began
	LastInput time.Duration // when the customer last did something
	Idle      IdleState
	Question  Number // the open question; 0 if there is none
	Language  int    // index into the languages; 0 is the default
	Help      bool   // the help is open

	Technician  bool // a technician's visit: an approval opens the menu and fetches nothing
	MenuRefused bool // the last key was the technician's, where the menu cannot open
	Keypad      KeypadState
	Input       Input
	Masked      string // the identifier as it may be shown
	UserCode    UserCodeState
	Flow        Flow // how this person is asked
	Repeats     int  // how often this person was asked again without retyping
	Request     RequestState

	Reading Reading
	Ending  Ending
	Menu    MenuState
}

// Fresh returns the state between two visits: Ready, or Closed if there is a reason, with the rules, the closures and the
// counter of questions.
func (s State) Fresh() State {
	f := State{Rules: s.Rules, Closures: s.Closures, LastNumber: s.LastNumber, Stopping: s.Stopping}
	if f.Closures != 0 {
		f.Phase = Closed
	}
	return f
}

// New returns the state in which a device starts.
func New(r Rules) State { return State{Rules: r} }

// Busy reports whether a visit is in progress.
func (s State) Busy() bool { return s.Phase != Ready && s.Phase != Closed }
