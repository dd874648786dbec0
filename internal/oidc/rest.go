package oidc

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// A server closes a connection that nobody uses, sooner or later, and a request that
// meets the closing one is lost: it fails although the server is well. After how long
// is each server's own affair (Node 5 s, nginx 75 s), and none of them needs to say. So
// a connection is used again only after a rest that this server has been seen to grant;
// one that has rested for longer is left alone, and tells for how long it is kept.
const (
	// restUnknown is what every server grants as far as is known: Node's 5 s less restMargin.
	restUnknown = 3 * time.Second
	// restMargin is for the slowest line.
	restMargin = 2 * time.Second
	// restLongest is how long a connection is kept that nobody uses: with the margin, polls
	// every five or ten seconds need no new one. What is on the way drops none so soon.
	restLongest = 12 * time.Second
	// restLosses is after how many requests that were lost on a connection which had
	// rested nothing is ventured any more: several servers, of different minds, may
	// stand behind one address.
	restLosses = 3
)

// rests is what is known of a server's patience. It is safe for concurrent use.
type rests struct {
	uptime  func() time.Duration
	granted atomic.Int64 // a rest after which a connection was still good; 0: not known
	losses  atomic.Int32
}

// safe is how long a connection may have rested and be used again.
func (r *rests) safe() time.Duration {
	known := time.Duration(r.granted.Load())
	switch {
	case known == 0:
		return restUnknown
	case r.losses.Load() >= restLosses:
		return min(restUnknown, known-restMargin)
	}
	return known - restMargin
}

// ended takes in how long a connection rested that was closed, by the server or by us.
// What the server does counts whatever was known; that it would have waited for longer
// than we did, only where that is more.
func (r *rests) ended(after time.Duration, byServer bool) {
	known := r.granted.Load()
	if byServer || after > max(time.Duration(known), restUnknown+restMargin) {
		r.granted.CompareAndSwap(known, max(int64(after), 1))
	}
}

// lost takes in that a request failed on a connection that had rested.
func (r *rests) lost() {
	r.losses.Add(1)
	r.granted.Store(0)
}

// resting is a connection that knows since when it rests.
type resting struct {
	net.Conn
	rests *rests
	uses  atomic.Int64
	state atomic.Int64 // above 0: when its rest began, by uptime, and 1 more; below 0: the number of its use; 0: its rest has ended
}

// wake begins a use of it and gives its number.
func (c *resting) wake() int64 {
	n := c.uses.Add(1)
	c.state.Store(-n)
	return n
}

// rest ends the use of that number, unless the next one has begun.
func (c *resting) rest(n int64) { c.state.CompareAndSwap(-n, int64(c.rests.uptime())+1) }

// end says that its rest, if it does rest, is over for good.
func (c *resting) end(byServer bool) {
	if since := c.state.Load(); since > 0 && c.state.CompareAndSwap(since, 0) {
		c.rests.ended(c.rests.uptime()-time.Duration(since-1), byServer)
	}
}

// Read implements net.Conn. Whatever comes during a rest is the end of it: a TLS alert, a
// late "408 Request Timeout", or nothing more.
func (c *resting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.end(true)
	return n, err
}

// Close implements net.Conn.
func (c *resting) Close() error {
	c.end(false)
	return c.Conn.Close()
}

// ride is one request's way: on which connection, and whether that had been used before.
type ride struct {
	on    *resting // nil: none yet
	use   int64    // its number
	again bool
}

// follow has the request tell what connection it is given.
func (w *ride) follow(r *http.Request) *http.Request {
	return r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		c := i.Conn
		if t, ok := c.(*tls.Conn); ok {
			c = t.NetConn()
		}
		w.on, _ = c.(*resting)
		w.again = i.Reused
		if w.on != nil {
			w.use = w.on.wake()
		}
	}}))
}

// over says that the answer was read to its end, or that none came.
func (w *ride) over(ctxDone, failed bool) {
	switch {
	case w.on == nil:
	case !failed:
		w.on.rest(w.use)
	case w.again && !ctxDone:
		w.on.rests.lost()
	}
}
