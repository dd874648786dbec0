// Package vault holds the secrets of the current visit in memory: identifier, auth_req_id, tokens, by request number.
// Values are copied in and out and overwritten before they are dropped, so that neither a core dump nor the next
// customer finds them. What is kept, and for how long, is up to the visit; keeping it over a power cut, up to the
// store.
//
// Overwritten at once are the vault's own bytes and the copies that it returns. Strings are out of reach: request
// bodies and headers, JSON on its way into a struct, TLS and terminal buffers, the identifier on the screen while it
// is typed. They are garbage when the visit ends. The memory scrubber collects it once the visit's connections are
// closed, and GODEBUG=clobberfree=1, in the unit files, has the collector overwrite what it frees. A test reads the
// memory of a running kiosk: some seconds after a visit, nothing of it is left but the last keys in the terminal
// library's input buffer.
//
// The memory is not locked. mlockall needs a privilege, or a limit that the Go heap's reservations exceed at once, and
// would fail at some allocation during a visit. The unit keeps its pages out of swap instead (MemorySwapMax=0), no
// core dump is written, and no process of the same user may read the memory (host.NoCoreDumps).
package vault

import (
	"sync"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	itemSlots     = 16       // items that a request can have; kiosk defines seven
	maxRequests   = 64       // requests held at once; a visit needs three, one for each attempt
	maxShortValue = 16 << 10 // bytes; for identifier, auth_req_id and expected subject. Most are under 1 KiB, an auth_req_id that is a JWT is not
	maxToken      = 64 << 10 // bytes; tokens are usually under 8 KiB, with many claims 20
)

// Vault implements kiosk.Vault. The zero value is not ready: use New.
type Vault struct {
	// The runner's goroutine writes, those that carry out effects read.
	mu       sync.Mutex
	requests map[kiosk.Number]*[itemSlots]kiosk.Secret
}

var _ kiosk.Vault = (*Vault)(nil)

// New returns an empty vault.
func New() *Vault { return &Vault{requests: map[kiosk.Number]*[itemSlots]kiosk.Secret{}} }

// String returns a constant, so that a vault inside a printed struct leaks nothing.
func (v *Vault) String() string { return "[vault]" }

// GoString is String for %#v.
func (v *Vault) GoString() string { return "[vault]" }

// Put copies value in and overwrites the old value. An empty value only overwrites. So does a value that is too large
// (16 KiB for an identifier, auth_req_id or expected subject, 64 KiB for a token), an item beyond the known ones, and
// a 65th request: the caller has checked the size of what came from outside, and a missing item stops the visit, while
// half of one would not.
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

// Get returns a copy that the caller must Zero; nil if there is none.
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

// Wipe overwrites and drops everything held for request n.
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
