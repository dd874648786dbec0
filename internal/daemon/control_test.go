package daemon

import (
	"context"
	"io"
	"os"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
)

// snapshotRecord counts the snapshots that are taken of it.
type snapshotRecord struct {
	idleRecord
	taken *int
}

func (r snapshotRecord) WriteSnapshot(func(io.WriterTo, int64) error) error { *r.taken++; return nil }

func TestSnapshotIsForRootAndTheKiosksUserOnly(t *testing.T) {
	taken := 0
	d := newDaemon(t, func(o *Options) { o.Record = snapshotRecord{taken: &taken} })
	for _, client := range []struct {
		uid     int
		allowed bool
	}{{0, true}, {os.Geteuid(), true}, {os.Geteuid() + 4711, false}, {-1, false}} {
		taken = 0
		_, err := d.handleSnapshot(context.Background(), &control.Client{UID: client.uid}, control.Request{})
		if allowed := err == nil && taken == 1; allowed != client.allowed {
			t.Errorf("user %d: error %v, %d snapshots taken; want allowed %v", client.uid, err, taken, client.allowed)
		}
	}
}
