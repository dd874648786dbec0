// Package devserver is the development OpenID Provider: it rings a phone that is
// a web page, gives out real signed tokens, serves a small customer API, and
// misbehaves on demand. It exists so that a kiosk can be built, shown and tested
// without an account at anybody's identity service.
//
// It is strict where a production server would be, because a client that passes
// here shall pass elsewhere: one hint exactly, client authentication checked to
// the letter, no assertion accepted twice, no poll tolerated early. And it is
// wrong on purpose where a test asks for it: see [Kinds] for the table of faults.
//
// # What it leaves to others
//
// It is not safe to expose: the people are made up, the client secrets are
// printed in its source, anybody may register a client, and whoever can open the
// phone page can approve. It keeps no passwords and no sessions.
//
// It imports nothing else of this project. A mistake in our client must not be
// mirrored in our server, or the two would agree with each other and with nobody
// else.
//
// # Reading order
//
// server.go says what a [Server] is; call.go is what every request goes through;
// then bc.go (a request arrives), decide.go (a person answers), poll.go (the
// client asks), mint.go (tokens are made), customer.go (they are used).
// faults.go and faultkinds.go are the misbehaviour, record.go the list of what
// arrived, phone.go the phone (phonecard.go what it shows of a request,
// phonewords.go its languages). proof.go has signed requests and what ties a token
// to its holder: certificates and proofs of possession.
// ping.go tells a client in ping mode that its answer is ready.
//
// Standards named in comments: CIBA is OpenID Client-Initiated Backchannel
// Authentication Flow Core 1.0; OIDC is OpenID Connect Core 1.0.
package devserver
