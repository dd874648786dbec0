package devserver

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options are the choices a [Server] is made with. The zero value works but for
// the issuer, which [Server.SetIssuer] may set later.
type Options struct {
	// Issuer is the issuer URL, byte for byte as it will appear in tokens. A
	// trailing slash is kept (some servers have one); a path moves every
	// endpoint below it.
	Issuer string
	// Expires is the default lifetime of a request in seconds; 0 means 120.
	Expires int
	// Interval is the polling interval in seconds; 0 means 5 (CIBA section 7.3).
	Interval int
	// PollTolerance is by how much a poll may be early without being called so, and
	// told to slow down: timers and networks are not exact. 0 means a fifth of a second.
	PollTolerance time.Duration
	// OmitInterval leaves the member out of the acknowledgement; 5 then counts.
	OmitInterval bool
	// LongPoll holds a pending poll back until the person answers, this long at
	// most (CIBA section 10.1 advises 30 s); 0 answers at once.
	LongPoll time.Duration
	// DPoPNonce asks for a nonce in every proof of possession (RFC 9449 section 8).
	DPoPNonce bool
	// StateFile keeps keys, clients, requests and grants over a restart. Empty
	// means memory only. It is made with mode 0600.
	StateFile string
	// GuardRegistration wants an initial access token of whoever registers a client.
	GuardRegistration bool
	// MaxPending limits the requests waiting for an answer; 0 means 200.
	MaxPending int
	// Now is the clock; nil means time.Now. In a testing/synctest bubble the
	// default is already virtual.
	Now func() time.Time
}

// Limits that keep a runaway test from eating the machine.
const (
	maxBody     = 64 << 10 // bytes of a request body
	maxArrivals = 20000    // entries of the list of what arrived; the oldest go first
	maxClients  = 1000     // registered clients
	maxExpiry   = 3600     // seconds a request may ask to live

	accessTokenLife  = 5 * time.Minute
	refreshTokenLife = 24 * time.Hour
	// keepFinished is how long an ended request is still known, so that a late
	// poll hears why it ended and not merely that nobody knows it.
	keepFinished = time.Hour
)

// Server is a development OpenID Provider. Its methods may be called from any
// goroutine. It starts no goroutine of its own but for a ping.
type Server struct {
	opt Options

	mu      sync.Mutex // guards issuer, book, auto and changed
	issuer  string
	book    book
	auto    auto
	secure  bool          // TLS has been set up, so clients may bring certificates
	changed chan struct{} // closed and replaced whenever a phone page may differ

	faults faultList
	record record

	stop     chan struct{} // closed by Close: ends event streams and hanging answers
	stopOnce sync.Once
	handler  http.Handler
}

// auto is the answer given without anybody touching the phone.
type auto struct {
	state requestState // approved, denied, or pending for none
	delay time.Duration
	as    string
}

// New makes a server, reading the state file if there is one. The error says
// what is wrong with an option or the file.
func New(opt Options) (*Server, error) {
	if opt.PollTolerance == 0 {
		opt.PollTolerance = 200 * time.Millisecond
	}
	if opt.Expires == 0 {
		opt.Expires = 120
	}
	if opt.Interval == 0 {
		opt.Interval = 5
	}
	if opt.MaxPending == 0 {
		opt.MaxPending = 200
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Expires < 1 || opt.Expires > maxExpiry {
		return nil, fmt.Errorf("expiry: %d seconds is not between 1 and %d", opt.Expires, maxExpiry)
	}
	if opt.Interval < 0 || opt.Interval > maxExpiry {
		return nil, fmt.Errorf("interval: %d seconds is not between 1 and %d", opt.Interval, maxExpiry)
	}
	s := &Server{opt: opt, changed: make(chan struct{}), stop: make(chan struct{})}
	s.auto.state = pending
	if opt.Issuer != "" {
		if err := s.SetIssuer(opt.Issuer); err != nil {
			return nil, err
		}
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	return s, nil
}

// SetIssuer sets the issuer URL once the address is known, as with
// httptest.NewServer. It must be called before the first request.
func (s *Server) SetIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("issuer: must be an http or https URL with a host and without query or fragment")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issuer = issuer
	return nil
}

// Issuer is the issuer URL as set.
func (s *Server) Issuer() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issuer
}

// base is the issuer without a trailing slash, the stem of all addresses.
func (s *Server) base() string { return strings.TrimSuffix(s.Issuer(), "/") }

// Handler serves everything: the provider, the phone page, the customer API and
// the scripts' interface.
func (s *Server) Handler() http.Handler { return s.handler }

// Close ends event streams and answers that were told to hang, so that an HTTP
// server around the handler can shut down. It may be called more than once.
func (s *Server) Close() { s.stopOnce.Do(func() { close(s.stop) }) }

// notify wakes every open phone page. The lock must be held.
func (s *Server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// watch returns a channel that is closed at the next change.
func (s *Server) watch() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// secret makes an unguessable string of 256 bits in the alphabet that CIBA
// section 7.3 allows for an auth_req_id.
func secret() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}

// digest is what is remembered of a secret, so that neither the state file nor a
// dump of memory can be used in its place.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
