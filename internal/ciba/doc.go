// Package ciba is the client of an authorization server for visits: a kiosk.Authorizer for OpenID Client-Initiated
// Backchannel Authentication (CIBA Core 1.0) in poll and ping mode, and for the device authorization grant (RFC 8628). It
// turns a request into what the server accepts, and each answer into one verdict or one reason.
//
// It keeps no state between calls: package kiosk decides when to poll and when to stop. Package oidc has what belongs to
// OpenID Connect itself. What is particular to one server is data (Profile).
//
// docs/protocol.md lists the duties of a client, each with its tests.
package ciba
