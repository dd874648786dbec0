package kiosk

import "errors"

// Error is a failure that crosses a port. Reason decides the customer's screen and the exit code; Operation and Err are for
// the technician. It contains no secret, and no server's text that was not reduced to harmless ASCII.
type Error struct {
	Reason    Reason        // never NoReason
	Operation string        // such as "backchannel request"; empty if Err names it
	Err       error         // the cause; may be nil
	Required  RequiredInput // from Ask only: what the customer can do about it
	Unsent    bool          // from Ask only: the request has certainly not left the device, so no phone rang
}

// Error reads "operation: cause".
func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return e.Operation + ": " + e.Reason.String()
	case e.Operation == "":
		return e.Err.Error()
	}
	return e.Operation + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// IsUnsent reports whether err is of a request that has certainly not left the device.
func IsUnsent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Unsent
}

// Fail returns an Error.
func Fail(r Reason, operation string, err error) *Error {
	return &Error{Reason: r, Operation: operation, Err: err}
}

// ReasonOf returns the reason of an error that came through a port: NoReason for nil, Internal for an error without one.
func ReasonOf(err error) Reason {
	if err == nil {
		return NoReason
	}
	var e *Error
	if errors.As(err, &e) && e.Reason != NoReason {
		return e.Reason
	}
	return Internal
}

// RequiredInput is what the server requires of the customer before it rings a phone.
type RequiredInput uint8

// The inputs.
const (
	NothingRequired   RequiredInput = iota
	UserCodeRequired                // a user code, or another one (missing_user_code, invalid_user_code)
	FreshHintRequired               // a login hint token that has not expired (expired_login_hint_token)
)

// RequiredInputOf returns what the server requires according to an error of Ask.
func RequiredInputOf(err error) RequiredInput {
	var e *Error
	if errors.As(err, &e) {
		return e.Required
	}
	return NothingRequired
}
