package provider

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
	"unicode"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// Arrival is a request that reached the server or another event, as listed by GET
// /dev/requests and [Server.Requests]. It never holds a secret, a token, an
// auth_req_id or a login hint.
type Arrival struct {
	// Number counts arrivals from 1.
	Number int `json:"n"`
	// Time is when it arrived.
	Time time.Time `json:"time"`
	// Kind is one of discovery, jwks, backchannel, poll, device, device_poll,
	// refresh, token (any other grant), revocation, userinfo, api, registration,
	// answer (a person or script answered), ping, nonce (a poll or API call rejected
	// because its DPoP proof lacked a nonce).
	Kind string `json:"kind"`
	// Client is the claimed client identifier, authenticated or not.
	Client string `json:"client,omitempty"`
	// User is the username of the person concerned, where known.
	User string `json:"user,omitempty"`
	// Request is the number of the backchannel or device request concerned.
	Request int `json:"request,omitempty"`
	// Code is the binding message.
	Code string `json:"code,omitempty"`
	// Connection identifies the connection: the client's port.
	Connection string `json:"connection,omitempty"`
	// SincePrevious is the time since the previous poll of the same request, in
	// milliseconds; absent for the first.
	SincePrevious int64 `json:"since_previous_ms,omitempty"`
	// Early reports a poll before the interval had passed.
	Early bool `json:"early,omitempty"`
	// Overlap reports that another poll of the same request was still unanswered.
	Overlap bool `json:"overlap,omitempty"`
	// Fault is the kind of the fault that changed the answer.
	Fault string `json:"fault,omitempty"`
	// Status is the HTTP status sent; 0 if none was.
	Status int `json:"status,omitempty"`
	// Outcome is "ok", an OAuth error code, "dropped", "hanging", "truncated",
	// "broken" (delivered in another faulty way), or "in progress".
	Outcome string `json:"outcome"`
}

// arrivalLog is the list of arrivals.
type arrivalLog struct {
	mu    sync.Mutex // guards all below, and the fields of listed arrivals
	count int
	list  []*Arrival
}

func (l *arrivalLog) add(a *Arrival) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	a.Number = l.count
	if len(l.list) >= maxArrivals {
		l.list = slices.Delete(l.list, 0, maxArrivals/10)
	}
	l.list = append(l.list, a)
}

// finish records the outcome of a call. It is called before the answer is sent, so
// that a client with its answer in hand finds the outcome in the list.
func (l *arrivalLog) finish(c *call, a faults.Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := c.arrival
	e.Status, e.Outcome = a.Status, "ok"
	switch {
	case a.Delivery == faults.Drop:
		e.Status, e.Outcome = 0, "dropped"
	case a.Delivery == faults.Hang:
		e.Status, e.Outcome = 0, "hanging"
	case a.Delivery == faults.Truncate:
		e.Outcome = "truncated"
	case a.Delivery != faults.Whole:
		e.Status, e.Outcome = 0, "broken"
	case a.Code != "":
		e.Outcome = PlainText(a.Code, 60)
	case a.Status >= 300:
		e.Outcome = http.StatusText(a.Status)
	}
}

// Requests lists the arrivals, oldest first.
func (s *Server) Requests() []Arrival {
	s.arrivals.mu.Lock()
	defer s.arrivals.mu.Unlock()
	list := make([]Arrival, len(s.arrivals.list))
	for i, a := range s.arrivals.list {
		list[i] = *a
	}
	return list
}

// ForgetRequests empties the list of arrivals.
func (s *Server) ForgetRequests() {
	s.arrivals.mu.Lock()
	defer s.arrivals.mu.Unlock()
	s.arrivals.list = nil
}

// logArrival adds a call to the list and, for a poll, checks its timing. It runs before
// any fault, so that polls answered by a fault are timed too.
func (s *Server) logArrival(c *call, kind string) {
	a := &Arrival{Time: c.now, Kind: kind, Client: claimedClient(c.r, c.form), Outcome: "in progress"}
	_, a.Connection, _ = net.SplitHostPort(c.r.RemoteAddr)
	c.arrival = a
	if kind == "token" {
		if g, ok := tokenGrants[c.form.Get("grant_type")]; ok {
			a.Kind = g.arrivalKind
			s.timePoll(c, c.form.Get(g.idParam))
		}
	}
	s.arrivals.add(a)
}

// timePoll records which request a poll asks about and how long after the previous poll.
func (s *Server) timePoll(c *call, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.state.findRequest(id)
	if q == nil {
		return
	}
	a := c.arrival
	a.Request, a.Code, a.User = q.Number, q.BindingMessage, q.Person
	c.previousPoll = q.lastPoll
	if !q.lastPoll.IsZero() {
		since := c.now.Sub(q.lastPoll)
		a.SincePrevious = since.Milliseconds()
		// A client may poll at once after a ping.
		a.Early = (q.notificationToken == "" || q.Status == pending) && since < time.Duration(q.Interval)*time.Second-s.opt.PollTolerance
	}
	a.Overlap = q.inFlight > 0
	q.lastPoll = c.now
	q.inFlight++
	c.polledRequest = q
}

// finishPoll marks a poll as answered.
func (s *Server) finishPoll(c *call) {
	if c.polledRequest == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.polledRequest.inFlight--
}

// annotate changes the list entry of a call.
func (c *call) annotate(change func(*Arrival)) {
	c.server.arrivals.mu.Lock()
	defer c.server.arrivals.mu.Unlock()
	change(c.arrival)
}

// claimedClient returns the client identifier that a call claims, for the list only.
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
	return PlainText(id, 100)
}

// PlainText makes foreign text safe to show: it removes control and direction
// characters and cuts the text after limit runes.
func PlainText(s string, limit int) string {
	clean := []rune(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s))
	if len(clean) > limit {
		return string(clean[:limit]) + "…"
	}
	return string(clean)
}
