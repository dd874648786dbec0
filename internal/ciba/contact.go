package ciba

import (
	"context"
	"errors"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Contact is the outcome of one exchange with the authorization server.
type Contact struct {
	// Err is what is wrong with the server or with this client at the server, a *kiosk.Error; nil after any answer of a
	// working server, including a refusal. It never concerns the person, the lookup, or a fault of this program.
	Err error
	// Probeable reports whether Client.Probe can find out when the problem is gone. After a wrong answer it cannot:
	// only the next visit can.
	Probeable bool
}

// unansweredError marks the error of a request without an answer.
type unansweredError struct{ error }

// Unwrap returns the cause.
func (u unansweredError) Unwrap() error { return u.error }

// isUnanswered reports whether err is of a request without an answer.
func isUnanswered(err error) bool {
	var u unansweredError
	return errors.As(err, &u)
}

// reportContact reports the outcome of an exchange. A cancelled request says nothing about the server.
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
