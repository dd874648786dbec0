package oidc

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// dateStep is how coarse a Date header is: whole seconds, cut off, so that half
	// a second is added and the rest is doubt.
	dateResolution = time.Second

	// vagueExchange is how long an exchange may take for its Date to be worth
	// anything: the server may have written it at any moment of it. A long poll takes
	// 30 s, any other request well under one.
	maxExchange = 10 * time.Second

	// correction is by how much the time must have moved to be told to those who
	// sent something that was made by the time before. Under it no server minds.
	minCorrection = 5 * time.Second
)

// Clock is the time as this device knows it best: by its own wall clock, or, where
// nothing keeps that right, by what the authorization server says in its Date header
// (FAPI 2.0 Security Profile, note on devices with a bad clock). It is for what
// servers judge by the time or we judge by a server's: assertions, proofs, request
// objects, tokens, certificates. Deadlines are by uptime and no business of it.
//
// A date is believed only if it came over TLS from the issuer's own host, after
// every check of the certificate, and lies in the validity of each certificate of
// the chain: whoever vouches for a time must be good at that time. So a device whose
// clock is behind its certificates learns nothing; it waits for a time service.
//
// It is safe for concurrent use.
type Clock struct {
	wall         func() time.Time
	uptime       func() time.Duration
	synchronised func() bool
	issuerHost   string    // scheme and host
	earliest     time.Time // no date before it is believed

	mu          sync.Mutex
	reference   clockReference
	corrections uint64
}

// reading is a date and when, by uptime, it was right, give or take doubt.
type clockReference struct {
	date        time.Time
	uptime      time.Duration
	uncertainty time.Duration
}

// ClockOptions are what NewClock needs.
type ClockOptions struct {
	Issuer string               // whose Date header counts
	Wall   func() time.Time     // the device's wall clock
	Uptime func() time.Duration // monotonic, suspension included; safe for concurrent use
	// Kept says whether a time service keeps the wall clock right, so that nobody
	// else is asked; nil is never.
	Synchronised func() bool
	Earliest     time.Time // no date before it is believed: when this program was built
}

// NewClock makes a Clock that knows the wall clock only.
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

// Now is the time. Once a date is learnt it goes on by uptime, so that setting the
// wall clock changes nothing.
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
	t := c.reference.date.Add(c.uptime() - c.reference.uptime)
	if off := t.Sub(wall); -c.reference.uncertainty <= off && off <= c.reference.uncertainty || c.synchronised() {
		return wall // as good, and finer
	}
	return t
}

// Offset is by how much Now is ahead of the wall clock; 0 where that is right.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Sub(c.wall())
}

// Corrections counts how often the time was moved by more than a few seconds.
// Whoever was refused for something made before a correction may make it anew.
func (c *Clock) Corrections() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.corrections
}

// certificateTime is the time by which certificates are judged: never before the wall
// clock, since a server has no business making an old certificate good again.
func (c *Clock) certificateTime() time.Time {
	now, wall := c.Now(), c.wall()
	if wall.After(now) {
		return wall
	}
	return now
}

// learnFrom looks at an answer whose request was begun at an uptime.
func (c *Clock) learnFrom(resp *http.Response, begun time.Duration) {
	u := resp.Request.URL
	if c.issuerHost == "" || u.Scheme != "https" || u.Host != c.issuerHost {
		return
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || date.Before(c.earliest) || !certificatesValidAt(resp.TLS, date) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	took := c.uptime() - begun
	if took < 0 || took > maxExchange {
		return
	}
	before := c.now()
	c.reference = clockReference{
		date:        date.Add(dateResolution / 2),
		uptime:      begun + took/2,
		uncertainty: dateResolution + took/2,
	}
	if step := c.now().Sub(before); step > minCorrection || step < -minCorrection {
		c.corrections++
	}
}

// certificatesValidAt tells whether a date came over a connection whose certificates were
// checked and were good then.
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
