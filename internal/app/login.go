package app

import (
	"context"
	"io"

	"github.com/ciba-kiosk/ciba-kiosk/internal/daemon"
	"github.com/ciba-kiosk/ciba-kiosk/internal/headless"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Login runs one visit without a screen and writes its lines to out, as JSON or as sentences. It returns why the visit
// ended; NoReason if the result was delivered. When ctx ends, the visit is cancelled. userCode asks for a user code whenever
// the server requires one; an empty one ends the visit. The error is about out only.
func (a *App) Login(ctx context.Context, identifier kiosk.Secret, asJSON bool, out io.Writer, userCode func(context.Context) kiosk.Secret) (kiosk.Reason, error) {
	if !a.clock.Trusted() {
		return kiosk.BadClock, headless.Refuse(kiosk.BadClock, "", a.texts(), asJSON, out)
	}
	return headless.Login(ctx, headless.LoginOptions{
		Texts: a.texts(), Runner: a.runner(), JSON: asJSON, Out: out, UserCode: userCode,
		AfterVisit: func() { daemon.PruneRecord(a.record, a.clock, a.settings.Retention, a.log) },
	}, identifier)
}

// CheckIdentifier returns a sentence about what is wrong with an identifier; empty if nothing is.
func (a *App) CheckIdentifier(identifier string) string { return a.texts().CheckIdentifier(identifier) }

// UserCodePrompt returns the prompt for a user code.
func (a *App) UserCodePrompt() string { return a.texts().UserCodePrompt() }
