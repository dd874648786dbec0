// Package oidc is the part of OpenID Connect that a client needs before it can trust a server: a Transport that is
// not led elsewhere, the server's metadata (Discovery), its signing keys (Keys), the validation of ID tokens
// (Verifier), and client authentication (ClientAuth, DPoP).
//
// It knows nothing of visits, polling or backchannel requests; package ciba does. It does not read the clock: callers
// pass the time in. Everything that a server sends is hostile until it is validated: size, depth, types and
// characters are limited before a value is used. Errors quote nothing of a response except an issuer that differs
// from the configured one.
package oidc
