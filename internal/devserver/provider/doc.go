// Package provider is the development OpenID Provider: CIBA in poll and ping mode, the
// device grant, dynamic registration, signed tokens, a small customer API and a control
// interface for scripts. With it a kiosk can be built, shown and tested without an
// account at an identity service.
//
// It is as strict as a production server, so that a client that passes here passes
// elsewhere: exactly one hint, exact client authentication, no assertion accepted twice,
// no early poll. It imports nothing of the kiosk, so that a mistake in the client is not
// mirrored in the server.
//
// It is not safe to expose: people are invented, client secrets are published in the
// source, anybody may register a client, and anybody who opens the phone page may
// approve. It has no passwords and no sessions.
//
// It leaves misbehaviour to package faults and the phone page to package phone.
//
// Start reading at call.go, which every request passes. A visit then goes through
// backchannel.go (the request), answers.go (the person answers), grants.go (the client
// polls), tokens.go (tokens are issued) and resources.go (they are used).
//
// In comments, CIBA is OpenID Client-Initiated Backchannel Authentication Flow Core 1.0
// and OIDC is OpenID Connect Core 1.0.
package provider
