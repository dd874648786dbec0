// Package health is what is well and what is not: items with what they depend on, so
// that one root cause is told once, and with a delay, so that nothing flickers. It
// looks when it is asked and at no other time: an idle kiosk stays idle. What an item
// means for customers is the visit's business; who asks, and over what, the app's.
package health

import (
	"sync"
	"time"
)

// Check is one item.
type Check struct {
	Name string
	// Needs are items without which this one cannot be well. While one of them is not,
	// it is the cause, and this item is told as being behind it.
	Needs []string
	// Delay is how long a change must last before it is told; the first look counts at once.
	Delay time.Duration
	// Look says what is wrong, in words for a technician; nil if nothing is.
	Look func() error
}

// Item is how it stands with one check.
type Item struct {
	Name   string `json:"name"`
	Well   bool   `json:"well"`
	Cause  string `json:"cause,omitempty"`  // if not well
	Behind string `json:"behind,omitempty"` // the item that is the root of it; empty: this one is
	For    int    `json:"for"`              // whole seconds since that was first told
}

// Board remembers from look to look. It is safe for concurrent use.
type Board struct {
	checks []Check

	mu    sync.Mutex
	known map[string]*memory
}

type memory struct {
	told    bool // well, as it is told
	since   time.Duration
	other   bool // the last look found it otherwise
	changed time.Duration
	cause   string
}

// New makes a board of checks, each of which comes behind those that it needs.
func New(checks ...Check) *Board { return &Board{checks: checks, known: map[string]*memory{}} }

// Look looks at everything now, by uptime, and gives all items in the order of the checks.
func (b *Board) Look(now time.Duration) []Item {
	b.mu.Lock()
	defer b.mu.Unlock()
	roots := map[string]string{} // of items that are not well
	items := make([]Item, 0, len(b.checks))
	for _, c := range b.checks {
		m := b.see(c, now)
		i := Item{Name: c.Name, Well: m.told, For: int((now - m.since) / time.Second)}
		if !m.told {
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

func (b *Board) see(c Check, now time.Duration) *memory {
	err := c.Look()
	m := b.known[c.Name]
	if m == nil {
		m = &memory{told: err == nil, since: now}
		b.known[c.Name] = m
	}
	if err != nil {
		m.cause = err.Error()
	}
	if (err == nil) == m.told {
		m.other = false
		return m
	}
	if !m.other {
		m.other, m.changed = true, now
	}
	if now-m.changed >= c.Delay {
		m.told, m.since, m.other = !m.told, now, false
	}
	return m
}
