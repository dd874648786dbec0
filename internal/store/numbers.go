package store

import (
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// maxNumbers is how many visits are known by name without a search: those in progress and the most recent ones, so
// that a name that is drawn twice is noticed. Names are drawn from far too many for that to happen.
const maxNumbers = 256

// visitNumbers maps the names of visits to their numbers.
type visitNumbers struct {
	mu    sync.Mutex // Append's transactions take turns, but Open and readers do not
	known map[string]uint64
	order []string
}

func (n *visitNumbers) get(visit string) (uint64, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	number, ok := n.known[visit]
	return number, ok
}

func (n *visitNumbers) add(begun map[string]uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[string]uint64{}
	}
	for visit, number := range begun {
		n.known[visit] = number
		n.order = append(n.order, visit)
	}
}

// trim drops the oldest beyond maxNumbers, except those that keep reports as in progress.
func (n *visitNumbers) trim(keep func(number uint64) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.order) <= 2*maxNumbers {
		return // not each time
	}
	old := n.order[:len(n.order)-maxNumbers]
	kept := make([]string, 0, maxNumbers)
	for _, visit := range old {
		if keep(n.known[visit]) {
			kept = append(kept, visit)
		} else {
			delete(n.known, visit)
		}
	}
	n.order = append(kept, n.order[len(old):]...)
}

// isFull reports whether trim has something to do.
func (n *visitNumbers) isFull() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.order) > 2*maxNumbers
}

// checkNewest reads the visits in progress and checks the head of the chain: what a start needs, however many
// visits there are.
func (s *Store) checkNewest() error {
	return s.view("open", func(tx *bolt.Tx) error {
		begun := map[string]uint64{}
		err := s.forEachUnfinished(tx, func(n uint64, r kiosk.Record) {
			r.Secrets.Zero()
			begun[r.Visit] = n
		})
		if err != nil {
			return err
		}
		s.numbers.add(begun)
		return s.checkHead(tx)
	})
}
