package devserver

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Fault is one thing to do wrong, in the list of POST /dev/faults.
type Fault struct {
	// At is the endpoint: bc, token, api, jwks, discovery, userinfo, revoke,
	// device or register.
	At string `json:"at"`
	// Kind is what to do, from the table [Kinds].
	Kind string `json:"kind"`
	// Times is how often; 0 means for ever.
	Times int `json:"times,omitempty"`
	// After is how many hits go right first. A fault that changes tokens counts
	// only answers with tokens as hits.
	After int `json:"after,omitempty"`
	// On limits a fault to answers that would have been so: "success", or an OAuth
	// error code such as authorization_pending. The genuine answer is then made
	// first, so that what it did stays done: "drop" on "success" at the token
	// endpoint is an approval lost on the way.
	On string `json:"on,omitempty"`
	// Value is the kind's own parameter: a number, a string or an object.
	Value json.RawMessage `json:"value,omitempty"`
	// Status, Body, Headers and Description go with the kinds that make an answer.
	Status      int               `json:"status,omitempty"`
	Body        string            `json:"body,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Description string            `json:"description,omitempty"`
}

// step is when in the life of an answer a fault acts.
type step int

const (
	instead  step = iota // before the endpoint, mostly in its place
	holding              // before a pending poll is judged
	throttle             // when it is
	mint                 // while tokens are made
	rewrite              // on the finished answer
)

// faultKind is an entry of the table of what can go wrong.
type faultKind struct {
	name   string
	places string // names of endpoints, or "" for every one
	step   step
	about  string // one line for people: what it does and what value means
	on     string // limits it like Fault.On; "" for no limit

	check  func(*Fault) error           // of the value; nil if there is none to check
	change func(*call, *Fault, *answer) // for instead and rewrite
	early  func(*minting, *Fault)       // for mint: before the claims are filled in
	late   func(*minting, *Fault)       // for mint: before signing
}

// places are the endpoints that can be told to misbehave.
var places = []string{"bc", "token", "api", "jwks", "discovery", "userinfo", "revoke", "device", "register"}

// lookup finds a kind by name and place; what is particular to a place goes first.
func lookup(name, place string) *faultKind {
	var general *faultKind
	for i := range faultKinds {
		k := &faultKinds[i]
		switch {
		case k.name != name:
		case slices.Contains(strings.Fields(k.places), place):
			return k
		case k.places == "":
			general = k
		}
	}
	return general
}

// Kinds lists the faults there are, one line each: name, endpoints, what it does.
func Kinds() []string {
	list := make([]string, len(faultKinds))
	for i, k := range faultKinds {
		where := k.places
		if where == "" {
			where = "everywhere"
		}
		list[i] = fmt.Sprintf("%s (%s): %s", k.name, where, k.about)
	}
	return list
}

// check says in a sentence what is wrong with a fault.
func (f *Fault) check() error {
	if !slices.Contains(places, f.At) {
		return fmt.Errorf("fault: no place %q; there are %s", plainText(f.At, 40), strings.Join(places, ", "))
	}
	k := lookup(f.Kind, f.At)
	if k == nil {
		return fmt.Errorf("fault: no kind %q at %s; GET /dev/kinds lists them", plainText(f.Kind, 40), f.At)
	}
	if f.Times < 0 || f.After < 0 {
		return fmt.Errorf("fault %s: times and after must not be negative", f.Kind)
	}
	if f.On != "" && k.step != instead && k.step != rewrite {
		return fmt.Errorf("fault %s: on does not go with this kind", f.Kind)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return fmt.Errorf("fault %s: status %d is not between 200 and 599", f.Kind, f.Status)
	}
	if k.check != nil {
		if err := k.check(f); err != nil {
			return fmt.Errorf("fault %s: %w", f.Kind, err)
		}
	}
	return nil
}

// faultList is what is still to go wrong.
type faultList struct {
	mu   sync.Mutex // guards list
	list []Fault
}

// SetFaults replaces the list of faults. The error names the first that makes no
// sense; the list then stays as it was.
func (s *Server) SetFaults(list []Fault) error {
	for i := range list {
		if err := list[i].check(); err != nil {
			return err
		}
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = slices.Clone(list)
	return nil
}

// Faults lists what is still to go wrong, counts brought down.
func (s *Server) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return append([]Fault{}, s.faults.list...)
}

// take finds the first fault due at a place and step and counts it down; nil if
// all goes well. At every hit, each fault that is still to be skipped comes one
// nearer, also behind one that is served.
func (l *faultList) take(place string, at step, outcome string) (*Fault, *faultKind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due *Fault
	var how *faultKind
	spent := -1
	for i := range l.list {
		f := &l.list[i]
		k := lookup(f.Kind, f.At)
		on := f.On
		if on == "" {
			on = k.on
		}
		when := k.step
		if when == instead && on != "" {
			when = rewrite // it takes the genuine answer to know
		}
		if f.At != place || when != at || (on != "" && on != outcome && at == rewrite) {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		if due != nil {
			continue
		}
		copied := *f
		due, how = &copied, k
		if f.Times == 1 {
			spent = i
		} else if f.Times > 1 {
			f.Times--
		}
	}
	if spent >= 0 {
		l.list = slices.Delete(l.list, spent, spent+1)
	}
	return due, how
}
