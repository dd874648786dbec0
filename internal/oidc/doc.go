// Package oidc is what a client must know of OpenID Connect before it may
// believe a server: how to reach it without being led elsewhere (Transport), what
// it says of itself (Discovery), its signing keys (Keys), whether an ID token is
// genuine (Verifier), and how to prove who is asking (ClientAuth).
//
// It knows nothing of a visit, of polling or of backchannel requests: package
// ciba does. It never reads the clock itself; the time is handed in. Everything
// that comes from a server is hostile until checked: sizes, depth, types and
// characters are limited before a value is used. Error texts repeat nothing of a
// foreign answer, but for an issuer that is not the configured one.
package oidc
