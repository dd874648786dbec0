package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is one entry of the list that POST /dev/faults sets.
type Fault struct {
	// At is the endpoint, one of [Places].
	At string `json:"at"`
	// Kind is what goes wrong, a name listed by [Kinds].
	Kind string `json:"kind"`
	// Times is how often the fault happens; 0 means always.
	Times int `json:"times,omitempty"`
	// After is how many hits pass unharmed first. A fault that changes tokens
	// counts only answers with tokens as hits.
	After int `json:"after,omitempty"`
	// On limits the fault to answers with this outcome: "success", or an OAuth
	// error code such as authorization_pending. The endpoint then runs first and
	// its effect remains: "drop" on "success" at the token endpoint is an
	// approval lost on the network.
	On string `json:"on,omitempty"`
	// Value is the kind's own parameter: a number, a string or an object.
	Value json.RawMessage `json:"value,omitempty"`
	// Status, Body, Headers and Description are for kinds that make an answer.
	Status      int               `json:"status,omitempty"`
	Body        string            `json:"body,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Description string            `json:"description,omitempty"`
}

// Places are the endpoints that can have faults.
var Places = []string{"bc", "token", "api", "jwks", "discovery", "userinfo", "revoke", "device", "register"}

// ErrNoSuchPerson reports a username that does not exist.
var ErrNoSuchPerson = errors.New("no such person; there are alice, bob and carol")

// Stage is the point in the life of an answer at which a fault acts.
type Stage int

const (
	BeforeAnswer Stage = iota // before the endpoint runs, mostly in its place
	HoldPoll                  // before a pending poll is answered
	SlowDown                  // while a pending poll is answered
	IssueTokens               // while tokens are made
	AfterAnswer               // on the finished answer
)

// Call is what a fault may use of the request it disturbs.
type Call interface {
	// Place is the endpoint's name in the fault list.
	Place() string
	Now() time.Time
	// Param returns a form parameter, empty if missing.
	Param(name string) string
	// RotateKeys replaces the signing keys; forget unpublishes the old ones.
	RotateKeys(forget bool) error
	// RequestNonce makes the answer that demands a new DPoP nonce.
	RequestNonce() Answer
}

// kind is an entry of the table of fault kinds.
type kind struct {
	name    string
	places  string // names of endpoints, or "" for all
	stage   Stage
	summary string // one line: the effect and the meaning of value
	on      string // limits it like Fault.On; "" for no limit

	person        bool                        // value names a person
	check         func(*Fault) error          // validates the fault's members; nil if there is nothing to check
	change        func(Call, *Fault, *Answer) // for BeforeAnswer and AfterAnswer
	beforeClaims  func(*Token, *Fault)        // for IssueTokens: before the claims are filled in
	beforeSigning func(*Token, *Fault)        // for IssueTokens: before the token is signed
}

// findKind returns the kind with a name at a place, nil if there is none. A kind
// made for the place precedes one for all places.
func findKind(name, place string) *kind {
	var general *kind
	for i := range kinds {
		k := &kinds[i]
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

// Kinds describes each fault kind in one line: name, endpoints, effect.
func Kinds() []string {
	list := make([]string, len(kinds))
	for i, k := range kinds {
		where := k.places
		if where == "" {
			where = "everywhere"
		}
		list[i] = fmt.Sprintf("%s (%s): %s", k.name, where, k.summary)
	}
	return list
}

// validate reports the first member that makes no sense.
func (l *List) validate(f *Fault) error {
	if !slices.Contains(Places, f.At) {
		return fmt.Errorf("fault: no place %.40q; there are %s", f.At, strings.Join(Places, ", "))
	}
	k := findKind(f.Kind, f.At)
	if k == nil {
		return fmt.Errorf("fault: no kind %.40q at %s; GET /dev/kinds lists them", f.Kind, f.At)
	}
	if f.Times < 0 || f.After < 0 {
		return fmt.Errorf("fault %s: times and after must not be negative", f.Kind)
	}
	if f.On != "" && k.stage != BeforeAnswer && k.stage != AfterAnswer {
		return fmt.Errorf("fault %s: this kind does not support on", f.Kind)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return fmt.Errorf("fault %s: status %d is not between 200 and 599", f.Kind, f.Status)
	}
	if username := f.text(""); k.person && username != "" && l.HasPerson != nil && !l.HasPerson(username) {
		return fmt.Errorf("fault %s: %w", f.Kind, ErrNoSuchPerson)
	}
	if k.check != nil {
		if err := k.check(f); err != nil {
			return fmt.Errorf("fault %s: %w", f.Kind, err)
		}
	}
	return nil
}

// List holds the faults that are still to happen. The zero value is empty; its
// methods may be called from any goroutine.
type List struct {
	// HasPerson reports whether a username exists. If nil, Set accepts all.
	HasPerson func(username string) bool

	mu   sync.Mutex // guards list
	list []Fault
}

// Set replaces the list. If a fault is invalid, it returns an error that names
// the first one and leaves the list as it was.
func (l *List) Set(list []Fault) error {
	for i := range list {
		if err := l.validate(&list[i]); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.Clone(list)
	return nil
}

// All returns the faults that are still to happen, with their remaining counts.
func (l *List) All() []Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Fault{}, l.list...)
}

// Due is a fault that happens now.
type Due struct {
	Fault
	kind *kind
}

// Change applies a fault of the stages BeforeAnswer and AfterAnswer to an answer.
func (d *Due) Change(c Call, a *Answer) { d.kind.change(c, &d.Fault, a) }

// BeforeClaims applies what a token fault does before the claims are filled in.
// A nil fault does nothing.
func (d *Due) BeforeClaims(t *Token) {
	if d != nil && d.kind.beforeClaims != nil {
		d.kind.beforeClaims(t, &d.Fault)
	}
}

// BeforeSigning applies what a token fault does before the token is signed. A nil
// fault does nothing.
func (d *Due) BeforeSigning(t *Token) {
	if d != nil && d.kind.beforeSigning != nil {
		d.kind.beforeSigning(t, &d.Fault)
	}
}

// Take returns the first fault due at a place and stage and counts it down; nil
// if there is none. Each hit also brings every fault that still waits (After) one
// hit nearer, including those behind the returned one.
func (l *List) Take(place string, at Stage, outcome string) *Due {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due *Due
	spent := -1
	for i := range l.list {
		f := &l.list[i]
		k := findKind(f.Kind, f.At)
		on := f.On
		if on == "" {
			on = k.on
		}
		stage := k.stage
		if stage == BeforeAnswer && on != "" {
			stage = AfterAnswer // the outcome is known only then
		}
		if f.At != place || stage != at || (on != "" && on != outcome && at == AfterAnswer) {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		if due != nil {
			continue
		}
		due = &Due{*f, k}
		if f.Times == 1 {
			spent = i
		} else if f.Times > 1 {
			f.Times--
		}
	}
	if spent >= 0 {
		l.list = slices.Delete(l.list, spent, spent+1)
	}
	return due
}

// Number returns the value as a number, or fallback if none is given.
func (f *Fault) Number(fallback float64) float64 {
	n := fallback
	if len(f.Value) > 0 {
		json.Unmarshal(f.Value, &n) // validated when the fault was set
	}
	return n
}

// seconds returns the value, in seconds, as a duration.
func (f *Fault) seconds(fallback float64) time.Duration {
	return time.Duration(f.Number(fallback) * float64(time.Second))
}

// text returns the value as text, or fallback if none is given. A number becomes
// its digits.
func (f *Fault) text(fallback string) string {
	var s string
	switch {
	case len(f.Value) == 0:
		return fallback
	case json.Unmarshal(f.Value, &s) == nil:
		return s
	}
	return strings.TrimSpace(string(f.Value))
}

// The following functions check a fault's value.

func checkInteger(low, high int64) func(*Fault) error {
	return func(f *Fault) error {
		var n int64
		if len(f.Value) > 0 && (json.Unmarshal(f.Value, &n) != nil || n < low || n > high) {
			return fmt.Errorf("value must be a whole number from %d to %d", low, high)
		}
		return nil
	}
}

func checkNumber(low, high float64) func(*Fault) error {
	return func(f *Fault) error {
		var n float64
		if len(f.Value) > 0 && (json.Unmarshal(f.Value, &n) != nil || n < low || n > high) {
			return fmt.Errorf("value must be a number from %g to %g", low, high)
		}
		return nil
	}
}

func checkText(f *Fault) error {
	if f.text("") == "" {
		return errors.New("value must be given as text")
	}
	return nil
}

func checkObject(f *Fault) error {
	var m map[string]any
	if json.Unmarshal(f.Value, &m) != nil || len(m) == 0 {
		return errors.New("value must be a JSON object")
	}
	return nil
}
