package kiosk

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Secret is a byte string that must not be seen: an identifier, an auth_req_id,
// a token. It prints as one word, whatever verb is used, so that no log,
// error or crash dump of a struct that holds one can leak it.
type Secret []byte

// String hides the value.
func (s Secret) String() string { return "[secret]" }

// Format hides the value from every verb: some (%d, %c, %U) do not ask String.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText hides the value from encoders that ask for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Zero overwrites the bytes. Copies made elsewhere are not its business.
func (s Secret) Zero() { clear(s) }

// Error is what crosses a port when something failed: the reason that the
// customer's screen and the exit code are chosen by, and for the technician what
// was tried and the cause. It never holds a secret or a server's free text that
// was not cut down to harmless ASCII.
type Error struct {
	Reason    Reason        // never NoReason
	Operation string        // the operation in three words or so, as in "backchannel request"; empty if Err names it
	Err       error         // the cause; may be nil
	Required  RequiredInput // from Ask only: what the customer can do about it
}

// Error reads "what: cause".
func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return e.Operation + ": " + e.Reason.String()
	case e.Operation == "":
		return e.Err.Error()
	}
	return e.Operation + ": " + e.Err.Error()
}

// RequiredInput is what the server wants of the customer before it rings a phone.
type RequiredInput uint8

// The wants.
const (
	NothingRequired   RequiredInput = iota
	UserCodeRequired                // a user code, or another one than was sent (missing_user_code, invalid_user_code)
	FreshHintRequired               // a login hint token that has not run out (expired_login_hint_token)
)

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fail makes an Error.
func Fail(r Reason, what string, err error) *Error {
	return &Error{Reason: r, Operation: what, Err: err}
}

// ReasonOf finds the reason in an error that came through a port. An error
// without one is our own fault: Internal. A nil error has NoReason.
func ReasonOf(err error) Reason {
	if err == nil {
		return NoReason
	}
	var e *Error
	if errors.As(err, &e) && e.Reason != NoReason {
		return e.Reason
	}
	return Internal
}

// RequiredInputOf finds what the server wants in an error of Ask.
func RequiredInputOf(err error) RequiredInput {
	var e *Error
	if errors.As(err, &e) {
		return e.Required
	}
	return NothingRequired
}

// Request is one backchannel authentication request as the visit sees it.
type Request struct {
	Identifier Secret // what the customer typed or scanned, trimmed
	Code       string // shown on the kiosk and inside the binding message
	UserCode   Secret // what the server wanted of the customer; empty if it has not (CIBA Core 7.1.2)
	Flow       Flow   // with DeviceFlow it is a device authorization request instead, without Code and UserCode
	// Ping is called where the server says that an answer is ready, from any
	// goroutine, perhaps before Ask has returned, at most once; it does not block.
	Ping func()
}

// Grant is what a person opens with any phone on the second road (RFC 8628,
// section 3.2). Its texts hold no control or direction characters.
type Grant struct {
	Address  string // verification_uri, to be typed
	Complete string // verification_uri_complete, as QR code; Address where the server sends none
	UserCode string // to be typed there, or compared
}

// Ack is the authorization server's acknowledgement (CIBA Core 7.3).
type Ack struct {
	RequestID       Secret        // auth_req_id
	Expires         time.Duration // from when the request was sent; positive
	Interval        time.Duration // the least time between polls; at least a second
	ExpectedSubject Secret        // what Verify needs to know of the person asked for (a lookup's subject, say); opaque here, may be empty
	BindingMessage  string        // the binding message as it was sent; shown in the JSON lines
	AmbiguousDenial bool          // this server sends one code for refused and for run out (Auth0)
	PhoneHint       PhoneHint     // where the customer looks on the phone
	Age             time.Duration // how long ago the request left when Ask returned: Expires counts from then
	Grant           Grant         // on the second road
}

// Tokens is a token response that has passed its outer checks (RFC 6749 5.1)
// but whose ID token has not been looked at yet.
type Tokens struct {
	Access  Secret
	ID      Secret
	Refresh Secret // empty if none came
	Client  string // the client they were issued to, where it is the second road's; else empty
	Type    string // "Bearer" or "DPoP", in this spelling
	Scope   string // as granted; as asked for where the answer was silent
	// Expires is for how long the access token is good, from when it came; 0 if the
	// server did not say.
	Expires time.Duration
}

// Revocable says whether there is anything to give back.
func (t Tokens) Revocable() bool { return len(t.Access)+len(t.Refresh) > 0 }

// Zero overwrites all three tokens.
func (t Tokens) Zero() { t.Access.Zero(); t.ID.Zero(); t.Refresh.Zero() }

// Verdict is what one poll of the token endpoint came to (CIBA Core 11). The
// JSON error decides it, never the status code alone.
type Verdict uint8

// The verdicts.
const (
	Pending        Verdict = iota // authorization_pending: keep polling
	SlowDown                      // slow_down: five seconds more from now on, for good
	Granted                       // tokens came
	Denied                        // access_denied
	TimedOut                      // expired_token
	UnknownRequest                // invalid_grant: unknown, used or purged; what it means depends on what went before
	Retryable                     // no usable answer (transport, 429, 5xx, not JSON): back off and go on
	Fatal                         // any other error: stop for good, for PollAnswer.Reason
)

// PollAnswer is one poll's outcome.
type PollAnswer struct {
	Verdict       Verdict
	Reason        Reason        // with Fatal only
	RetryAfter    time.Duration // the server's wish, from the answer's arrival; 0 if none
	Interval      time.Duration // with SlowDown: the server's new interval, 0 if it named none
	ServerReached bool          // with Retryable: the server did answer, so the connection is not what is lost
	Tokens        Tokens        // with Granted; with Fatal if tokens came that may not be used: they are given back
	Err           error         // for the log: why, with Retryable and Fatal; holds no secret
}

// Expectation tells Verify what the answer must fit.
type Expectation struct {
	Identifier      Secret
	RequestID       Secret
	ExpectedSubject Secret    // from the Ack
	RequestedAt     time.Time // wall clock when the request was sent; an ID token from before is refused
}

// Person is who approved, after every check.
type Person struct {
	Subject string // the ID token's sub
	Claims  []byte // the verified claims, a JSON object
}

// Field is one labelled line of a result.
type Field struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Result is the protected API's answer as laid out for the customer. Its texts
// hold no control or direction characters.
type Result struct {
	Title  string  `json:"title"`
	Fields []Field `json:"fields"`
}

// Authorizer is the authorization server as a visit needs it. Its methods may
// be called from any goroutine, block until they have an answer or ctx ends, and
// never retry what could ring a phone twice.
type Authorizer interface {
	// Ask sends one backchannel authentication request, once. After an error of
	// any kind, but one with a RequiredInput, the phone may be ringing.
	Ask(ctx context.Context, r Request) (Ack, error)
	// Poll asks the token endpoint once.
	Poll(ctx context.Context, requestID Secret) PollAnswer
	// Verify checks the ID token and that the approver is the person asked for.
	Verify(ctx context.Context, t Tokens, a Expectation) (Person, error)
	// Revoke gives the tokens back (RFC 7009); nil where the server offers no way to.
	Revoke(ctx context.Context, t Tokens) error
}

// Resource is the protected API. Fetch calls it once; with no API configured it
// lays out the person's claims instead.
type Resource interface {
	Fetch(ctx context.Context, t Tokens, p Person) (Result, error)
}

// TaskRunner is what a technician can have done at the menu. RunTask is called beside the
// runner's loop, and gives what there is to read, if anything: nothing personal, no
// secret, no control characters. RestartTask only notes the wish: the program ends once
// nobody stands there.
type TaskRunner interface {
	RunTask(ctx context.Context, t Task) ([]Field, error)
}

// Journal keeps records. Append returns only when the record is on disk: the
// runner relies on it before it does anything that others can see.
type Journal interface {
	Append(r Record) error
	// Unfinished gives, for each visit without an ending, its last record with
	// its secrets, oldest first.
	Unfinished() ([]Record, error)
}

// Revocation is tokens that are still to be given back, since the server could not be reached.
type Revocation struct {
	ID       uint64        // what the keeper knows it by; 0 if it does not
	Tokens   Tokens        // to be zeroed
	Until    time.Time     // wall clock when they are worth nothing any more
	Lifetime time.Duration // how long that was from when they were put there; at most a day
}

// RevocationQueue keeps what is still to be given back, sealed, over restarts. It is safe for
// concurrent use.
type RevocationQueue interface {
	// Owe returns when it is on disk.
	AddRevocation(d Revocation) (id uint64, err error)
	RevocationDone(id uint64) error
	// Owed gives all there are, oldest first.
	PendingRevocations() ([]Revocation, error)
}

// Guard decides whether one more backchannel request for this person may leave
// this device now. It only decides: the journal's records are what it remembers by.
type Guard interface {
	Allow(identifier Secret) (Throttle, error)
}

// Throttle is the push guard's answer. The zero Throttle lets the request go.
type Throttle struct {
	Wait  time.Duration // how long no request may leave
	Abuse bool          // this person was asked over and over without approving: staff should know
}

// PastRequest is one backchannel authentication request of the past, as the guard counts
// it: what its asking record says of the time, and whether it was for the person
// who is asked about.
type PastRequest struct {
	SamePerson bool
	Wall       time.Time
	Boot       string
	Uptime     time.Duration
	// Story gives, if Mine, what is on record of it in order, without secrets; nothing
	// where the visit has been taken off record since. It must not be called later.
	History func() []Record
}

// Item is what the vault holds of a visit.
type Item uint8

// The items.
const (
	Identifier      Item = iota // what was typed or scanned
	RequestID                   // auth_req_id
	ExpectedSubject             // Ack.ExpectedSubjectedSubject
	UserCode                    // from the first character until it was sent; with number 0 while it is typed
	AccessToken
	IDToken      //
	RefreshToken //
	items        // how many there are
)

// Vault holds the secrets of the present visit in memory, by request number.
// Number 0 holds the identifier while it is being typed. It is safe for
// concurrent use.
type Vault interface {
	// Put copies value in and overwrites what was there.
	Put(n Number, i Item, value []byte)
	// Get gives a copy that the caller must Zero; nil if there is none.
	Get(n Number, i Item) Secret
	// Wipe overwrites and forgets what is held under n.
	Wipe(n Number)
}

// Private is what a customer may see that is no part of the State: it comes from
// the vault at the moment of drawing and is dropped afterwards.
type Private struct {
	Input  string // the identifier while it is being typed
	Grant  Grant  // on the second road, while it is waited for
	Person Person
	Result Result
}

// Display shows the visit. Show is called from the runner's goroutine after each
// change and once a second while seconds are counted; it must not block for long.
type Display interface {
	Show(now time.Duration, s State, p Private)
}

// Clock is the only way in which a visit learns of time.
type Clock interface {
	// Now is monotonic uptime: setting the wall clock does not move it.
	Now() time.Duration
	// Wall is the wall clock, for records and token checks only.
	Wall() time.Time
	// Boot identifies this boot of the device, so that an uptime on disk can be told from another boot's.
	Boot() string
}
