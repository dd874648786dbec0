package oidc

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// dateResolution is the resolution of a Date header. It is truncated, so half a second is added and the rest is
	// uncertainty.
	dateResolution = time.Second

	// maxExchange is the longest exchange whose Date header counts: the server may have written it at any moment of
	// the exchange. A long poll takes 30 s, every other request well under one.
	maxExchange = 10 * time.Second

	// minCorrection is the smallest change of the time that counts as a correction, and the most by which two dates that agree
	// may differ. No server minds less.
	minCorrection = 5 * time.Second
)

// Clock is the best time that this device knows: its wall clock, or, if no time service keeps that right, the
// authorization server's Date header. Use it for what servers judge by the time, or we judge by a server's time:
// assertions, proofs, request objects, tokens, certificates. Deadlines use the uptime instead.
//
// A date counts only if it came over TLS from the issuer's host, after the certificate was validated, and lies within
// the validity of each certificate of the chain. A device whose clock is before its certificates' validity therefore
// learns nothing and waits for a time service. A date that would move the time by more than a few seconds counts only when
// a second response agrees: one of the two may come from a cache that does not say so.
//
// A Clock is safe for concurrent use. (FAPI 2.0 Security Profile, note on devices with a bad clock)
type Clock struct {
	wall         func() time.Time
	uptime       func() time.Duration
	synchronised func() bool
	issuerHost   string    // host and port; empty if dates cannot be trusted
	earliest     time.Time // the first date that can be right

	mu          sync.Mutex
	reference   clockReference
	unconfirmed clockReference // the last date that disagreed with Now and waits for a second one; zero if there is none
	corrections uint64
}

// clockReference is a date and the uptime at which it was right.
type clockReference struct {
	date        time.Time
	uptime      time.Duration
	uncertainty time.Duration
}

// at returns the time that the reference stands for at an uptime.
func (r clockReference) at(uptime time.Duration) time.Time { return r.date.Add(uptime - r.uptime) }

// ClockOptions configure NewClock.
type ClockOptions struct {
	Issuer string               // the server whose Date header counts
	Wall   func() time.Time     // the device's wall clock
	Uptime func() time.Duration // monotonic, suspension included; safe for concurrent use
	// Synchronised reports whether a time service keeps the wall clock right; nil means never.
	Synchronised func() bool
	Earliest     time.Time // the first date that can be right: when this program was built
}

// NewClock returns a Clock that knows only the wall clock so far.
func NewClock(o ClockOptions) *Clock {
	c := &Clock{wall: o.Wall, uptime: o.Uptime, synchronised: o.Synchronised, earliest: o.Earliest}
	if c.synchronised == nil {
		c.synchronised = func() bool { return false }
	}
	if u, err := url.Parse(o.Issuer); err == nil && u.Scheme == "https" {
		c.issuerHost = u.Host
	}
	return c
}

// Now returns the time. After a date was learnt, it advances by uptime: setting the wall clock changes nothing.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	wall := c.wall()
	if c.reference.date.IsZero() {
		return wall
	}
	t := c.reference.at(c.uptime())
	if off := t.Sub(wall); -c.reference.uncertainty <= off && off <= c.reference.uncertainty || c.synchronised() {
		return wall // as good, and of a finer resolution
	}
	return t
}

// Offset returns how far Now is ahead of the wall clock; 0 if that is right.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Sub(c.wall())
}

// Corrections counts how often the time changed by more than a few seconds. What was rejected and made before a
// correction may be made again.
func (c *Clock) Corrections() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.corrections
}

// certificateTime returns the time for validating certificates. It is never before the wall clock: no server may make
// an expired certificate valid.
func (c *Clock) certificateTime() time.Time {
	now, wall := c.Now(), c.wall()
	if wall.After(now) {
		return wall
	}
	return now
}

// learnFrom learns from a response whose request began at the uptime begun.
func (c *Clock) learnFrom(resp *http.Response, begun time.Duration) {
	u := resp.Request.URL
	if c.issuerHost == "" || u.Scheme != "https" || u.Host != c.issuerHost {
		return
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || isFromCache(resp.Header) || date.Before(c.earliest) || !certificatesValidAt(resp.TLS, date) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	took := c.uptime() - begun
	if took < 0 || took > maxExchange {
		return
	}
	learnt := clockReference{
		date:        date.Add(dateResolution / 2),
		uptime:      begun + took/2,
		uncertainty: dateResolution + took/2,
	}
	now := c.uptime()
	if !agree(learnt.at(now), c.now()) && (c.unconfirmed.date.IsZero() || !agree(learnt.at(now), c.unconfirmed.at(now))) {
		c.unconfirmed = learnt
		return
	}
	c.use(learnt)
}

// use makes a date the reference, and counts a correction if the time changes by it.
func (c *Clock) use(learnt clockReference) {
	before := c.now()
	c.reference, c.unconfirmed = learnt, clockReference{}
	if !agree(c.now(), before) {
		c.corrections++
	}
}

// Confirm makes the date of the response that just came count, if it disagreed with Now: the server has refused something that
// was made by the present time.
func (c *Clock) Confirm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.unconfirmed.date.IsZero() && c.uptime()-c.unconfirmed.uptime <= maxExchange {
		c.use(c.unconfirmed)
	}
}

// agree reports whether two times differ by no more than minCorrection.
func agree(a, b time.Time) bool { return a.Sub(b).Abs() <= minCorrection }

// isFromCache reports whether a response was kept by a cache, so that its Date is of another moment. (RFC 9111, section 5.1)
func isFromCache(h http.Header) bool { return h.Get("Age") != "" }

// certificatesValidAt reports whether the connection's certificates were validated and are valid at date.
func certificatesValidAt(s *tls.ConnectionState, date time.Time) bool {
	if s == nil || !s.HandshakeComplete {
		return false
	}
	for _, chain := range s.VerifiedChains {
		good := len(chain) > 0
		for _, cert := range chain {
			good = good && !date.Before(cert.NotBefore) && !date.After(cert.NotAfter)
		}
		if good {
			return true
		}
	}
	return false
}
