package kiosk

import "time"

// Figures of the polling schedule, with where they come from.
const (
	slowDownStep   = 5 * time.Second        // CIBA Core 11: slow_down adds at least 5 s, for this and all later polls
	maxBackOff     = 60 * time.Second       // longer pauses than this help no server and lose the customer
	lastPollMargin = 500 * time.Millisecond // the last poll is sent this long before the deadline, to arrive in time
	MaxLatePoll    = 10 * time.Second       // how long past the deadline the one last poll may be put off
	maxServerPause = time.Hour              // a hostile Retry-After or interval says no more than this
)

// PollSchedule is the schedule of the polls of one auth_req_id (CIBA Core 10.1, 11;
// RFC 8628 3.5). It is a value: each method gives the next one. Instants are
// uptimes.
type PollSchedule struct {
	RequestSent    time.Duration // when the backchannel authentication request left
	Deadline       time.Duration // when the request expires; a granted answer may come a little later
	Interval       time.Duration // the least time between polls; only ever grows
	LastPoll       time.Duration // when the last poll left
	NextPoll       time.Duration // the earliest next poll
	Polls          int           // polls sent
	Faults         int           // polls in a row without a usable answer
	LongestPause   time.Duration // the longest pause that a Retry-After has asked for, as it is on record; 0 if none was longer than the interval
	ConnectionLost bool          // the last poll got no answer at all
	PausedUntil    time.Duration // not even a ping makes a poll leave before this: the server has asked for a pause
	Pinged         bool          // a ping came; there is no second one
	PingPending    bool          // it came since the last poll left
	Final          bool          // an answer came at or after the deadline: there is no other poll
}

// NewPollSchedule is the schedule of a request sent at sent and acknowledged now. The
// firstRune poll comes one interval after the acknowledgement: some servers punish
// an earlier one.
func NewPollSchedule(sent, now, expires, interval time.Duration) PollSchedule {
	p := PollSchedule{RequestSent: sent, Deadline: sent + expires, Interval: interval}
	p.NextPoll = p.beforeDeadline(now+interval, now+interval)
	return p
}

// DelayUntil puts the next poll off to an instant that the server had asked for
// before the kiosk was started again.
func (p PollSchedule) DelayUntil(at time.Duration) PollSchedule {
	p.NextPoll = max(p.NextPoll, at)
	return p
}

// slowed says whether the server has asked for more time than is on record, which
// has to survive a crash. Our own back-off has not.
func (p PollSchedule) isSlowerThan(before PollSchedule) bool {
	return p.Interval > before.Interval || p.LongestPause > before.LongestPause
}

// patient keeps in mind for how long the server has us wait beyond the interval.
// After a crash each pause is as long as the longest so far, so that one record
// serves for all that follow; and a wish that grows at each poll is met by
// doubling, or each would cost a record.
func (p PollSchedule) rememberPause(now, hint time.Duration) PollSchedule {
	if hint > max(p.Interval, p.LongestPause) {
		p.LongestPause = max(hint, min(2*p.LongestPause, (p.Deadline-now)/2))
	}
	return p
}

// IsDue says whether a poll may leave now and should.
func (p PollSchedule) IsDue(now time.Duration) bool {
	if p.Final || now < p.NextPoll {
		return false
	}
	return now < p.Deadline || p.NextPoll <= p.Deadline+MaxLatePoll
}

// Exhausted says whether nothing more can come of polling: the deadline has passed
// and no further poll is allowed. It must not be asked while a poll is out.
func (p PollSchedule) Exhausted(now time.Duration) bool {
	return now >= p.Deadline && (p.Final || p.NextPoll > p.Deadline+MaxLatePoll)
}

// Wake is when Revocation or Over will next say yes.
func (p PollSchedule) Wake() time.Duration {
	if p.Final || p.NextPoll > p.Deadline+MaxLatePoll {
		return p.Deadline
	}
	return p.NextPoll
}

// PingReceived takes in that the server has an answer ready (CIBA Core 10.2): the next poll
// is due at once, if none is out. Only a slow_down or a Retry-After goes before it.
func (p PollSchedule) PingReceived(now time.Duration) PollSchedule {
	p.Pinged, p.PingPending = true, true
	p.NextPoll = max(now, p.PausedUntil)
	return p
}

// Sent notes that a poll leaves now.
func (p PollSchedule) Sent(now time.Duration) PollSchedule {
	p.LastPoll, p.PingPending = now, false
	p.Polls++
	return p
}

// Reschedule takes in an answer that leaves the request open and sets the next poll.
// An answer that comes after the deadline is the last: polling ends with it.
func (p PollSchedule) Reschedule(now time.Duration, a Polled) PollSchedule {
	hint := min(max(a.RetryAfter, 0), maxServerPause)
	switch a.Verdict {
	case SlowDown:
		p.Faults, p.ConnectionLost = 0, false
		p.Interval = max(p.Interval+slowDownStep, min(a.Interval, maxServerPause))
		p.NextPoll = now + p.Interval
		p.PausedUntil = p.NextPoll
	case Retryable:
		p.Faults++
		p.ConnectionLost = !a.ServerReached
		p.NextPoll = now + p.backOff(now) + a.Jitter
	default:
		p.Faults, p.ConnectionLost = 0, false
		p.NextPoll = now + p.Interval
		if now-p.LastPoll >= p.Interval || p.PingPending {
			// A long poll: the interval counts from when it was sent. Or a ping that
			// came while it was out: the server may have answered before it knew.
			p.NextPoll = now
		}
	}
	p.PingPending = false
	p = p.rememberPause(now, hint)
	p.PausedUntil = max(p.PausedUntil, now+hint)
	p.NextPoll = max(p.NextPoll, now+hint)
	p.NextPoll = p.beforeDeadline(p.NextPoll, now+max(p.Interval, hint))
	if now >= p.Deadline {
		p.Final = true
	}
	return p
}

// backOff doubles with each fault up to maxBackOff (RFC 8628 3.5 wants the
// frequency lowered), but is never so long that the rest of the request's life
// would see fewer than a few polls, nor shorter than the interval.
func (p PollSchedule) backOff(now time.Duration) time.Duration {
	d := p.Interval
	for range p.Faults {
		d = min(d*2, maxBackOff)
	}
	few := max((p.Deadline-now)/4, p.Interval+p.Interval/2)
	return max(min(d, few), p.Interval)
}

// UnknownRequestReason says what it means that the server does not know the request (any more):
// expired and already forgotten, or an answer that was lost and the approval with it.
func (p PollSchedule) UnknownRequestReason(now time.Duration) Reason {
	if p.Faults == 0 && now >= p.Deadline-p.Interval {
		return Expired
	}
	return Unreachable
}

// beforeEnd draws a poll that would come at or after the deadline forward to
// just before it, where allowed leaves room: an approval in the last second counts.
func (p PollSchedule) beforeDeadline(next, allowed time.Duration) time.Duration {
	last := p.Deadline - lastPollMargin
	if next > last && allowed <= last {
		return last
	}
	return next
}
