package provider

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// call is one request to an endpoint of the provider. It implements [faults.Call].
type call struct {
	server  *Server
	r       *http.Request
	place   string // the endpoint's name in the fault list
	now     time.Time
	body    []byte
	form    url.Values // of the body; query parameters do not count
	formErr error
	arrival *Arrival

	polledRequest *request  // the request that a poll asks about, until answered
	previousPoll  time.Time // of the same request
	keyThumbprint string    // of the DPoP key; empty without a proof
}

func (c *call) Place() string                { return c.place }
func (c *call) Now() time.Time               { return c.now }
func (c *call) Param(name string) string     { return c.form.Get(name) }
func (c *call) RotateKeys(forget bool) error { return c.server.Rotate(forget) }

func (c *call) RequestNonce() faults.Answer {
	if c.place == "token" {
		return c.proofError("use_dpop_nonce", "a fault")
	}
	return c.proofChallenge("use_dpop_nonce")
}

// endpoint answers a call.
type endpoint func(*call) faults.Answer

// handle makes an HTTP handler of an endpoint. It reads the body, logs the arrival,
// applies the faults and sends the answer.
func (s *Server) handle(place, kind string, h endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.Issuer() == "" {
			http.Error(w, "devserver: no issuer set; call SetIssuer first", http.StatusInternalServerError)
			return
		}
		c := &call{server: s, r: r, place: place, now: s.opt.Now()}
		// net/http notices a client that hangs up only after the body was read. So the
		// body is read even if a fault answers in place of the endpoint.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			c.formErr = errors.New("the body could not be read or is over 64 KiB")
		}
		c.body = body
		c.parseForm()
		s.logArrival(c, kind)
		defer s.finishPoll(c) // also if sending panics to drop the connection
		a := s.respond(c, h)
		s.arrivals.finish(c, a)
		faults.Send(w, r, a, s.stop)
	}
}

// respond applies the faults due before the endpoint, runs it, and applies the faults
// due after it.
func (s *Server) respond(c *call, h endpoint) faults.Answer {
	if f := s.faultList.Take(c.place, faults.BeforeAnswer, ""); f != nil {
		c.annotate(func(e *Arrival) { e.Fault = f.Kind })
		var a faults.Answer
		f.Change(c, &a)
		if !a.Proceed {
			return a
		}
		faults.Wait(c.r, a.Delay, s.stop)
		c.now = s.opt.Now()
	}
	a := h(c)
	outcome := a.Code
	if a.Status < 300 {
		outcome = "success"
	}
	if f := s.faultList.Take(c.place, faults.AfterAnswer, outcome); f != nil {
		c.annotate(func(e *Arrival) { e.Fault = f.Kind })
		f.Change(c, &a)
	}
	return a
}

// parseForm reads the parameters of a form body. A parameter without a value counts
// as missing; a repeated one is an error (RFC 6749 section 3.1).
func (c *call) parseForm() {
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
		case len(v) > 1 && name != "resource": // may repeat (RFC 8707 section 2)
			c.formErr = errors.New("a parameter is given twice")
		case !utf8.ValidString(name) || !utf8.ValidString(v[0]):
			c.formErr = errors.New("a parameter is not UTF-8")
		case v[0] != "":
			c.form[name] = v
		}
	}
}

// jsonOK answers 200 with a JSON object.
func jsonOK(v any) faults.Answer { return faults.JSON(http.StatusOK, v) }
