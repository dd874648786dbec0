package ciba

import (
	"context"
	"errors"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Contact is how it went when a visit needed the authorization server.
type Contact struct {
	// Err is what was wrong with the server or with this client of it, a *kiosk.Error; nil
	// after an answer as a server in good order gives it, be it a refusal. It is never about
	// who was asked for, about the lookup, or about what is our own fault.
	Err error
	// Probe says that Client.Probe would find out whether it still is so. Where an answer
	// came, and a wrong one, the documents that Probe reads say nothing of it: the next
	// visit does.
	Probeable bool
}

// unansweredError marks the error of a request to which no answer came.
type unansweredError struct{ error }

// Unwrap gives the cause.
func (u unansweredError) Unwrap() error { return u.error }

// isUnanswered says whether err is of a request to which no answer came.
func isUnanswered(err error) bool {
	var u unansweredError
	return errors.As(err, &u)
}

// reportContact tells how it went. A request that we took back ourselves says nothing.
func (k *Client) reportContact(ctx context.Context, err error, probe bool) {
	if k.config.Contact == nil || errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	switch kiosk.ReasonOf(err) {
	case kiosk.Internal:
		return
	case kiosk.NoReason, kiosk.Refused, kiosk.NoAccess:
		k.config.Contact(Contact{})
	default:
		k.config.Contact(Contact{Err: err, Probeable: probe})
	}
}
