// Package vault holds the secrets of the present visit in memory: identifier,
// auth_req_id, tokens, by request number. Values are copied in and out and
// overwritten before they are forgotten, so that a core dump or the next
// customer finds nothing. It leaves deciding what is kept, and for how long, to
// the visit; keeping it over a power cut is the store's business.
//
// # What is zeroed, and what cannot be
//
// Zeroed at once are the vault's own bytes and the copies it gives out. Not within
// reach are strings: request bodies and headers, JSON on its way into a struct, TLS
// and terminal buffers, the identifier as it is drawn while it is typed. They are
// garbage when the visit ends. Package app collects it when the visit's connections are
// closed; GODEBUG=clobberfree=1, in the unit files, has the
// collector overwrite what it frees. A test reads the memory of a kiosk and finds
// nothing of the visit some seconds later but the last keys in the terminal
// library's input buffer.
//
// The memory is not locked: mlockall needs a privilege or a limit that the Go heap's
// reservations exceed at once, and would fail at some allocation in mid-visit. The
// unit keeps its pages out of swap instead (MemorySwapMax=0). No core dump is
// written and no process of the same user may look in (host.NoCoreDumps).
package vault

import (
	"sync"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	itemSlots     = 16       // items a request can have; kiosk names seven
	maxRequests   = 64       // requests held at once; a visit needs three, one for each time it asks
	maxShortValue = 16 << 10 // an identifier, auth_req_id or expectation; most stay under 1 KiB, an auth_req_id that is a JWT does not
	maxToken      = 64 << 10 // a token; real ones stay under 8 KiB, with many claims 20
)

// Vault implements kiosk.Vault. The zero value is not ready: use New.
type Vault struct {
	// The runner's goroutine writes, those that carry out effects read.
	mu       sync.Mutex
	requests map[kiosk.Number]*[itemSlots]kiosk.Secret
}

var _ kiosk.Vault = (*Vault)(nil)

// New makes an empty vault.
func New() *Vault { return &Vault{requests: map[kiosk.Number]*[itemSlots]kiosk.Secret{}} }

// String tells nothing, so that a vault inside a printed struct leaks nothing.
func (v *Vault) String() string { return "[vault]" }

// GoString is for %#v what String is for the other verbs.
func (v *Vault) GoString() string { return "[vault]" }

// Put copies value in and overwrites what was there. An empty value only
// overwrites. So does one that is too large (16 KiB for an identifier, request id
// or expectation, 64 KiB for a token), one beyond the items there can be, and one
// for a 65th request: whoever took it from outside has checked its size before,
// and an item that is missing stops the visit where half of one would not.
func (v *Vault) Put(n kiosk.Number, i kiosk.Item, value []byte) {
	if i >= itemSlots {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	set := v.requests[n]
	if set == nil {
		if len(value) == 0 || len(v.requests) >= maxRequests {
			return
		}
		set = new([itemSlots]kiosk.Secret)
		v.requests[n] = set
	}
	set[i].Zero()
	set[i] = nil
	if len(value) == 0 || len(value) > maxSize(i) {
		return
	}
	// Exactly as long as needed: append would leave spare bytes behind.
	set[i] = make(kiosk.Secret, len(value))
	copy(set[i], value)
}

// Get gives a copy that the caller must Zero; nil if there is none.
func (v *Vault) Get(n kiosk.Number, i kiosk.Item) kiosk.Secret {
	v.mu.Lock()
	defer v.mu.Unlock()
	set := v.requests[n]
	if set == nil || i >= itemSlots || set[i] == nil {
		return nil
	}
	out := make(kiosk.Secret, len(set[i]))
	copy(out, set[i])
	return out
}

// Wipe overwrites and forgets what is held under n.
func (v *Vault) Wipe(n kiosk.Number) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wipe(n)
}

func (v *Vault) wipe(n kiosk.Number) {
	set := v.requests[n]
	if set == nil {
		return
	}
	for i := range set {
		set[i].Zero()
		set[i] = nil
	}
	delete(v.requests, n)
}

func maxSize(i kiosk.Item) int {
	switch i {
	case kiosk.AccessToken, kiosk.IDToken, kiosk.RefreshToken:
		return maxToken
	}
	return maxShortValue
}
