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
	// slowPoll is the least interval in ping mode. A ping that gets lost costs the
	// customer that long at most, and a server is asked eight times in two minutes.
	slowPoll = 15 * time.Second

	// maxPingBody has room for the longest auth_req_id that is kept, and JSON around it.
	maxPingBody = maxRequestID + 4<<10

	// openPings is how many requests may wait for a ping: those of a visit that
	// asked again and again, and others that were left and have not run out.
	openPings = 64

	// heldPings is how many pings are held for one request whose acknowledgement has
	// not been read. There should be one.
	heldPings = 4

	// afterwards is how long a request's bearer is still known after it has run out,
	// so that a late ping of the server's is answered as good.
	afterwards = time.Minute

	// strangers is how many requests without a good bearer are answered in a second.
	// Those with one are not limited by it: no flood keeps the server's ping out.
	strangers = 20

	whatPing = "ping"
)

// digest hides what it is of and makes every comparison one of 32 bytes.
type digest = [sha256.Size]byte

// expected is one request for which a ping may come.
type expected struct {
	bearer digest
	id     digest // of the auth_req_id, once it is known
	known  bool
	held   []digest // of what was pinged before it was
	done   bool     // the ping has come: another one does nothing
	until  time.Duration
	ring   func()
}

// Pings takes the server's pings. It is safe for concurrent use.
type Pings struct {
	uptime func() time.Duration
	log    *slog.Logger

	mu      sync.Mutex // requests come in beside the visit
	open    []*expected
	second  time.Duration // the present second, and strangers in it
	strange int
}

// NewPings makes one; uptime is monotonic.
func NewPings(uptime func() time.Duration, log *slog.Logger) *Pings {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Pings{uptime: uptime, log: log}
}

// expect begins to wait for the ping of one request and gives the token that the
// server must bring (client_notification_token): 256 bits, new each time, where 160
// are advised. What ring does is called at most once.
func (p *Pings) expect(ring func()) (token string, e *expected) {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	token = base64.RawURLEncoding.EncodeToString(secret)
	e = &expected{bearer: sha256.Sum256([]byte(token)), ring: ring}
	now := p.uptime()
	e.until = now + askTimeout + afterwards
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.open[:0]
	for _, o := range p.open {
		if now < o.until {
			kept = append(kept, o)
		}
	}
	if len(kept) >= openPings {
		kept = kept[1:]
	}
	p.open = append(kept, e)
	return token, e
}

// accepted ties the request to its auth_req_id. A ping that came before is good now.
func (p *Pings) accepted(e *expected, id []byte, expires time.Duration) {
	p.mu.Lock()
	e.id, e.known, e.until = sha256.Sum256(id), true, p.uptime()+expires+afterwards
	ring := false
	for _, h := range e.held {
		ring = ring || subtle.ConstantTimeCompare(h[:], e.id[:]) == 1
	}
	e.held = nil
	ring = ring && !e.done
	e.done = e.done || ring
	p.mu.Unlock()
	if ring {
		e.ring()
	}
}

// refused forgets a request that came to nothing.
func (p *Pings) refused(e *expected) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.until = 0
}

// find looks for the request of a bearer. Every one is looked at, by its digest, so
// that the time tells nothing of how near a guess was.
func (p *Pings) find(bearer digest) *expected {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found *expected
	now := p.uptime()
	for _, e := range p.open {
		if subtle.ConstantTimeCompare(e.bearer[:], bearer[:]) == 1 && now < e.until {
			found = e
		}
	}
	return found
}

// come takes in a ping for id at e. It says whether the two belong together as far as
// can be known, and rings at most once.
func (p *Pings) come(e *expected, id digest) bool {
	p.mu.Lock()
	ring, good := false, true
	switch {
	case !e.known:
		if len(e.held) < heldPings {
			e.held = append(e.held, id)
		}
	case subtle.ConstantTimeCompare(e.id[:], id[:]) != 1:
		good = false
	case !e.done:
		e.done, ring = true, true
	}
	p.mu.Unlock()
	if ring {
		e.ring()
	}
	return good
}

// tooMany counts requests without a good bearer.
func (p *Pings) tooMany() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.uptime().Truncate(time.Second); now != p.second {
		p.second, p.strange = now, 0
	}
	p.strange++
	return p.strange > strangers
}

// ServeHTTP answers a ping: 204 where it is good, 401 where the bearer is unknown or
// another request's (the two cannot be told apart), 400 where a good bearer brings
// something else than a notification. It never redirects, and says nothing else.
func (p *Pings) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		p.no(w, http.StatusMethodNotAllowed)
		return
	}
	e := p.find(sha256.Sum256([]byte(bearerOf(r.Header))))
	if e == nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		p.no(w, http.StatusUnauthorized)
		return
	}
	id, status := readPing(w, r)
	if status != 0 {
		p.log.Warn(whatPing, "outcome", "malformed", "status", status)
		p.no(w, status)
		return
	}
	if !p.come(e, sha256.Sum256([]byte(id))) {
		p.log.Warn(whatPing, "outcome", "for another request")
		w.Header().Set("WWW-Authenticate", "Bearer")
		p.no(w, http.StatusUnauthorized)
		return
	}
	p.log.Debug(whatPing, "outcome", "taken")
	w.WriteHeader(http.StatusNoContent)
}

// no turns a request away, and its connection with it: the body is not read.
func (p *Pings) no(w http.ResponseWriter, status int) {
	if p.tooMany() {
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
	if id = pingedFor(body); id == "" {
		return "", http.StatusBadRequest
	}
	return id, 0
}

// pingedFor finds the auth_req_id in a notification; empty if there is none.
func pingedFor(body []byte) string {
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
	pingTimeout = 10 * time.Second
	pingIdle    = time.Minute
	pingHeader  = 16 << 10
	pingConns   = 32
)

// Serve takes pings from l until ctx ends; the certificate is of the address that the
// server was told. TLS 1.2 is the least (BCP 195).
func (p *Pings) Serve(ctx context.Context, l net.Listener, cert tls.Certificate) error {
	s := &http.Server{
		Handler:      p,
		ReadTimeout:  pingTimeout,
		WriteTimeout: pingTimeout,
		IdleTimeout:  pingIdle,
		// One request at a time on a connection is all that is needed.
		TLSNextProto:   map[string]func(*http.Server, *tls.Conn, http.Handler){},
		TLSConfig:      &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}},
		MaxHeaderBytes: pingHeader,
		ErrorLog:       slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // what strangers make it say is endless
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	err := s.ServeTLS(&fewConns{Listener: l, free: make(chan struct{}, pingConns)}, "", "")
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
