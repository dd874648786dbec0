package ciba

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// Ping mode (CIBA Core, sections 9 and 10.2): the server says at an address of ours
// that an answer is ready, and the answer is fetched at once. It is a hint and no more:
// what the answer is, and whether there is one, only the token endpoint says. One that
// gets lost is made up for by polls, which go on slowly.

const (
	// minPingInterval is the least readInterval in ping mode. A ping that gets lost costs the
	// customer that long at most, and a server is asked eight times in two minutes.
	minPingInterval = 15 * time.Second

	// maxPingBody has room for the longest auth_req_id that is kept, and JSON around it.
	maxPingBody = maxRequestID + 4<<10

	// maxExpectedPings is how many requests may wait for a ping: those of a visit that
	// asked again and again, and others that were left and have not run out.
	maxExpectedPings = 64

	// maxEarlyPings is how many pings are held for one request whose acknowledgement has
	// not been read. There should be one.
	maxEarlyPings = 4

	// bearerGrace is how long a request's readToken is still known after it has run out,
	// so that a late ping of the server's is answered as good.
	bearerGrace = time.Minute

	// maxUnauthenticated is how many requests without a good readToken are answered in a second.
	// Those with one are not limited by it: no flood keeps the server's ping out.
	maxUnauthenticated = 20

	pingOperation = "ping"
)

// digest hides what it is of and makes every comparison one of 32 bytes.
type digest = [sha256.Size]byte

// expectedPing is one request for which a ping may come.
type expectedPing struct {
	bearer       digest
	id           digest // of the auth_req_id, once it is known
	acknowledged bool
	early        []digest // of what was pinged before it was
	done         bool     // the ping has come: another one does nothing
	until        time.Duration
	notify       func()
}

// Pings takes the server's pings. It is safe for concurrent use.
type Pings struct {
	uptime func() time.Duration
	log    *slog.Logger

	mu              sync.Mutex // requests come in beside the visit
	expected        []*expectedPing
	second          time.Duration // the present second, and maxUnauthenticated in it
	unauthenticated int
}

// NewPings makes one; uptime is monotonic.
func NewPings(uptime func() time.Duration, log *slog.Logger) *Pings {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Pings{uptime: uptime, log: log}
}

// expectation begins to wait for the ping of one request and gives the token that the
// server must bring (client_notification_token): 256 bits, new each time, where 160
// are advised. What ring does is called at most once.
func (p *Pings) expect(ring func()) (token string, e *expectedPing) {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	token = base64.RawURLEncoding.EncodeToString(secret)
	e = &expectedPing{bearer: sha256.Sum256([]byte(token)), notify: ring}
	now := p.uptime()
	e.until = now + askTimeout + bearerGrace
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.expected[:0]
	for _, o := range p.expected {
		if now < o.until {
			kept = append(kept, o)
		}
	}
	if len(kept) >= maxExpectedPings {
		kept = kept[1:]
	}
	p.expected = append(kept, e)
	return token, e
}

// accepted ties the request to its auth_req_id. A ping that came before is good now.
func (p *Pings) accepted(e *expectedPing, id []byte, expires time.Duration) {
	p.mu.Lock()
	e.id, e.acknowledged, e.until = sha256.Sum256(id), true, p.uptime()+expires+bearerGrace
	ring := false
	for _, h := range e.early {
		ring = ring || subtle.ConstantTimeCompare(h[:], e.id[:]) == 1
	}
	e.early = nil
	ring = ring && !e.done
	e.done = e.done || ring
	p.mu.Unlock()
	if ring {
		e.notify()
	}
}

// refused forgets a request that came to nothing.
func (p *Pings) refused(e *expectedPing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.until = 0
}

// find looks for the request of a readToken. Every one is looked at, by its digest, so
// that the time tells nothing of how near a guess was.
func (p *Pings) find(bearer digest) *expectedPing {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found *expectedPing
	now := p.uptime()
	for _, e := range p.expected {
		if subtle.ConstantTimeCompare(e.bearer[:], bearer[:]) == 1 && now < e.until {
			found = e
		}
	}
	return found
}

// notify takes in a ping for id at e. It says whether the two belong together as far as
// can be known, and rings at most once.
func (p *Pings) notify(e *expectedPing, id digest) bool {
	p.mu.Lock()
	ring, good := false, true
	switch {
	case !e.acknowledged:
		if len(e.early) < maxEarlyPings {
			e.early = append(e.early, id)
		}
	case subtle.ConstantTimeCompare(e.id[:], id[:]) != 1:
		good = false
	case !e.done:
		e.done, ring = true, true
	}
	p.mu.Unlock()
	if ring {
		e.notify()
	}
	return good
}

// limitReached counts requests without a good readToken.
func (p *Pings) limitReached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.uptime().Truncate(time.Second); now != p.second {
		p.second, p.unauthenticated = now, 0
	}
	p.unauthenticated++
	return p.unauthenticated > maxUnauthenticated
}

// ServeHTTP answers a ping: 204 where it is good, 401 where the readToken is unknown or
// another request's (the two cannot be told apart), 400 where a good readToken brings
// something else than a notification. It never redirects, and says nothing else.
func (p *Pings) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		p.reject(w, http.StatusMethodNotAllowed)
		return
	}
	e := p.find(sha256.Sum256([]byte(bearerOf(r.Header))))
	if e == nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		p.reject(w, http.StatusUnauthorized)
		return
	}
	id, status := readPing(w, r)
	if status != 0 {
		p.log.Warn(pingOperation, "outcome", "malformed", "status", status)
		p.reject(w, status)
		return
	}
	if !p.notify(e, sha256.Sum256([]byte(id))) {
		p.log.Warn(pingOperation, "outcome", "for another request")
		w.Header().Set("WWW-Authenticate", "Bearer")
		p.reject(w, http.StatusUnauthorized)
		return
	}
	p.log.Debug(pingOperation, "outcome", "taken")
	w.WriteHeader(http.StatusNoContent)
}

// reject turns a request away, and its connection with it: the body is not read.
func (p *Pings) reject(w http.ResponseWriter, status int) {
	if p.limitReached() {
		status = http.StatusTooManyRequests
	}
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
}

// bearerOf reads the one Authorization header there may be (RFC 6750, section 2.1).
func bearerOf(h http.Header) string {
	all := h.Values("Authorization")
	if len(all) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(all[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}

// readPing reads the notification (CIBA Core, section 10.2): a JSON object with the
// auth_req_id. What else is in it is ignored, tokens above all (push, section 10.3): none
// is ever taken from there.
func readPing(w http.ResponseWriter, r *http.Request) (id string, status int) {
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || typ != "application/json" {
		return "", http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPingBody))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return "", http.StatusRequestEntityTooLarge
	case err != nil:
		return "", http.StatusBadRequest
	}
	if id = pingedRequest(body); id == "" {
		return "", http.StatusBadRequest
	}
	return id, 0
}

// pingedRequest finds the auth_req_id in a notification; empty if there is none.
func pingedRequest(body []byte) string {
	o, err := strictjson.Parse(body)
	if err != nil {
		return ""
	}
	id, _ := o.Text("auth_req_id")
	if len(id) > maxRequestID {
		return ""
	}
	return id
}

// Bounds on whoever speaks to the ping address: a notification is a kilobyte, and
// its sender waits for nothing.
const (
	pingTimeout     = 10 * time.Second
	pingIdleTimeout = time.Minute
	maxPingHeader   = 16 << 10
	maxPingConns    = 32
)

// Serve takes pings from l until ctx ends; the certificate is of the address that the
// server was told. TLS 1.2 is the least (BCP 195).
func (p *Pings) Serve(ctx context.Context, l net.Listener, cert tls.Certificate) error {
	s := &http.Server{
		Handler:      p,
		ReadTimeout:  pingTimeout,
		WriteTimeout: pingTimeout,
		IdleTimeout:  pingIdleTimeout,
		// One request at a time on a connection is all that is needed.
		TLSNextProto:   map[string]func(*http.Server, *tls.Conn, http.Handler){},
		TLSConfig:      &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}},
		MaxHeaderBytes: maxPingHeader,
		ErrorLog:       slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // what maxUnauthenticated make it say is endless
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	err := s.ServeTLS(&fewConns{Listener: l, free: make(chan struct{}, maxPingConns)}, "", "")
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// fewConns lets so many connections be open at once; others wait in the kernel.
type fewConns struct {
	net.Listener
	free chan struct{}
}

// Accept waits for a connection and for room for it.
func (f *fewConns) Accept() (net.Conn, error) {
	f.free <- struct{}{}
	c, err := f.Listener.Accept()
	if err != nil {
		<-f.free
		return nil, err
	}
	return &counted{Conn: c, over: sync.OnceFunc(func() { <-f.free })}, nil
}

type counted struct {
	net.Conn
	over func()
}

// Close makes room for another.
func (c *counted) Close() error {
	defer c.over()
	return c.Conn.Close()
}
