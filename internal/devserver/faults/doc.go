// Package faults makes the development provider misbehave on request. It holds
// the table of fault kinds, the list of faults set by a script, and the code
// that spoils an answer, its connection or an ID token.
//
// It leaves the protocol to its caller: a fault sees a request only through
// [Call], an answer as [Answer] and an ID token as [Token].
//
// kinds.go has the table for whole answers, json.go for JSON members, tokens.go
// for ID tokens, connection.go for the way an answer is delivered.
package faults
