package kiosk

import (
	"context"
	"time"
)

// Request is one backchannel authentication request, or one device authorization request, as the visit sees it.
type Request struct {
	Identifier Secret // what the customer typed or scanned, trimmed
	Code       string // shown on the kiosk and in the binding message; empty in the device flow
	UserCode   Secret // empty unless the server required it (CIBA Core 7.1.2)
	Flow       Flow
	// Ping is called when the server says that an answer is ready: from any goroutine, perhaps before Ask has returned, at
	// most once. It does not block.
	Ping func()
}

// Grant is what a person opens with any phone in the device flow (RFC 8628 3.2). Its texts contain no control or direction
// characters.
type Grant struct {
	Address  string // verification_uri, to be typed
	Complete string // verification_uri_complete, as a QR code; Address if the server sends none
	UserCode string // to be typed there, or compared
}

// Ack is the authorization server's acknowledgement (CIBA Core 7.3).
type Ack struct {
	RequestID       Secret        // auth_req_id
	Expires         time.Duration // from when the request was sent; positive
	Interval        time.Duration // the least time between polls; at least a second
	ExpectedSubject Secret        // what Verify needs to know of the person, such as a lookup's subject; may be empty
	BindingMessage  string        // as it was sent, or as the server chose it
	ServerChose     bool          // BindingMessage is the server's, and both screens show it instead of the code
	AmbiguousDenial bool          // this server sends one code for declined and expired (Auth0)
	PhoneHint       PhoneHint     // where the customer looks on the phone
	Age             time.Duration // how long before the return of Ask the request was sent; Expires counts from then
	Grant           Grant         // in the device flow
}

// Tokens is a token response that passed its outer checks (RFC 6749 5.1). Its ID token is not validated yet.
type Tokens struct {
	Access  Secret
	ID      Secret
	Refresh Secret        // empty if none came
	Client  string        // the client they were issued to, if it is the device flow's; else empty
	Type    string        // "Bearer" or "DPoP", in this spelling
	Scope   string        // as granted; as requested if the answer named none
	Expires time.Duration // lifetime of the access token from its arrival; 0 if unknown
}

// Revocable reports whether there is anything to revoke.
func (t Tokens) Revocable() bool { return len(t.Access)+len(t.Refresh) > 0 }

// Zero overwrites all three tokens.
func (t Tokens) Zero() { t.Access.Zero(); t.ID.Zero(); t.Refresh.Zero() }

// Verdict is the outcome of one poll of the token endpoint (CIBA Core 11). The error code in the JSON decides, never the HTTP
// status alone.
type Verdict uint8

// The verdicts.
const (
	Pending        Verdict = iota // authorization_pending: keep polling
	SlowDown                      // slow_down: five seconds more from now on
	Granted                       // tokens came
	Denied                        // access_denied
	TimedOut                      // expired_token
	UnknownRequest                // invalid_grant: unknown, used or deleted; its meaning depends on what went before
	Retryable                     // no usable answer (transport, 429, 5xx, not JSON): back off and continue
	Fatal                         // any other error: stop, for PollAnswer.Reason
)

// PollAnswer is the answer of Authorizer.Poll.
type PollAnswer struct {
	Verdict       Verdict
	Reason        Reason        // with Fatal only
	RetryAfter    time.Duration // what the server asked for, from the answer's arrival; 0 if nothing
	Interval      time.Duration // with SlowDown: the server's new interval; 0 if it named none
	ServerReached bool          // with Retryable: the server did answer, so the connection is not lost
	Tokens        Tokens        // with Granted; with Fatal if tokens came that must not be used, to be revoked
	Err           error         // with Retryable and Fatal: the cause, for the log; contains no secret
}

// Expectation is what an answer must match in Verify.
type Expectation struct {
	Identifier      Secret
	RequestID       Secret
	ExpectedSubject Secret    // from the Ack
	RequestedAt     time.Time // wall clock when the request was sent; an earlier ID token is refused
}

// Person is the person who approved, after every check.
type Person struct {
	Subject string // the ID token's sub
	Claims  []byte // the validated claims, a JSON object
}

// Field is one labelled line of a result.
type Field struct {
	Label string `json:"label"`
	Value string `json:"value"`
	Big   bool   `json:"big,omitempty"` // what the customer came for, in the largest letters
}

// Result is the protected API's answer as laid out for the customer. Its texts contain no control or direction characters.
type Result struct {
	Title  string  `json:"title"`
	Fields []Field `json:"fields"`
}

// Authorizer is the authorization server as a visit needs it. Its methods may be called from any goroutine and block until
// they have an answer or ctx ends. They never repeat what could ring a phone twice.
type Authorizer interface {
	// Ask sends one backchannel authentication request, once. After any error but one with Required, the phone may be
	// ringing.
	Ask(ctx context.Context, r Request) (Ack, error)
	// Poll sends one request to the token endpoint.
	Poll(ctx context.Context, requestID Secret) PollAnswer
	// Verify validates the ID token and that the approver is the identified person.
	Verify(ctx context.Context, t Tokens, e Expectation) (Person, error)
	// Revoke revokes the tokens (RFC 7009). It returns nil if the server has no way to.
	Revoke(ctx context.Context, t Tokens) error
}

// Resource is the protected API.
type Resource interface {
	// Fetch calls the API once. Without a configured API it lays out the person's claims.
	Fetch(ctx context.Context, t Tokens, p Person) (Result, error)
}

// TaskRunner runs the tasks of a technician's menu.
type TaskRunner interface {
	// RunTask runs beside the runner's loop and returns the text to be read, if there is any: nothing personal, no secret,
	// no control characters. RestartTask only requests the restart; the program ends after the visit.
	RunTask(ctx context.Context, t Task) ([]Field, error)
}

// Journal keeps the record of visits.
type Journal interface {
	// Append returns when the record is on disk. The runner relies on this before it does anything that others can see.
	Append(r Record) error
	// Unfinished returns the last record, with its secrets, of each visit without an ending, oldest first.
	Unfinished() ([]Record, error)
}

// Revocation is tokens that have to be revoked later because the server could not be reached.
type Revocation struct {
	ID       uint64        // the number in the queue; 0 if it is not queued
	Tokens   Tokens        // to be zeroed
	Until    time.Time     // wall clock when they expire
	Lifetime time.Duration // how long that is from when they were queued; a day at most
}

// RevocationQueue keeps tokens that still have to be revoked, sealed, over restarts. It is safe for concurrent use.
type RevocationQueue interface {
	// AddRevocation returns when the tokens are on disk.
	AddRevocation(r Revocation) (id uint64, err error)
	// RevocationDone removes an entry.
	RevocationDone(id uint64) error
	// PendingRevocations returns all entries, oldest first.
	PendingRevocations() ([]Revocation, error)
}

// Guard is the push guard. It decides by the journal's records and has no memory of its own.
type Guard interface {
	// Allow decides whether one more backchannel authentication request for this person may leave the device now. withCode
	// says that it continues a visit: the customer answers the server's demand for a user code.
	Allow(identifier Secret, withCode bool) (Throttle, error)
}

// Throttle is the push guard's answer. The zero Throttle allows the request.
type Throttle struct {
	Wait  time.Duration // how long no request may leave
	Abuse bool          // this person was asked repeatedly without approving: staff should know
}

// PastRequest is one backchannel authentication request of the past, as the guard counts it.
type PastRequest struct {
	SamePerson bool // it was for the person of the present request
	Wall       time.Time
	Boot       string
	Uptime     time.Duration
	// History returns the visit's records in order, without secrets; none if the visit has been pruned since. It must not
	// be called later.
	History func() []Record
}

// Private is what a customer may see that is not part of the State. It comes from the vault at the moment of drawing and is
// dropped afterwards.
type Private struct {
	Input  string // the identifier while it is typed
	Grant  Grant  // in the device flow, during Waiting
	Person Person
	Result Result
}

// Display shows the visit.
type Display interface {
	// Show is called by the runner after each change, and once a second during a countdown. It must not block for long.
	Show(now time.Duration, s State, p Private)
}

// Clock is the only source of time in a visit.
type Clock interface {
	// Now returns the uptime: setting the wall clock does not change it.
	Now() time.Duration
	// Wall returns the wall clock, for records and token checks only.
	Wall() time.Time
	// Boot identifies this boot of the device, so that an uptime on disk can be told from one of another boot.
	Boot() string
}
