package guard

import (
	"slices"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// kind is what a past request did, as far as the budgets care.
type kind uint8

const (
	rang         kind = iota // a phone rang, or may have rung
	refused                  // the server refused it and rang nobody
	codeDemanded             // the server demanded a user code and rang nobody
	unsent                   // it has not left the device
)

func (k kind) cost() float64 {
	if k == rang {
		return ringCost
	}
	return refusalCost
}

// kindOf returns the kind of a request. Without a history, its visit was pruned, and it counts like a ring.
func kindOf(history []kiosk.Record) kind {
	if len(history) == 0 {
		return rang
	}
	last := history[len(history)-1]
	acknowledged := slices.ContainsFunc(history, func(r kiosk.Record) bool { return r.Stage == kiosk.StageAcknowledged })
	switch {
	case last.Unsent:
		return unsent
	case last.Stage == kiosk.StageEnded && last.Reason == kiosk.NoReason:
		return codeDemanded
	case last.Stage == kiosk.StageEnded && last.Reason == kiosk.Refused && !acknowledged:
		return refused
	}
	return rang
}

// streak is one person's failed requests in a row, newest first.
type streak struct {
	limits Limits
	clock  clockReading
	memory time.Duration // older failures do not count

	count   int           // failed requests in a row
	codes   int           // requests in a row for which a user code was demanded
	since   time.Duration // how long ago the newest of both ended
	openFor time.Duration // how long a request may still be open on the phone
	done    bool          // an approval ends the streak: older requests do not count
	cutOff  bool          // a request that a power cut interrupted was left out
	begun   bool          // since is known
}

// add adds the next older request. Before an approval, no request can be open: the guard would have refused the
// approved one.
func (r *streak) add(p kiosk.PastRequest, history []kiosk.Record, k kind) {
	if r.done {
		return
	}
	o := r.outcome(p, history)
	r.openFor = max(r.openFor, o.openFor)
	switch {
	case o.approved:
		r.done = true
	case o.ended >= r.memory:
	case k == codeDemanded:
		r.begin(o.ended)
		r.codes++
	case !o.failed:
	case o.cutOff && !r.cutOff:
		// Nobody's failure; a second one counts, else pulling the plug would avoid every pause. A pause for older failures
		// begins here all the same.
		r.cutOff = true
		r.begin(o.ended)
	default:
		r.begin(o.ended)
		r.count++
	}
}

// begin notes when the newest request ended.
func (r *streak) begin(ended time.Duration) {
	if !r.begun {
		r.since, r.begun = ended, true
	}
}

// failures returns how many failed requests the streak counts as. While a customer answers a demand for a user code, the visit
// has just been allowed.
func (r *streak) failures(withCode bool) int {
	if withCode {
		return r.count
	}
	return r.count + r.codes/codesPerVisit
}

// pause returns how much is left of a pause that began when the newest request ended.
func (r *streak) pause(whole time.Duration) time.Duration { return max(whole-r.since, 0) }

// outcome is how one request ended.
type outcome struct {
	approved bool          // by the right person
	failed   bool          // see the package comment
	cutOff   bool          // a power cut, not a person, ended it
	ended    time.Duration // how long ago it ended; negative while it is open
	openFor  time.Duration // how long it may still be open
}

func (r *streak) outcome(p kiosk.PastRequest, history []kiosk.Record) outcome {
	asked := r.clock.personAge(p.Wall, p.Boot, p.Uptime)
	if len(history) == 0 {
		return outcome{failed: true, ended: asked} // the visit was pruned
	}
	last := history[len(history)-1]
	o := outcome{ended: r.clock.personAge(last.Wall, last.Boot, last.Uptime)}
	left := r.timeLeft(p, history)
	// Closed by a later boot: only that the person declined, or that another one approved, is known of the phone.
	o.cutOff = last.Stage.Final() && isOtherBoot(last.Boot, p.Boot) && last.Reason != kiosk.Declined && last.Reason != kiosk.WrongPerson
	switch {
	case last.Code == "", last.Stage == kiosk.StageEnded && last.Reason == kiosk.NoReason:
		// No phone rang: the device flow, or a user code was required first.
	case last.Stage == kiosk.StageGranted:
		// Its tokens still have to be revoked.
	case !last.Stage.Final():
		o.failed, o.openFor = true, left
		o.cutOff = isOtherBoot(p.Boot, r.clock.boot)
		o.ended = -left // the pause begins when it expires
		if left == 0 {
			o.ended = asked
		}
	case last.Stage == kiosk.StageShown, last.Reason == kiosk.ServiceDown:
		o.approved = true
	case wasGranted(history) && last.Reason != kiosk.WrongPerson, isOurFault(last.Reason):
		// The phone was answered, or never asked.
	default:
		o.failed = true
		if isUnanswered(last.Reason) {
			o.openFor = left
		}
	}
	return o
}

// timeLeft returns how much longer the request lives at the server.
func (r *streak) timeLeft(p kiosk.PastRequest, history []kiosk.Record) time.Duration {
	for i := len(history) - 1; i >= 0; i-- {
		if s := history[i]; s.Stage == kiosk.StageAcknowledged {
			return max(min(s.Expires, maxLifetime)-r.clock.personAge(s.SentAt, s.Boot, s.Sent), 0)
		}
	}
	return max(r.limits.Lifetime-r.clock.personAge(p.Wall, p.Boot, p.Uptime), 0)
}

// isOtherBoot reports whether two boots are known to differ.
func isOtherBoot(a, b string) bool { return a != "" && b != "" && a != b }

func wasGranted(history []kiosk.Record) bool {
	for _, s := range history {
		if s.Stage == kiosk.StageGranted {
			return true
		}
	}
	return false
}

// isOurFault reports whether the server never looked for the person, or its answer was unusable.
func isOurFault(r kiosk.Reason) bool {
	switch r {
	case kiosk.Misconfigured, kiosk.NotProvisioned, kiosk.BadClock, kiosk.NoAccess, kiosk.Untrusted:
		return true
	}
	return false
}

// isUnanswered reports whether a request that ended with reason may still be open on the phone: neither the server nor the
// person has ended it. An abandoned visit has one of these reasons as well.
func isUnanswered(r kiosk.Reason) bool {
	switch r {
	case kiosk.Cancelled, kiosk.Unreachable, kiosk.Internal:
		return true
	}
	return false
}
