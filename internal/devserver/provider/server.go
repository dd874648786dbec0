package provider

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

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// Options configure a [Server]. The zero value works; [Server.SetIssuer] may set the
// issuer later.
type Options struct {
	// Issuer is the issuer URL exactly as in tokens. A trailing slash is kept; a path
	// is the prefix of every endpoint.
	Issuer string
	// Expires is the default lifetime of a request in seconds; 0 means 120.
	Expires int
	// Interval is the polling interval in seconds; 0 means 5 (CIBA section 7.3).
	Interval int
	// PollTolerance is how early a poll may be without slow_down, since timers and
	// networks are not exact; 0 means 200 ms.
	PollTolerance time.Duration
	// OmitInterval omits interval from the acknowledgement, which means 5.
	OmitInterval bool
	// LongPoll is how long a pending poll waits for the person's answer; 0 answers
	// at once (CIBA section 10.1 advises 30 s).
	LongPoll time.Duration
	// DPoPNonce demands a nonce in every DPoP proof (RFC 9449 section 8).
	DPoPNonce bool
	// StateFile keeps keys, clients, requests and grants across restarts, with mode
	// 0600. Empty means memory only.
	StateFile string
	// GuardRegistration demands an initial access token to register a client.
	GuardRegistration bool
	// MaxPending limits the pending requests; 0 means 200.
	MaxPending int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Limits for the sake of the machine: a test may run away.
const (
	maxBody     = 64 << 10 // bytes of a request body
	maxArrivals = 20000    // listed arrivals; the oldest are dropped first
	maxClients  = 1000     // registered clients
	maxExpiry   = 3600     // seconds, of a request

	accessTokenLife  = 5 * time.Minute
	refreshTokenLife = 24 * time.Hour
	// keepFinished is how long an ended request is remembered, so that a late poll
	// learns how it ended.
	keepFinished = time.Hour
)

// Server is a development OpenID Provider. Its methods may be called from any
// goroutine.
type Server struct {
	opt Options

	mu      sync.Mutex // guards issuer, state, auto, mtls and changed
	issuer  string
	state   state
	auto    autoAnswer
	mtls    bool          // TLS is set up, so clients may present certificates
	changed chan struct{} // closed and replaced whenever a request or an answer arrives

	faultList faults.List
	arrivals  arrivalLog

	stop     chan struct{} // closed by Close
	stopOnce sync.Once
	mux      *http.ServeMux
	handler  http.Handler // mux, also under the issuer's path
}

// autoAnswer is the answer given without anybody touching the phone.
type autoAnswer struct {
	status requestStatus // approved, denied, or pending for none
	delay  time.Duration
	as     string
}

// New makes a server and reads the state file if there is one. The error names the
// invalid option or file.
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
	s := &Server{opt: opt, mux: http.NewServeMux(), changed: make(chan struct{}), stop: make(chan struct{})}
	s.faultList.HasPerson = func(username string) bool { return personByUsername(username) != nil }
	s.auto.status = pending
	if opt.Issuer != "" {
		if err := s.SetIssuer(opt.Issuer); err != nil {
			return nil, err
		}
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	return s, nil
}

// SetIssuer sets the issuer URL when the address is known only after [New], as with
// httptest.NewServer. Call it before the first request.
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

// Issuer returns the issuer URL.
func (s *Server) Issuer() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issuer
}

// baseURL returns the issuer without a trailing slash, the prefix of all addresses.
func (s *Server) baseURL() string { return strings.TrimSuffix(s.Issuer(), "/") }

// Handler serves the provider, the customer API, the control interface and what
// [Server.Handle] added.
func (s *Server) Handler() http.Handler { return s.handler }

// Handle adds a handler, as [http.ServeMux.Handle] does. Call it before the first
// request.
func (s *Server) Handle(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// Close ends hanging answers and everything else that waits for [Server.Done], so that
// an HTTP server can shut down. It may be called more than once.
func (s *Server) Close() { s.stopOnce.Do(func() { close(s.stop) }) }

// signalChange wakes all goroutines that wait on Changed. The lock must be held.
func (s *Server) signalChange() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Done returns a channel that Close closes.
func (s *Server) Done() <-chan struct{} { return s.stop }

// Changed returns a channel that is closed when a request or an answer arrives.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// newSecret makes a random string of 256 bits in the alphabet of an auth_req_id (CIBA
// section 7.3).
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// digest returns the hash of a secret. The server stores only digests, so a state file
// or a memory dump contains no usable token.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// SetFaults replaces the list of faults. If a fault is invalid, it returns an error
// that names the first one and leaves the list as it was.
func (s *Server) SetFaults(list []faults.Fault) error { return s.faultList.Set(list) }

// Faults lists the faults that are still to happen, with their remaining counts.
func (s *Server) Faults() []faults.Fault { return s.faultList.All() }
