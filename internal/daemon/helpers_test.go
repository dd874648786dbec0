package daemon

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/journal"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// newDaemon returns a daemon that has not been run, with a record that does nothing. change may change its options.
func newDaemon(t *testing.T, change func(*Options)) *Daemon {
	t.Helper()
	clock := host.NewClock()
	now := oidc.NewClock(oidc.ClockOptions{Issuer: "https://id.example", Wall: clock.Wall, Uptime: clock.Now, Synchronised: clock.IsKept})
	o := Options{
		Settings: &config.Settings{StateDir: t.TempDir()}, Log: slog.New(slog.DiscardHandler), Clock: clock, Now: now.Now,
		Record: idleRecord{}, Contact: new(Contact), Probe: func(context.Context) error { return nil }, IsAbused: func() bool { return false },
		Doctor: func(context.Context, func(context.Context) (status.Status, error)) []kiosk.Field { return nil },
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

type idleRecord struct{}

func (idleRecord) Condition() journal.Condition { return journal.Condition{Healthy: true} }
func (idleRecord) WaitForDisk()                 {}
func (idleRecord) Prune(time.Time) (int, error) { return 0, nil }
func (idleRecord) Compact() (int64, error)      { return 0, nil }
func (idleRecord) Retry()                       {}

func (idleRecord) WriteSnapshot(func(io.WriterTo, int64) error) error { return nil }
