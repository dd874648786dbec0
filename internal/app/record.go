package app

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/daemon"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/internal/support"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func storeOptions(s *config.Settings, process string, readOnly bool) store.Options {
	o := store.Options{Dir: s.StateDir, Who: process, ReadOnly: readOnly}
	if s.StoreKey.Origin != "derived" { // a derived key is where the store looks by itself
		o.KeyFile = s.StoreKey.Path
	}
	return o
}

// OpenStore opens the store of the record for commands that examine it, and quarantines nothing. With readOnly it makes and
// changes nothing; store.ErrAbsent means that there is no store yet.
func OpenStore(s *config.Settings, process string, readOnly bool) (*store.Store, error) {
	if s.StoreKey.Sealed {
		return nil, kiosk.Fail(kiosk.Misconfigured, "store key", fmt.Errorf("%s is encrypted for the service only: %w", s.StoreKey.Path, fs.ErrPermission))
	}
	st, err := store.Open(storeOptions(s, process, readOnly))
	if err != nil {
		return nil, kiosk.Fail(kiosk.Internal, "", err) // err names the store
	}
	return st, nil
}

// PruneStore removes visits older than age and returns their number. It is an error if the clock is not trusted.
func PruneStore(st *store.Store, age time.Duration) (int, error) {
	return daemon.Prune(st, host.NewClock(), age)
}

// Support writes a support bundle (tar, gzip). version is any facts about the program.
func Support(ctx context.Context, w io.Writer, version any, o doctor.Options) error {
	return support.Write(ctx, w, support.Options{
		Options: o, Version: version, Now: host.NewClock().Wall(),
		Doctor:    func(ctx context.Context) doctor.Report { return Doctor(ctx, o, nil) },
		OpenStore: func() (*store.Store, error) { return OpenStore(o.Settings, "kiosk support", true) },
	})
}
