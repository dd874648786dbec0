package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

var (
	// ErrNoSuchPerson reports that no person of that username has a phone.
	ErrNoSuchPerson = faults.ErrNoSuchPerson
	// ErrNothingPending reports that no request waits for the person's answer.
	ErrNothingPending = errors.New("nothing is pending for that person")
	// ErrForged reports a form that is not from the phone page.
	ErrForged = errors.New("the form token is wrong")
)

// Approve approves the newest pending request of a person, given by username. With as
// set, that other person approves and receives the tokens.
func (s *Server) Approve(user, as string) error { return s.answerNewest(user, as, approved) }

// Deny declines the newest pending request of a person.
func (s *Server) Deny(user string) error { return s.answerNewest(user, "", denied) }

// SetAuto answers requests automatically, after a delay counted from their arrival.
// mode is approve, deny, or none for no automatic answer. Requests that are already
// pending are included. With as set, that person approves.
func (s *Server) SetAuto(mode string, delay time.Duration, as string) error {
	states := map[string]requestStatus{"approve": approved, "deny": denied, "none": pending}
	state, found := states[mode]
	if !found {
		return fmt.Errorf("auto mode %q: must be approve, deny or none", mode)
	}
	if delay < 0 {
		return errors.New("auto delay: must not be negative")
	}
	if as != "" && PersonWithPhone(as) == nil {
		return ErrNoSuchPerson
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.auto = autoAnswer{state, delay, as}
	s.signalChange()
	for _, q := range s.state.Requests {
		if q.Status == pending {
			s.scheduleAutoAnswer(q)
		}
	}
	return nil
}

// PersonWithPhone returns the person of that username, nil if there is none or the
// person has no phone.
func PersonWithPhone(username string) *Person {
	if p := personByUsername(username); p != nil && !p.Phoneless {
		return p
	}
	return nil
}

func (s *Server) answerNewest(user, as string, to requestStatus) error {
	if PersonWithPhone(user) == nil || (as != "" && PersonWithPhone(as) == nil) {
		return ErrNoSuchPerson
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	s.applyAutoAnswers(now)
	for _, q := range slices.Backward(s.state.Requests) {
		if q.Person == user && q.isOpen(now) {
			return s.answer(q, as, to, now)
		}
	}
	return ErrNothingPending
}

// answer records an answer to an open request. The lock must be held.
func (s *Server) answer(q *request, as string, to requestStatus, now time.Time) error {
	if as == "" {
		as = q.Person
	}
	q.Status, q.AnsweredBy, q.Answered = to, as, now
	if q.Person == "" { // a device request belongs to the person who answers it
		q.Person = as
	}
	s.arrivals.add(&Arrival{Time: now, Kind: "answer", Client: q.Client, User: as, Request: q.Number, Code: q.BindingMessage, Outcome: string(to)})
	s.signalChange()
	s.sendPings(q)
	return s.save()
}

// applyAutoAnswers gives the automatic answers that are due. It needs no timer, since
// every reader of the requests calls it first; this also works with virtual time and
// after a restart. The lock must be held.
func (s *Server) applyAutoAnswers(now time.Time) {
	if s.auto.status == pending {
		return
	}
	// The loop needs a copy: saving an answer removes old requests from the list.
	for _, q := range slices.Clone(s.state.Requests) {
		due := q.Created.Add(s.auto.delay)
		if !q.isDevice() && q.isOpen(now) && !due.After(now) {
			s.answer(q, s.auto.as, s.auto.status, now) // a failed write shows at the next save
		}
	}
}

// PendingRequest is an open request as the phone shows it.
type PendingRequest struct {
	Number     int
	ClientName string
	Site       string // where the kiosk stands; empty if not sent
	Scope      []string
	Details    []json.RawMessage // authorization_details
	Message    string            // the binding message, or the user code of a device request
	Person     string            // username; empty for a device request
	Left, Life time.Duration     // until it expires, and in total
	FormToken  string            // proves that a form came from the phone page
}

// Pending lists the open requests of a person, oldest first.
func (s *Server) Pending(username string) []PendingRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	s.applyAutoAnswers(now)
	var list []PendingRequest
	for _, q := range s.state.Requests {
		if q.Person == username && q.isOpen(now) {
			list = append(list, s.pendingRequest(q, now))
		}
	}
	return list
}

// PendingDevice returns the open device request with a user code.
func (s *Server) PendingDevice(userCode string) (PendingRequest, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	q := s.findByUserCode(userCode, now)
	if q == nil {
		return PendingRequest{}, false
	}
	return s.pendingRequest(q, now), true
}

func (s *Server) pendingRequest(q *request, now time.Time) PendingRequest {
	p := PendingRequest{
		Number: q.Number, ClientName: q.Client, Site: q.Site, Scope: q.Scope, Details: q.Details, Message: q.BindingMessage,
		Person: q.Person, Left: max(0, q.Expires.Sub(now)), Life: q.Expires.Sub(q.Created), FormToken: s.formToken(q),
	}
	if cl := s.state.findClient(q.Client); cl != nil {
		p.ClientName = cl.Name
	}
	if q.isDevice() {
		p.Message = q.UserCode
	}
	return p
}

// AnswerForm answers a request from a form of the phone page. It returns [ErrForged] if
// the token is wrong and [ErrNothingPending] if the request is no longer open. With as
// set, that person answers.
func (s *Server) AnswerForm(username string, number int, as, token string, approve bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	s.applyAutoAnswers(now)
	for _, q := range s.state.Requests {
		if q.Number == number && q.Person == username && !q.isDevice() {
			return s.answerForm(q, as, token, approve, now)
		}
	}
	return ErrNothingPending
}

// AnswerDeviceForm is AnswerForm for the device request with a user code.
func (s *Server) AnswerDeviceForm(userCode, as, token string, approve bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	q := s.findByUserCode(userCode, now)
	if q == nil {
		return ErrNothingPending
	}
	return s.answerForm(q, as, token, approve, now)
}

func (s *Server) answerForm(q *request, as, token string, approve bool, now time.Time) error {
	if !hmac.Equal([]byte(token), []byte(s.formToken(q))) {
		return ErrForged
	}
	if !q.isOpen(now) {
		return ErrNothingPending
	}
	to := denied
	if approve {
		to = approved
	}
	return s.answer(q, as, to, now)
}

// formToken returns the token that ties a form to its request.
func (s *Server) formToken(q *request) string {
	mac := hmac.New(sha256.New, s.state.FormKey)
	fmt.Fprintf(mac, "%d %s", q.Number, q.ID)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
