// Package kiosk is what a visit is: a customer says who they are, the kiosk has
// the authorization server ring their phone (OpenID CIBA), they approve there, the
// answer is checked, what they came for is fetched, shown, and forgotten.
//
// The package is pure: no I/O, no clock, the standard library only. All else in
// this project is an adapter behind one of its ports (ports.go). What it leaves to
// others: the protocol, disks, terminals, languages, settings.
//
// # The plan
//
//		Event ──► Step(State, now) ──► State, []Effect ──► Runner ──► ports
//		  ▲                              │                              │
//		  │                              └──► View ──► Screen           │
//		  └───────────────── answers, keys, time ◄──────────────────────┘
//
//	  - State (state.go) is where a visit stands. It is a comparable value and holds
//	    no secret: tokens, auth_req_id and identifier lie in the Vault under the
//	    request's number. So no golden, log or crash dump of a state can leak, and
//	    "cleared" can be checked: in Ready, s == s.Fresh().
//	  - Event (event.go) is what can happen, Effect (effect.go) what the visit wants done.
//	  - Step (step.go) is the transition table; begin.go, wait.go and leave.go have what
//	    it does up to the ring, while the phone rings, and after. PollSchedule (pace.go) is its
//	    schedule of polls, Wake (wake.go) when time alone changes something.
//	  - View (view.go) is what a person may see, as data (screen.go), in the words of
//	    a catalogue (words.go). What is typed is judged in identifier.go and hint.go; the
//	    keypad on the screen is keypad.go, help is help.go, the bell is sound.go.
//	    A technician's visit and menu are menu.go; the screen of a device that has no
//	    registration yet is setup.go.
//	  - Record (journal.go) is what must be known after a power cut, and Recover says
//	    what is done about it.
//	  - Runner (runner.go, calls.go) is the one goroutine that owns the state: an
//	    event comes in, Step decides, effects go out in order, the display is told.
//	    Calls run beside it and come back as events. Tokens that nobody needs any more
//	    are given back until the server takes them, over restarts, too (dues.go).
//
// # Around it
//
// One visit is not all that a kiosk is; the rest is known here as events and ports only.
// Package keeper is the Journal whatever the disk does: it sets a damaged file aside and
// keeps records in memory while there is no room. Package guard is the Guard, with the
// journal as its memory. Package ciba is the Authorizer: it polls, takes the server's
// pings (Pinged), speaks the device grant and revokes. Package app wires them, closes and
// opens the kiosk (ClosureChanged: no contact yet, clock, maintenance, opening hours, settings),
// plays visits that come over the local socket by the same events as keys, and sweeps the
// memory. What keeps a device well is beside it, too, and knows nothing of visits: health
// (what is wrong now), doctor (why, and what to do), enrol (how a device gets its
// registration), console (what the terminal lets through).
//
// # The technician
//
// A technician is a person whom the server knows and whose account carries a claim. So
// there is no password of the device, which would be the same on hundreds of them for
// years: whoever loses the claim at the server loses the menu everywhere. Their visit is a
// visit (guard, record, one ring, every check), by an Authorizer of its own that asks for
// no scope of the API; and since the menu is a phase that no fetch leads to, and that has
// no effect but RunTask, customers' data are out of its reach by construction. What it can do
// is less than an operator can over the local socket.
//
// Where nobody can be asked (no network, no clock, wrong settings, no record) nobody can be
// let in either, and that is when a technician is needed most. Then the key, or the screen
// on which their visit ended, opens the examination alone (State.Menu.Unauthenticated): it changes
// nothing, and names hosts and files of this device, but no person and no secret. What it
// says stands as text: on a screen of 80 columns a QR code has room for a tenth of it, and a
// phone's camera reads text.
//
// # The roads
//
// A visit asks by the backchannel. The server may first want a user code: that ends the
// request, and what is typed in EnterUserCode makes another one. Or it takes the second road
// (State.Flow): a device authorization request, whose QR code any phone opens. It begins
// with a key, on Waiting or after a refusal; the request before it is left, on record, and
// its late tokens are given back. Both roads are polled, checked and shown alike.
//
// A ping says that a poll is worth while and no more. It may come before the
// acknowledgement (kept in State.Request.Pinged), during a poll (then there is one more), twice,
// for a request that was left, or never: the schedule goes on without it.
//
// # What holds, always
//
// Twelve rules, asserted by the random walk in walk_test.go after every one of a million
// steps with late, doubled, foreign and hostile events (the eighth in runner_test.go):
//
//  1. A ready state is the zero ready state.
//  2. From any state, silence leads to Ready in a time that can be computed.
//  3. Never two polls in flight, none earlier than allowed, the interval never
//     shrinks, and at most one poll after the expiry.
//  4. At most one request for one number, no more than keys were pressed, and no phone
//     rings without the guard.
//  5. No fetch without a verified answer to the same question, and only one.
//  6. A record is on disk before the effect that others can see.
//  7. Late or foreign answers change nothing; tokens that come with them are given back.
//  8. Nothing secret is in a state, a log, or on a screen; canaries prove it.
//  9. Language, warnings and extensions end with the visit.
//  10. A reason for being closed never interrupts a visit and is never forgotten.
//  11. A refusal by the server is shown at an even time, whenever it came.
//  12. A technician's visit fetches nothing; its menu is open only after a verified
//     answer to its own request, or for the examination alone; and never for long.
//
// # What an onlooker can tell
//
// The authorization server refuses people whom it does not know, or who have no
// phone, at once (CIBA Core 13), and it rings the phones of the others. So a person
// who can be asked is known by the code on the screen, and no kiosk can hide that
// but by playing a ringing phone to customers who only mistyped. What can be hidden
// is which of the refusals it was. All have one reason and one sentence; they are
// shown at the end of an even span of time, two seconds or a multiple, whatever
// the server took; and cancelling before that looks like cancelling any request.
// The push guard is asked before the server, counts refused requests like
// unanswered ones, and says the same whether there is such a person or not. Who
// tries names one after the other is held back by the device's budget.
//
// # Where this departs from the first design, and why
//
//   - Tokens are given back when the result is there, not when it has been read: no
//     record has them any more, so a power cut meanwhile would leave them good.
//   - There is a phase more, EnterUserCode, for the user code.
//   - Cancelling while the phone may ring leads to Ended(cancelled) for some seconds
//     instead of straight to Clearing: somebody has to be told that the phone may
//     still ask, and Clearing is over before it could be read. The vault is wiped at once all the same.
//   - What is typed is in the vault, not in the state; View gets it, and the result,
//     as Private at the moment of drawing.
//   - Asking again is a new request with a record of its own, so that a record is
//     one ring of one phone.
//   - Choosing a language on Ready begins a visit: a ready state has no language.
//   - The guard counts by the journal's asking records and writes nothing itself.
//   - A visit is resumed after a crash only within 30 s of its last record, not of
//     the crash: nothing is written while a phone rings that could tell when that was.
//   - Tokens that are to be given back go to disk only once a first attempt has failed, so
//     that a crash before, within five seconds of the visit's end, leaves them good until
//     they run out. They could be written with the ending for nothing. But to take them off
//     again would be one more commit for each visit, a fifth, on a card that wears; or, left
//     to the next visit's, they would lie on disk while nobody is there. And an ending that
//     waits for the server's answer would not be on disk before the result is seen.
//   - "A redeemed id is never polled again" holds from the granted record on. Between
//     the server's answer and that record lies a moment in which a crash makes the next
//     start poll once more; no client can close it. The answer then is invalid_grant,
//     and nobody is asked again.
//   - Each key says which screen it was pressed on, and does nothing on another one.
package kiosk
