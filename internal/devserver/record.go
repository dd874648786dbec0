package devserver

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Arrival is one thing that reached the server, as listed by GET /dev/requests
// and [Server.Requests]. It never holds a secret, a token, an auth_req_id or a
// login hint.
type Arrival struct {
	// Number counts arrivals from 1.
	Number int `json:"n"`
	// Time is when it arrived.
	Time time.Time `json:"time"`
	// Kind is one of discovery, jwks, backchannel, poll, device, device_poll,
	// refresh, token (any other grant), revocation, userinfo, api, registration,
	// answer (a person or script answered), nonce (a poll or another request that was
	// turned away unread for the nonce in its proof of possession).
	Kind string `json:"kind"`
	// Client is the client identifier given, whether or not it proved to be true.
	Client string `json:"client,omitempty"`
	// User is the username of the person concerned, where known.
	User string `json:"user,omitempty"`
	// Request is the number of the backchannel or device request concerned.
	Request int `json:"request,omitempty"`
	// Code is the binding message.
	Code string `json:"code,omitempty"`
	// Connection tells connections apart: the port at the client's end.
	Connection string `json:"connection,omitempty"`
	// SincePrevious is the time since the previous poll of the same request, in
	// milliseconds; absent for the first.
	SincePrevious int64 `json:"since_previous_ms,omitempty"`
	// Early says that this poll came before the interval had passed.
	Early bool `json:"early,omitempty"`
	// Overlap says that another poll of the same request was still unanswered.
	Overlap bool `json:"overlap,omitempty"`
	// Fault is the kind of the fault that shaped the answer.
	Fault string `json:"fault,omitempty"`
	// Status is the HTTP status sent; 0 if none was.
	Status int `json:"status,omitempty"`
	// Outcome is "ok", an OAuth error code, "dropped", "hanging", "truncated",
	// "broken" (it did not arrive whole), or "in progress".
	Outcome string `json:"outcome"`
}

// record is the list of arrivals.
type record struct {
	mu   sync.Mutex // guards all below, and the fields of listed arrivals
	n    int
	list []*Arrival
}

func (l *record) add(a *Arrival) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	a.Number = l.n
	if len(l.list) >= maxArrivals {
		l.list = slices.Delete(l.list, 0, maxArrivals/10)
	}
	l.list = append(l.list, a)
}

// finish notes how a call is being answered. It is called before the answer is
// sent, so that a client which has its answer finds it in the list.
func (l *record) finish(c *call, a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := c.arrival
	e.Status, e.Outcome = a.status, "ok"
	switch {
	case a.how == drop:
		e.Status, e.Outcome = 0, "dropped"
	case a.how == hang:
		e.Status, e.Outcome = 0, "hanging"
	case a.how == truncate:
		e.Outcome = "truncated"
	case a.how != whole:
		e.Status, e.Outcome = 0, "broken"
	case a.code != "":
		e.Outcome = a.code
	case a.status >= 300:
		e.Outcome = http.StatusText(a.status)
	}
}

// Requests lists what has arrived, oldest first.
func (s *Server) Requests() []Arrival {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	list := make([]Arrival, len(s.record.list))
	for i, a := range s.record.list {
		list[i] = *a
	}
	return list
}

// ForgetRequests empties the list of what has arrived.
func (s *Server) ForgetRequests() {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.list = nil
}

// arrive writes a call down and, for a poll, ties it to its request and judges
// its timing. That happens before any fault, so that a poll answered by a fault
// is timed like any other.
func (s *Server) arrive(c *call, kind string) {
	a := &Arrival{Time: c.now, Kind: kind, Client: claimedClient(c.r, c.form), Outcome: "in progress"}
	_, a.Connection, _ = net.SplitHostPort(c.r.RemoteAddr)
	c.arrival = a
	if kind == "token" {
		if g, ok := grants[c.form.Get("grant_type")]; ok {
			a.Kind = g.kind
			s.timePoll(c, c.form.Get(g.id))
		}
	}
	s.record.add(a)
}

func (s *Server) timePoll(c *call, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.book.request(id)
	if q == nil {
		return
	}
	a := c.arrival
	a.Request, a.Code, a.User = q.Number, q.Binding, q.Person
	c.before = q.lastPoll
	if !q.lastPoll.IsZero() {
		since := c.now.Sub(q.lastPoll)
		a.SincePrevious = since.Milliseconds()
		// After a ping a poll may come at once.
		a.Early = (q.notify == "" || q.State == pending) && since < time.Duration(q.Interval)*time.Second-s.opt.PollTolerance
	}
	a.Overlap = q.inFlight > 0
	q.lastPoll = c.now
	q.inFlight++
	c.polled = q
}

// depart marks a poll as answered.
func (s *Server) depart(c *call) {
	if c.polled == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.polled.inFlight--
}

// note writes something more about a call that is already listed.
func (c *call) note(change func(*Arrival)) {
	c.server.record.mu.Lock()
	defer c.server.record.mu.Unlock()
	change(c.arrival)
}

// claimedClient is who the caller says it is, unproven, for the list only.
func claimedClient(r *http.Request, form url.Values) string {
	id := form.Get("client_id")
	if user, _, found := r.BasicAuth(); found && id == "" {
		id, _ = url.QueryUnescape(user)
	}
	if parts := strings.Split(form.Get("client_assertion"), "."); id == "" && len(parts) == 3 {
		var claims struct {
			Sub string `json:"sub"`
		}
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		if json.Unmarshal(payload, &claims) == nil {
			id = claims.Sub
		}
	}
	return plainText(id, 100)
}

// plainText makes foreign text harmless to show: no control or direction
// characters, at most limit runes.
func plainText(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == limit {
			b.WriteRune('…')
			break
		}
		if r < 0x20 || (r >= 0x7f && r < 0xa0) || (r >= 0x200b && r <= 0x200f) ||
			(r >= 0x2028 && r <= 0x202e) || (r >= 0x2060 && r <= 0x206f) || r == 0xfeff || r == 0xfffd {
			continue
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
