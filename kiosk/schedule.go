package kiosk

import "time"

// Limits of the polling schedule.
const (
	slowDownStep   = 5 * time.Second        // CIBA Core 11: slow_down adds at least 5 s, for this and all later polls
	maxBackOff     = 60 * time.Second       // longer pauses help no server and lose the customer
	lastPollMargin = 500 * time.Millisecond // the last poll is sent this long before the deadline, to arrive in time
	maxServerPause = time.Hour              // bounds a hostile Retry-After or interval

	// MaxLatePoll is how long after the deadline the one last poll may be sent.
	MaxLatePoll = 10 * time.Second
)

// PollSchedule is the schedule of the polls of one auth_req_id or device code (CIBA Core 10.1, 11; RFC 8628 3.5). It is a
// value: each method returns the next one. Times are uptimes.
type PollSchedule struct {
	RequestSent    time.Duration // when the request was sent
	Deadline       time.Duration // when the request expires; an approval may be fetched a little later
	Interval       time.Duration // the least time between polls; it only grows
	LastPoll       time.Duration // when the last poll was sent
	NextPoll       time.Duration // the earliest time of the next poll
	Polls          int           // polls sent
	Faults         int           // polls in a row without a usable answer
	LongestPause   time.Duration // the longest Retry-After on record; 0 if none was longer than the interval
	ConnectionLost bool          // the last poll got no answer at all
	PausedUntil    time.Duration // no poll before this, not even after a ping: the server asked for a pause
	Pinged         bool          // a ping came; a second one does nothing
	PingPending    bool          // it came after the last poll was sent
	Final          bool          // an answer came at or after the deadline: no further poll
}

// NewPollSchedule returns the schedule of a request that was sent at sent and acknowledged now. The first poll comes one
// interval after the acknowledgement, because some servers punish an earlier one.
func NewPollSchedule(sent, now, expires, interval time.Duration) PollSchedule {
	p := PollSchedule{RequestSent: sent, Deadline: sent + expires, Interval: interval}
	p.NextPoll = p.beforeDeadline(now+interval, now+interval)
	return p
}

// DelayUntil delays the next poll to a time that the server asked for before a restart.
func (p PollSchedule) DelayUntil(at time.Duration) PollSchedule {
	p.NextPoll = max(p.NextPoll, at)
	return p
}

// isSlowerThan reports whether the server has asked for more time than before. That must survive a crash; our own back-off
// need not.
func (p PollSchedule) isSlowerThan(before PollSchedule) bool {
	return p.Interval > before.Interval || p.LongestPause > before.LongestPause
}

// rememberPause keeps the longest pause beyond the interval that the server has asked for. After a crash every pause is
// that long, so one record is enough for all later polls. A pause that grows with each poll is rounded up by doubling, so
// that it does not cost a record each time.
func (p PollSchedule) rememberPause(now, retryAfter time.Duration) PollSchedule {
	if retryAfter > max(p.Interval, p.LongestPause) {
		p.LongestPause = max(retryAfter, min(2*p.LongestPause, (p.Deadline-now)/2))
	}
	return p
}

// IsDue reports whether a poll should be sent now.
func (p PollSchedule) IsDue(now time.Duration) bool {
	if p.Final || now < p.NextPoll {
		return false
	}
	return now < p.Deadline || p.NextPoll <= p.Deadline+MaxLatePoll
}

// Exhausted reports whether the deadline has passed and no further poll is allowed. It must not be called while a poll is
// in flight.
func (p PollSchedule) Exhausted(now time.Duration) bool {
	return now >= p.Deadline && (p.Final || p.NextPoll > p.Deadline+MaxLatePoll)
}

// Wake returns when IsDue or Exhausted next becomes true.
func (p PollSchedule) Wake() time.Duration {
	if p.Final || p.NextPoll > p.Deadline+MaxLatePoll {
		return p.Deadline
	}
	return p.NextPoll
}

// PingReceived makes the next poll due at once, or after the pause that a slow_down or Retry-After asked for (CIBA Core
// 10.2).
func (p PollSchedule) PingReceived(now time.Duration) PollSchedule {
	p.Pinged, p.PingPending = true, true
	p.NextPoll = max(now, p.PausedUntil)
	return p
}

// Sent records that a poll is sent now.
func (p PollSchedule) Sent(now time.Duration) PollSchedule {
	p.LastPoll, p.PingPending = now, false
	p.Polls++
	return p
}

// Reschedule sets the next poll after an answer that leaves the request open. An answer that comes after the deadline is
// the last.
func (p PollSchedule) Reschedule(now time.Duration, a Polled) PollSchedule {
	retryAfter := min(max(a.RetryAfter, 0), maxServerPause)
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
			// A long poll: the interval counts from when it was sent. Or a ping came while the poll was in flight: the
			// server may have answered before the approval.
			p.NextPoll = now
		}
	}
	p.PingPending = false
	p = p.rememberPause(now, retryAfter)
	p.PausedUntil = max(p.PausedUntil, now+retryAfter)
	p.NextPoll = max(p.NextPoll, now+retryAfter)
	p.NextPoll = p.beforeDeadline(p.NextPoll, now+max(p.Interval, retryAfter))
	if now >= p.Deadline {
		p.Final = true
	}
	return p
}

// backOff returns the pause after faults: it doubles with each, up to maxBackOff (RFC 8628 3.5), but leaves room for a few
// polls before the deadline and is never shorter than the interval.
func (p PollSchedule) backOff(now time.Duration) time.Duration {
	d := p.Interval
	for range p.Faults {
		d = min(d*2, maxBackOff)
	}
	few := max((p.Deadline-now)/4, p.Interval+p.Interval/2)
	return max(min(d, few), p.Interval)
}

// UnknownRequestReason returns what it means that the server does not know the request: it has expired and is already
// forgotten, or an answer was lost and the approval with it.
func (p PollSchedule) UnknownRequestReason(now time.Duration) Reason {
	if p.Faults == 0 && now >= p.Deadline-p.Interval {
		return Expired
	}
	return Unreachable
}

// beforeDeadline moves a poll that would come at or after the deadline to just before it, but not before allowed: an
// approval in the last second counts.
func (p PollSchedule) beforeDeadline(next, allowed time.Duration) time.Duration {
	last := p.Deadline - lastPollMargin
	if next > last && allowed <= last {
		return last
	}
	return next
}
