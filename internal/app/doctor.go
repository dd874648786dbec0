package app

import (
	"context"
	"log/slog"
	"net/url"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
)

// Doctor examines this device and everything it depends on. It rings no phone and changes nothing. It calls tell, if not
// nil, with each line at once.
func Doctor(ctx context.Context, o doctor.Options, tell func(doctor.Line)) doctor.Report {
	return doctor.Run(ctx, newSuite(o).Checks(), tell)
}

// newSuite builds the parts to examine from the settings. Parts stay nil where a setting is wrong; the check "settings"
// fails then, and the checks that use them depend on it.
func newSuite(o doctor.Options) *doctor.Suite {
	s := o.Settings
	a := newApp(s, slog.New(slog.DiscardHandler))
	a.wall = o.Machine.Wall
	err := CheckAll(s, o.LoadErr)
	if built := o.LoadErr; built == nil {
		if built = a.build(); err == nil {
			err = built
		}
	}
	suite := &doctor.Suite{
		Options: o, Certificate: a.certificate,
		Config: config.Checks{Settings: s, Err: err, EnvFile: o.EnvFile},
		Server: oidc.ServerChecks{
			Transport: a.transport, Clock: a.time, BuildTime: a.clock.Floor(), Wall: a.clock.Wall, TimeSync: a.clock.Synchronised,
		},
		CIBA: ciba.Checks{
			Client: a.client, Auth: a.auth, Transport: a.transport, Delivery: s.Delivery, DPoP: s.DPoP, IDTokenAlgs: s.IDTokenAlgs, SignedRequest: s.SignedRequest,
			Scope: s.Scope, ForeignScopes: s.Audience != "" || s.Resource != "", ACRValues: s.ACRValues,
			SubjectClaims: s.SubjectClaims(), LookupURL: s.LookupURL,
		},
		OpenStore: func() (*store.Store, error) { return ReadStore(s, "kiosk doctor", "") },
	}
	if o.Machine.Wall != nil {
		suite.Server.Wall, suite.Server.TimeSync = o.Machine.Wall, nil
	}
	if issuer, err := url.Parse(s.Issuer); err == nil {
		suite.Server.Issuer = issuer
	}
	if s.TechnicianClaim != "" {
		suite.CIBA.TechnicianScope = s.TechnicianScope
	}
	return suite
}
