// Package health runs the checks of the running kiosk and reports their outcomes. A check names those it depends on, so that
// a root cause is reported once, and a delay, so that nothing flickers. Checks run only on request:
// an idle kiosk stays idle. What is checked is decided by the daemon and beside the code that can fail.
package health

import (
	"sync"
	"time"
)

// Check examines one thing.
type Check struct {
	Name string
	// Needs are earlier checks without which this one cannot pass. While one of them fails, this one is reported as behind it.
	Needs []string
	// Delay is how long a change must last before it is reported. The first outcome is reported at once.
	Delay time.Duration
	// Run returns what is wrong, for a technician; nil if nothing is.
	Run func() error
}

// Item is the reported outcome of a check.
type Item struct {
	Name   string `json:"name"`
	OK     bool   `json:"well"`
	Cause  string `json:"cause,omitempty"`  // of a failure
	Behind string `json:"behind,omitempty"` // the check that is the root cause; empty: this one is
	For    int    `json:"for"`              // whole seconds since the outcome was first reported
}

// Board runs checks and remembers their outcomes. It is safe for concurrent use.
type Board struct {
	checks []Check

	mu       sync.Mutex
	memories map[string]*memory
}

// memory is what is known of one check.
type memory struct {
	ok           bool // as reported
	since        time.Duration
	differs      bool // the last outcome differs from the reported one
	differsSince time.Duration
	cause        string
}

// New returns a board of checks, each after those that it needs.
func New(checks ...Check) *Board { return &Board{checks: checks, memories: map[string]*memory{}} }

// Check runs all checks at the given uptime and returns their outcomes in order.
func (b *Board) Check(now time.Duration) []Item {
	b.mu.Lock()
	defer b.mu.Unlock()
	roots := map[string]string{} // root cause by failed check
	items := make([]Item, 0, len(b.checks))
	for _, c := range b.checks {
		m := b.update(c, now)
		i := Item{Name: c.Name, OK: m.ok, For: int((now - m.since) / time.Second)}
		if !m.ok {
			i.Cause = m.cause
			roots[c.Name] = c.Name
			for _, need := range c.Needs {
				if root := roots[need]; root != "" {
					i.Behind, roots[c.Name] = root, root
					break
				}
			}
		}
		items = append(items, i)
	}
	return items
}

// update runs a check and returns what is known of it then.
func (b *Board) update(c Check, now time.Duration) *memory {
	err := c.Run()
	m := b.memories[c.Name]
	if m == nil {
		m = &memory{ok: err == nil, since: now}
		b.memories[c.Name] = m
	}
	if err != nil {
		m.cause = err.Error()
	}
	if (err == nil) == m.ok {
		m.differs = false
		return m
	}
	if !m.differs {
		m.differs, m.differsSince = true, now
	}
	if now-m.differsSince >= c.Delay {
		m.ok, m.since, m.differs = !m.ok, now, false
	}
	return m
}
