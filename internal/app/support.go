package app

import (
	"context"
	"io"

	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/internal/support"
)

// Support writes a support bundle (tar, gzip). version is any facts about the program.
func Support(ctx context.Context, w io.Writer, version any, o doctor.Options) error {
	return support.Write(ctx, w, support.Options{
		Options: o, Version: version, Now: host.NewClock().Wall(),
		Doctor:    func(ctx context.Context) doctor.Report { return Doctor(ctx, o, nil) },
		OpenStore: func() (*store.Store, error) { return ReadStore(o.Settings, "kiosk support", "") },
	})
}
