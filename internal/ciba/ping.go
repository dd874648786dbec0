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

const (
	// minPingInterval is the least poll interval in ping mode. A lost ping costs the customer this long at most, and
	// the server gets eight polls in two minutes.
	minPingInterval = 15 * time.Second

	// maxPingBody has room for the longest auth_req_id and the JSON around it.
	maxPingBody = maxRequestID + 4<<10

	// maxExpectedPings bounds the requests that wait for a ping: those of the present visit and abandoned ones that
	// have not expired.
	maxExpectedPings = 64

	// maxEarlyPings bounds the pings kept for a request whose acknowledgement has not been read. There should be one.
	maxEarlyPings = 4

	// bearerGrace is how long a bearer token stays valid after the request has expired, so that a late ping is answered
	// as valid.
	bearerGrace = time.Minute

	// maxUnauthenticated bounds the answers to unauthenticated requests in a second. It does not apply to the server's
	// pings.
	maxUnauthenticated = 20

	pingOperation = "ping"
)

// digest hides a secret and makes every comparison one of 32 bytes.
type digest = [sha256.Size]byte

// expectedPing is a request for which a ping may come.
type expectedPing struct {
	bearer       digest
	id           digest // of the auth_req_id, once acknowledged
	acknowledged bool
	early        []digest // pings that came before the acknowledgement
	done         bool     // the ping has come; another does nothing
	until        time.Duration
	notify       func()
}

// Pings receives the server's pings (CIBA Core 9, 10.2). A ping only says that the token endpoint has an answer, which the
// next poll fetches. Polls continue slowly in case a ping is lost. Pings is safe for concurrent use.
type Pings struct {
	uptime func() time.Duration
	log    *slog.Logger

	mu              sync.Mutex // pings come from other goroutines than the visit
	expected        []*expectedPing
	second          time.Duration // the present second, which unauthenticated counts
	unauthenticated int
}

// NewPings returns a receiver. uptime is monotonic.
func NewPings(uptime func() time.Duration, log *slog.Logger) *Pings {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Pings{uptime: uptime, log: log}
}

// expect registers a request and returns the client_notification_token that the server must send: 256 random bits,
// where the specification recommends 160. ring is called at most once, when the ping arrives.
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

// accepted assigns the auth_req_id to a request. A ping that came before takes effect now.
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

// refused forgets a request that the server did not accept.
func (p *Pings) refused(e *expectedPing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.until = 0
}

// find returns the request of a bearer token. It compares every digest, so that the time reveals nothing about a guess.
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

// notify records a ping for a request and reports whether its auth_req_id matches, as far as it is known. The first
// match triggers a poll.
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

// limitReached counts an unauthenticated request and reports whether there are too many in this second.
func (p *Pings) limitReached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.uptime().Truncate(time.Second); now != p.second {
		p.second, p.unauthenticated = now, 0
	}
	p.unauthenticated++
	return p.unauthenticated > maxUnauthenticated
}

// ServeHTTP answers a ping: 204 if it is valid; 401 if the bearer token is unknown or belongs to another request, which
// cannot be told apart; 400 if a valid bearer token comes without a notification. It never redirects.
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
	recognizeSender(r.Context())
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

// reject answers with status and closes the connection without reading the body.
func (p *Pings) reject(w http.ResponseWriter, status int) {
	if p.limitReached() {
		status = http.StatusTooManyRequests
	}
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
}

// bearerOf returns the bearer token of the only Authorization header (RFC 6750 2.1).
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

// readPing returns the auth_req_id of a notification, a JSON object (CIBA Core 10.2). Other members are ignored, also
// tokens (push mode, 10.3).
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

// pingedRequest returns the auth_req_id of a notification, or nothing.
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

// Limits for senders to the ping address: a notification is a kilobyte, and its sender waits for nothing.
const (
	pingHeaderTimeout = 3 * time.Second // also of the TLS handshake, which takes a Pi Zero a second
	pingTimeout       = 10 * time.Second
	pingIdleTimeout   = time.Minute
	maxPingHeader     = 16 << 10
)

// Serve receives pings from l until ctx ends. cert is for the address registered at the server. TLS 1.2 is the least
// version (BCP 195).
func (p *Pings) Serve(ctx context.Context, l net.Listener, cert tls.Certificate) error {
	s := &http.Server{
		Handler:           p,
		ReadHeaderTimeout: pingHeaderTimeout,
		ReadTimeout:       pingTimeout,
		WriteTimeout:      pingTimeout,
		IdleTimeout:       pingIdleTimeout,
		ConnContext:       withStranger,
		// HTTP/1.1 only: one request at a time is enough.
		TLSNextProto:   map[string]func(*http.Server, *tls.Conn, http.Handler){},
		TLSConfig:      &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}},
		MaxHeaderBytes: maxPingHeader,
		ErrorLog:       slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // anybody can provoke messages
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	err := s.ServeTLS(&strangerListener{Listener: l}, "", "")
	if ctx.Err() != nil {
		return nil
	}
	return err
}
