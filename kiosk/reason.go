package kiosk

import "fmt"

// Reason says why a visit ended without a result. The list is closed: each reason has a name for scripts, an exit code of
// `kiosk login`, and a sentence and an advice for the customer. A server's text never becomes part of it.
type Reason uint8

// The reasons, with the exit codes 1 to 19 of the contract.
const (
	NoReason       Reason = iota // the visit has not ended, or it ended well
	Internal                     // a fault of this program
	Misconfigured                // a setting is missing or wrong, or the server does not allow it to this client
	NotProvisioned               // no client registration on this device yet
	BadClock                     // the device does not know the time well enough to validate a token
	Declined                     // the person refused on the authentication device
	Expired                      // nobody answered in time
	Cancelled                    // the customer, or a signal, ended the visit
	Unreachable                  // the authorization server could not be reached, or the approval was lost on the way
	Refused                      // the authorization server did not start the request (unknown person, no phone, policy: deliberately one reason)
	Untrusted                    // the answer failed a check
	WrongPerson                  // somebody other than the identified person approved
	NoAccess                     // the protected API refused the token, or too few scopes were granted
	ServiceDown                  // the protected API failed or sent an unusable answer
	HeldBack                     // the push guard of this device held the request back
)

var reasons = [...]struct {
	name string
	exit int
}{
	NoReason:       {"", 0},
	Internal:       {"internal", 1},
	Misconfigured:  {"misconfigured", 3},
	NotProvisioned: {"not_provisioned", 4},
	BadClock:       {"clock", 5},
	Declined:       {"declined", 10},
	Expired:        {"expired", 11},
	Cancelled:      {"cancelled", 12},
	Unreachable:    {"unreachable", 13},
	Refused:        {"refused", 14},
	Untrusted:      {"untrusted", 15},
	WrongPerson:    {"wrong_person", 16},
	NoAccess:       {"no_access", 17},
	ServiceDown:    {"service_down", 18},
	HeldBack:       {"held_back", 19},
}

// Reasons returns all reasons but NoReason, in the order of their exit codes.
func Reasons() []Reason {
	all := make([]Reason, 0, len(reasons)-1)
	for r := Internal; int(r) < len(reasons); r++ {
		all = append(all, r)
	}
	return all
}

// String returns the name of the reason in JSON lines, logs and the record.
func (r Reason) String() string {
	if int(r) >= len(reasons) {
		return fmt.Sprintf("reason(%d)", uint8(r))
	}
	return reasons[r].name
}

// ExitCode returns the exit code of `kiosk login`; 0 for NoReason.
func (r Reason) ExitCode() int {
	if int(r) >= len(reasons) {
		return Internal.ExitCode()
	}
	return reasons[r].exit
}

// MarshalText writes the name of the reason.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the name of a reason. An unknown name is an error.
func (r *Reason) UnmarshalText(b []byte) error {
	for i := range reasons {
		if reasons[i].name == string(b) {
			*r = Reason(i)
			return nil
		}
	}
	return fmt.Errorf("reason: unknown name of %d bytes", len(b))
}
