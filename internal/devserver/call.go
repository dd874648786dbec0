package devserver

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"
)

// call is one request to an endpoint of the provider on its way through.
type call struct {
	server  *Server
	r       *http.Request
	place   string // the endpoint's name in the fault list
	now     time.Time
	body    []byte
	form    url.Values // of a form body; parameters in the address do not count
	formErr error
	arrival *Arrival
	polled  *request  // the request a poll is about, until answered
	before  time.Time // when it was polled last
	key     string    // whose possession is proven, by its thumbprint; empty without a proof
}

// endpoint answers a call.
type endpoint func(*call) answer

// answer is what goes back, and how it goes on the wire (faults change both).
type answer struct {
	status int
	header http.Header
	body   []byte
	code   string // the OAuth error code; "" if it went well

	proceed bool          // of a fault: let the genuine answer go ahead
	delay   time.Duration // wait so long first
	how     wire
	padding int64 // so many bytes of padding as a first member; with reset, before it
	before  int   // so many informational answers first
}

// wire is the manner in which an answer reaches the client.
type wire int

const (
	whole    wire = iota
	drop          // close the connection without a word
	hang          // never answer
	truncate      // promise all of it, send half, close
	unending      // a body without an end
	drip          // byte by byte
	endlessHeaders
	reset // some bytes of it, then a reset
	notHTTP
	badChunks
)

// serve makes an HTTP handler of an endpoint: it reads the body, writes the
// arrival down, lets faults have their way, and sends the answer.
func (s *Server) serve(place, kind string, h endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.Issuer() == "" {
			http.Error(w, "devserver: no issuer set; call SetIssuer first", http.StatusInternalServerError)
			return
		}
		c := &call{server: s, r: r, place: place, now: s.opt.Now()}
		// The body is read whole before anything else, also when a fault answers
		// in place of the handler: only then does net/http notice a client that
		// hangs up meanwhile.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			c.formErr = errors.New("the body could not be read or is over 64 KiB")
		}
		c.body = body
		c.readForm()
		s.arrive(c, kind)
		defer s.depart(c) // also when sending ends in a dropped connection
		a := s.answerTo(c, h)
		s.record.finish(c, a)
		s.send(w, r, a)
	}
}

// answerTo runs the faults due before, the endpoint, and the faults due after.
func (s *Server) answerTo(c *call, h endpoint) answer {
	if f, k := s.faults.take(c.place, instead, ""); f != nil {
		c.note(func(e *Arrival) { e.Fault = f.Kind })
		var a answer
		k.change(c, f, &a)
		if !a.proceed {
			return a
		}
		s.wait(c.r, a.delay)
		c.now = s.opt.Now()
	}
	a := h(c)
	outcome := a.code
	if a.status < 300 {
		outcome = "success"
	}
	if f, k := s.faults.take(c.place, rewrite, outcome); f != nil {
		c.note(func(e *Arrival) { e.Fault = f.Kind })
		k.change(c, f, &a)
	}
	return a
}

// wait passes time on behalf of a fault, no longer than the client stays.
func (s *Server) wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	case <-s.stop:
	}
}

// readForm takes the parameters of a form body. A parameter without a value
// counts as left out, one given twice is an error (RFC 6749 section 3.1).
func (c *call) readForm() {
	c.form = url.Values{}
	if c.formErr != nil || c.r.Method != http.MethodPost {
		return
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		c.formErr = errors.New("the body must be application/x-www-form-urlencoded")
		return
	}
	values, err := url.ParseQuery(string(c.body))
	if err != nil {
		c.formErr = errors.New("the form is malformed")
		return
	}
	for name, v := range values {
		switch {
		case len(v) > 1 && name != "resource": // RFC 8707 section 2 lets that one repeat
			c.formErr = errors.New("a parameter is given twice")
		case !utf8.ValidString(name) || !utf8.ValidString(v[0]):
			c.formErr = errors.New("a parameter is not UTF-8")
		case v[0] != "":
			c.form[name] = v
		}
	}
}

// ok answers 200 with a JSON object. Everything the provider says to clients is
// kept out of caches (RFC 6749 section 5.1).
func ok(v any) answer { return jsonAnswer(http.StatusOK, v) }

func jsonAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // only our own values come here
	}
	return answer{status: status, body: body, header: http.Header{
		"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Pragma": {"no-cache"},
	}}
}

// refuse answers an OAuth error (RFC 6749 section 5.2, CIBA sections 11 and 13):
// 400, but 401 for invalid_client.
func refuse(code, description string) answer {
	status := http.StatusBadRequest
	if code == "invalid_client" {
		status = http.StatusUnauthorized
	}
	a := jsonAnswer(status, map[string]string{"error": code, "error_description": description})
	if code == "invalid_client" {
		a.header.Set("WWW-Authenticate", `Basic realm="devserver"`)
	}
	a.code = code
	return a
}

// failed answers that the server itself is in trouble.
func failed(why string) answer {
	a := refuse("server_error", why)
	a.status = http.StatusInternalServerError
	return a
}
