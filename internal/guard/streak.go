package guard

import (
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// row is one person's requests, newest first, as far back as they came to nothing.
type streak struct {
	limits Limits
	moment moment
	memory time.Duration

	count   int           // so many in a row came to nothing
	since   time.Duration // how long ago the newest of them ended
	openFor time.Duration // how long one may still be open on the phone
	done    bool          // an approval ends the row: what is older does not count
}

// add takes in the next older request. Behind an approval nothing can be open:
// it would have held back what was approved.
func (r *streak) add(p kiosk.PastRequest) {
	if r.done {
		return
	}
	f := r.outcome(p)
	r.openFor = max(r.openFor, f.openFor)
	switch {
	case f.approved:
		r.done = true
	case f.failed && f.ended < r.memory:
		if r.count++; r.count == 1 {
			r.since = f.ended
		}
	}
}

// pause is what is left of one that began when the newest request ended.
func (r *streak) pause(whole time.Duration) time.Duration {
	if r.count == 0 {
		return 0
	}
	return max(whole-r.since, 0)
}

// fate is what became of one request.
type outcome struct {
	approved bool          // by the right person
	failed   bool          // see the package comment
	ended    time.Duration // how long ago it ended; less than 0 while it is open
	openFor  time.Duration // how long it may still be open
}

func (r *streak) outcome(p kiosk.PastRequest) outcome {
	asked := r.moment.personAge(p.Wall, p.Boot, p.Uptime)
	story := p.History()
	if len(story) == 0 {
		return outcome{failed: true, ended: asked} // off record: nobody knows
	}
	last := story[len(story)-1]
	f := outcome{ended: r.moment.personAge(last.Wall, last.Boot, last.Uptime)}
	left := r.timeLeft(p, story)
	switch {
	case last.Code == "", last.Stage == kiosk.StageEnded && last.Reason == kiosk.NoReason:
		// No phone rang: the second road, or a user code was wanted first.
	case last.Stage == kiosk.StageGranted:
		// Its tokens are still to be given back.
	case !last.Stage.Final():
		f.failed, f.openFor = true, left
		f.ended = -left // the pause begins when it expires
		if left == 0 {
			f.ended = asked
		}
	case last.Stage == kiosk.StageShown, last.Reason == kiosk.ServiceDown:
		f.approved = true
	case wasGranted(story) && last.Reason != kiosk.WrongPerson, isOurFault(last.Reason):
		// The phone was answered, or never asked.
	default:
		f.failed = true
		if isUnanswered(last.Reason) {
			f.openFor = left
		}
	}
	return f
}

// timeLeft is how long the request lives at the server.
func (r *streak) timeLeft(p kiosk.PastRequest, story []kiosk.Record) time.Duration {
	for i := len(story) - 1; i >= 0; i-- {
		if s := story[i]; s.Stage == kiosk.StageAcknowledged {
			return max(min(s.Expires, maxLifetime)-r.moment.personAge(s.SentAt, s.Boot, s.Sent), 0)
		}
	}
	return max(r.limits.Lifetime-r.moment.personAge(p.Wall, p.Boot, p.Uptime), 0)
}

func wasGranted(story []kiosk.Record) bool {
	for _, s := range story {
		if s.Stage == kiosk.StageGranted {
			return true
		}
	}
	return false
}

// ourFault: the server did not even look for the person, or the answer was of no use.
func isOurFault(r kiosk.Reason) bool {
	switch r {
	case kiosk.Misconfigured, kiosk.NotProvisioned, kiosk.BadClock, kiosk.NoAccess, kiosk.Untrusted:
		return true
	}
	return false
}

// unanswered: the server was never told, and never said, that the request is over.
// An abandoned visit has one of these reasons, too.
func isUnanswered(r kiosk.Reason) bool {
	switch r {
	case kiosk.Cancelled, kiosk.Unreachable, kiosk.Internal:
		return true
	}
	return false
}
