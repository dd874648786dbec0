// Package ciba is the authorization server as a visit sees it: a
// kiosk.Authorizer that speaks OpenID Client-Initiated Backchannel Authentication
// (CIBA Core 1.0) in poll mode.
package ciba
