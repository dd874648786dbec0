package daemon

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/wait"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// prunePeriod is how often old visits are removed. Retention is counted in days, and each pass reads the whole record.
	prunePeriod = 24 * time.Hour
	// retryPeriod is how often records that the disk refused are written again.
	retryPeriod = 30 * time.Second
)

// maintainRecord removes old visits at the start and once a day. Meanwhile it writes records that the disk refused; usually
// there are none.
func (d *Daemon) maintainRecord(ctx context.Context) {
	for {
		PruneRecord(d.Record, d.Clock, d.Settings.Retention, d.Log)
		for range prunePeriod / retryPeriod {
			if !wait.For(ctx, retryPeriod) {
				return
			}
			d.Record.Retry()
		}
	}
}

// PruneRecord removes visits older than retention and compacts the record. While the clock is not trusted, it does nothing.
func PruneRecord(record Record, clock *host.Clock, retention time.Duration, log *slog.Logger) {
	if !clock.Trusted() {
		return
	}
	removed, err := Prune(record, clock, retention)
	if err != nil {
		log.Warn("journal", "error", err)
	}
	if removed > 0 {
		log.Info("journal", "pruned", removed)
	}
	if saved, err := record.Compact(); err != nil {
		log.Warn("journal", "error", err)
	} else if saved > 0 {
		log.Info("journal", "compacted", saved)
	}
}

// Prune removes visits that are older than age and returns their number. While the clock is not trusted, that is an error:
// the age of a visit is not known then.
func Prune(record interface {
	Prune(olderThan time.Time) (int, error)
}, clock *host.Clock, age time.Duration) (int, error) {
	if !clock.Trusted() {
		return 0, kiosk.Fail(kiosk.BadClock, "journal", errors.New("the clock of this device is wrong, so that the age of visits is not known"))
	}
	return record.Prune(clock.Wall().Add(-age))
}
