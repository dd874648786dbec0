package devserver

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Errors of answering.
var (
	// ErrNobody says that there is no person of that name with a phone.
	ErrNobody = errors.New("no such person; there are alice, bob and carol")
	// ErrNothingPending says that the person is asked nothing at present.
	ErrNothingPending = errors.New("nothing is pending for that person")
)

// Approve answers yes to the newest pending request of a person, given by
// username. With as set, that other person answers: the tokens are theirs.
func (s *Server) Approve(user, as string) error { return s.decideNewest(user, as, approved) }

// Deny answers no to the newest pending request of a person.
func (s *Server) Deny(user string) error { return s.decideNewest(user, "", denied) }

// SetAuto answers every request by itself, after a delay counted from its arrival:
// mode is approve, deny, or none to leave it to the phone. It applies to requests
// that are pending already. With as set, that person approves.
func (s *Server) SetAuto(mode string, delay time.Duration, as string) error {
	states := map[string]requestState{"approve": approved, "deny": denied, "none": pending}
	state, found := states[mode]
	if !found {
		return fmt.Errorf("auto mode %q: must be approve, deny or none", mode)
	}
	if delay < 0 {
		return errors.New("auto delay: must not be negative")
	}
	if as != "" && answerer(as) == nil {
		return ErrNobody
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.auto = auto{state, delay, as}
	s.notify()
	for _, q := range s.book.Requests {
		if q.State == pending {
			s.due(q)
		}
	}
	return nil
}

// answerer is the person who can answer, given by username; nil if there is none.
func answerer(username string) *Person {
	if p := person(username); p != nil && !p.Phoneless {
		return p
	}
	return nil
}

func (s *Server) decideNewest(user, as string, to requestState) error {
	if answerer(user) == nil || (as != "" && answerer(as) == nil) {
		return ErrNobody
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	s.settle(now)
	for _, q := range slices.Backward(s.book.Requests) {
		if q.Person == user && q.open(now) {
			return s.decide(q, as, to, now)
		}
	}
	return ErrNothingPending
}

// decide puts an answer on record. The lock must be held, the request be open.
func (s *Server) decide(q *request, as string, to requestState, now time.Time) error {
	if as == "" {
		as = q.Person
	}
	q.State, q.As, q.Answered = to, as, now
	if q.Person == "" { // a device request belongs to whoever answers it
		q.Person = as
	}
	s.record.add(&Arrival{Time: now, Kind: "answer", Client: q.Client, User: as, Request: q.Number, Code: q.Binding, Outcome: string(to)})
	s.notify()
	s.ping(q)
	return s.save()
}

// settle gives the automatic answers that are due. There is no timer: every look
// at the requests settles them first, which under virtual time and after a
// restart comes to the same. The lock must be held.
func (s *Server) settle(now time.Time) {
	if s.auto.state == pending {
		return
	}
	// Saving an answer drops old requests from the list, in place.
	for _, q := range slices.Clone(s.book.Requests) {
		due := q.Created.Add(s.auto.delay)
		if !q.device() && q.open(now) && !due.After(now) {
			s.decide(q, s.auto.as, s.auto.state, now) // an unwritten state file shows at the next save
		}
	}
}
