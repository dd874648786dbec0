package kiosk

import "time"

// Figures of the polling schedule, with where they come from.
const (
	slowDownBy  = 5 * time.Second        // CIBA Core 11: slow_down adds at least 5 s, for this and all later polls
	backOffCap  = 60 * time.Second       // longer pauses than this help no server and lose the customer
	lastMargin  = 500 * time.Millisecond // the last poll is sent this long before the deadline, to arrive in time
	afterExpiry = 10 * time.Second       // how long past the deadline the one last poll may be put off
	maxHint     = time.Hour              // a hostile Retry-After or interval says no more than this
)

// Pace is the schedule of the polls of one auth_req_id (CIBA Core 10.1, 11;
// RFC 8628 3.5). It is a value: each method gives the next one. Instants are
// uptimes.
type Pace struct {
	Sent     time.Duration // when the backchannel authentication request left
	Deadline time.Duration // when the request expires; a granted answer may come a little later
	Interval time.Duration // the least time between polls; only ever grows
	Polled   time.Duration // when the last poll left
	Next     time.Duration // the earliest next poll
	Polls    int           // polls sent
	Faults   int           // polls in a row without a usable answer
	Patience time.Duration // the longest pause that a Retry-After has asked for, as it is on record; 0 if none was longer than the interval
	Lost     bool          // the last poll got no answer at all
	Hold     time.Duration // not even a ping makes a poll leave before this: the server has asked for a pause
	Pinged   bool          // a ping came; there is no second one
	Called   bool          // it came since the last poll left
	Last     bool          // an answer came at or after the deadline: there is no other poll
}

// StartPace is the schedule of a request sent at sent and acknowledged now. The
// first poll comes one interval after the acknowledgement: some servers punish
// an earlier one.
func StartPace(sent, now, expires, interval time.Duration) Pace {
	p := Pace{Sent: sent, Deadline: sent + expires, Interval: interval}
	p.Next = p.beforeEnd(now+interval, now+interval)
	return p
}

// NotBefore puts the next poll off to an instant that the server had asked for
// before the kiosk was started again.
func (p Pace) NotBefore(at time.Duration) Pace {
	p.Next = max(p.Next, at)
	return p
}

// slowed says whether the server has asked for more time than is on record, which
// has to survive a crash. Our own back-off has not.
func (p Pace) slowed(before Pace) bool {
	return p.Interval > before.Interval || p.Patience > before.Patience
}

// patient keeps in mind for how long the server has us wait beyond the interval.
// After a crash each pause is as long as the longest so far, so that one record
// serves for all that follow; and a wish that grows at each poll is met by
// doubling, or each would cost a record.
func (p Pace) patient(now, hint time.Duration) Pace {
	if hint > max(p.Interval, p.Patience) {
		p.Patience = max(hint, min(2*p.Patience, (p.Deadline-now)/2))
	}
	return p
}

// Due says whether a poll may leave now and should.
func (p Pace) Due(now time.Duration) bool {
	if p.Last || now < p.Next {
		return false
	}
	return now < p.Deadline || p.Next <= p.Deadline+afterExpiry
}

// Over says whether nothing more can come of polling: the deadline has passed
// and no further poll is allowed. It must not be asked while a poll is out.
func (p Pace) Over(now time.Duration) bool {
	return now >= p.Deadline && (p.Last || p.Next > p.Deadline+afterExpiry)
}

// Wake is when Due or Over will next say yes.
func (p Pace) Wake() time.Duration {
	if p.Last || p.Next > p.Deadline+afterExpiry {
		return p.Deadline
	}
	return p.Next
}

// Ping takes in that the server has an answer ready (CIBA Core 10.2): the next poll
// is due at once, if none is out. Only a slow_down or a Retry-After goes before it.
func (p Pace) Ping(now time.Duration) Pace {
	p.Pinged, p.Called = true, true
	p.Next = max(now, p.Hold)
	return p
}

// Leave notes that a poll leaves now.
func (p Pace) Leave(now time.Duration) Pace {
	p.Polled, p.Called = now, false
	p.Polls++
	return p
}

// Wait takes in an answer that leaves the request open and sets the next poll.
// An answer that comes after the deadline is the last: polling ends with it.
func (p Pace) Wait(now time.Duration, a Polled) Pace {
	hint := min(max(a.RetryAfter, 0), maxHint)
	switch a.Verdict {
	case SlowDown:
		p.Faults, p.Lost = 0, false
		p.Interval = max(p.Interval+slowDownBy, min(a.Interval, maxHint))
		p.Next = now + p.Interval
		p.Hold = p.Next
	case Trouble:
		p.Faults++
		p.Lost = !a.Reached
		p.Next = now + p.backOff(now) + a.Jitter
	default:
		p.Faults, p.Lost = 0, false
		p.Next = now + p.Interval
		if now-p.Polled >= p.Interval || p.Called {
			// A long poll: the interval counts from when it was sent. Or a ping that
			// came while it was out: the server may have answered before it knew.
			p.Next = now
		}
	}
	p.Called = false
	p = p.patient(now, hint)
	p.Hold = max(p.Hold, now+hint)
	p.Next = max(p.Next, now+hint)
	p.Next = p.beforeEnd(p.Next, now+max(p.Interval, hint))
	if now >= p.Deadline {
		p.Last = true
	}
	return p
}

// backOff doubles with each fault up to backOffCap (RFC 8628 3.5 wants the
// frequency lowered), but is never so long that the rest of the request's life
// would see fewer than a few polls, nor shorter than the interval.
func (p Pace) backOff(now time.Duration) time.Duration {
	d := p.Interval
	for range p.Faults {
		d = min(d*2, backOffCap)
	}
	few := max((p.Deadline-now)/4, p.Interval+p.Interval/2)
	return max(min(d, few), p.Interval)
}

// gone says what it means that the server does not know the request (any more):
// expired and already forgotten, or an answer that was lost and the approval with it.
func (p Pace) gone(now time.Duration) Reason {
	if p.Faults == 0 && now >= p.Deadline-p.Interval {
		return Expired
	}
	return Unreachable
}

// beforeEnd draws a poll that would come at or after the deadline forward to
// just before it, where allowed leaves room: an approval in the last second counts.
func (p Pace) beforeEnd(next, allowed time.Duration) time.Duration {
	last := p.Deadline - lastMargin
	if next > last && allowed <= last {
		return last
	}
	return next
}
