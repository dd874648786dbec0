// Package kiosk is a visit as a pure state machine: a customer says who they are, the authorization server rings their
// phone (OpenID CIBA), they approve there, the tokens are validated, a protected API is called, and the result is shown
// and forgotten.
//
// The package has no I/O, no clock and no goroutine, and imports the standard library only. Package kiosk/runner plays
// visits, kiosk/screen says what a person sees, and everything else in this module is an adapter behind one of the ports
// (ports.go).
//
//	Event ──► Step(State, now) ──► State, []Effect ──► runner ──► ports
//	  ▲                              │                              │
//	  │                              └──► screen.View ──► Screen    │
//	  └───────────────── answers, keys, time ◄──────────────────────┘
//
// State (state.go) is a comparable value without secrets. Event (event.go) is what can happen, Effect (effect.go) what the
// visit wants done. Step (step.go) has the transitions; identify.go, asking.go, waiting.go, result.go and ended.go are the
// phases in their order. PollSchedule (schedule.go) says when to poll, Wake (wake.go) when time alone changes something.
// Record (record.go) is what must be known after a power cut, Recover (recovery.go) what to do about it.
//
// # Invariants
//
// walk_test.go asserts these rules after each of a million random steps with late, repeated, foreign and hostile events:
//
//  1. A ready state equals the zero ready state.
//  2. From any state, silence leads to Ready in a computable time.
//  3. There are never two polls at once, none is early, the interval never shrinks, and at most one follows the expiry.
//  4. One number has at most one request. There are no more requests than user actions, and none without the guard.
//  5. Nothing is fetched without a verified answer to the same question, and only once.
//  6. A record is on disk before the effect that others can see.
//  7. Late or foreign answers change nothing; tokens that come with them are revoked.
//  8. No secret is in a state, a log or on a screen (checked by the tests of kiosk/runner).
//  9. Language, warnings and extensions end with the visit.
//  10. A reason for being closed never interrupts a visit and is never forgotten.
//  11. A refusal by the server is shown at a multiple of Rules.RefusalQuantum.
//  12. A technician's visit fetches nothing. Its menu opens only after a verified answer to its own request, or for the
//     diagnosis alone, and not for long.
//
// # Transitions that are easy to get wrong
//
//   - A user code: the server answers missing_user_code and rings nobody. That ends the request, and the typed code makes
//     another one with a record of its own. So does asking again.
//   - The device flow begins with a key in Waiting or after a refusal. The earlier request is on record as cancelled, and
//     tokens that still come for it are revoked. Both flows are polled, verified and shown alike.
//   - A ping only makes a poll due. It can come before the acknowledgement, during a poll (one more poll follows), twice,
//     for an abandoned request, or never.
//   - Cancelling while the phone may ring leads to Ended for some seconds: the customer must learn that the phone may still
//     ask. The vault is wiped at once.
//   - Tokens are revoked when the result has arrived, before it is read: no record contains them any more, and a power cut
//     must not leave them valid.
//   - Revocation goes to disk only after a first attempt has failed. A crash before that, within seconds of the end of the
//     visit, leaves the tokens valid until they expire. Queueing them first would cost one more commit for each visit, on a
//     card that wears.
//   - A granted request is never polled again once its record is on disk. A crash between the server's answer and that
//     record makes the next start poll once more; the answer is invalid_grant, and nobody is asked again.
//   - A visit is resumed within 30 s of its last record, not of the crash: nothing is written while a phone rings.
//   - Choosing a language in Ready begins a visit, because a ready state has no language.
//   - Each key says on which screen it was pressed, and does nothing on another.
//
// # What an onlooker can learn
//
// A server refuses people whom it does not know or who have no phone, and rings the phones of the others (CIBA Core 13). So
// the code on the screen shows that a person can be asked, and no kiosk can hide that. Which refusal it was can be hidden:
// all have one reason and one sentence, appear at a multiple of two seconds, and can be cancelled like any request. The
// push guard is asked before the server, counts refused requests like unanswered ones, and gives the same answer whether or
// not a person exists. Its budget for the device stops those who try one name after another.
//
// # Technicians
//
// A technician is a person whose account carries a claim, so there is no password on the device. Their visit has the same
// guard, record and checks. Its Authorizer asks for no scope of the API, and no transition leads from the menu to a fetch.
// If nobody can be asked (no network, wrong clock, wrong settings, no record), the menu's key shows the doctor's findings
// alone (MenuState.Unauthenticated). They name hosts and files of the device, no person and no secret.
package kiosk
