package store

import (
	"encoding/binary"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// maxNames is how many visits are known by name without looking: those under
// way, and the last that this process put on record, so that a name that is
// drawn again is noticed. Names are drawn from far too many for that to happen.
const maxNumbers = 256

// names knows the numbers of visits by their name.
type visitNumbers struct {
	mu    sync.Mutex // Append's transactions take turns, but Open and readers are not among them
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

// trim forgets the oldest beyond maxNames, but for those that stay says are under way.
func (n *visitNumbers) trim(stay func(number uint64) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.order) <= 2*maxNumbers {
		return // not each time
	}
	old := n.order[:len(n.order)-maxNumbers]
	kept := make([]string, 0, maxNumbers)
	for _, visit := range old {
		if stay(n.known[visit]) {
			kept = append(kept, visit)
		} else {
			delete(n.known, visit)
		}
	}
	n.order = append(kept, n.order[len(old):]...)
}

// isFull says whether trim has something to do.
func (n *visitNumbers) isFull() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.order) > 2*maxNumbers
}

// checkNewest reads the visits under way and the newest ones, and checks how the
// newest are linked: what a start needs, however many visits there are.
func (s *Store) checkNewest() error {
	return s.view("open", func(tx *bolt.Tx) error {
		begun := map[string]uint64{}
		c := tx.Bucket(openBucket).Cursor()
		for key, sealed := c.First(); key != nil; key, sealed = c.Next() {
			if len(key) != 8 {
				return damaged("an open visit without number")
			}
			v, err := visitAt(tx, key)
			if err != nil {
				return err
			}
			secrets, err := s.unseal(key, sealed)
			if err != nil {
				return err
			}
			zeroSecrets(secrets)
			begun[v.Visit] = binary.BigEndian.Uint64(key)
		}
		s.numbers.add(begun)
		return s.checkHead(tx)
	})
}
