package runner

import (
	"context"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"time"
)

// This file is about what is left after a visit: tokens are given back to the server
// (RFC 7009), as often as it takes, over restarts, until they run out by themselves.

// revoke takes the tokens out of the vault at once and gives them back beside
// the loop. It outlives a stop by revokeLimit; what could not be given back by then is
// on disk, and the next start goes on.
func (r *Runner) revoke(n kiosk.Number) {
	t := r.tokens(n)
	for _, i := range []kiosk.Item{kiosk.AccessToken, kiosk.IDToken, kiosk.RefreshToken} {
		r.Vault.Put(n, i, nil)
	}
	if !t.Revocable() {
		return
	}
	r.call(context.WithoutCancel(r.ctx), revokeLimitTotal, "revoke", nil, func(ctx context.Context) answer {
		if d := r.revokeNow(ctx, t); d != nil {
			r.revokeWithRetries(ctx, *d, d.Lifetime, firstRevokePause)
		}
		return answer{}
	})
}

// Pauses between attempts to give back what a crash left behind.
const (
	firstRevokePause = 10 * time.Second // at a start the network is often not up yet
	maxRevokePause   = 10 * time.Minute
	revokeLimitTotal = 24 * time.Hour // tokens live no longer, and a server that refuses that long will go on
)

// giveBack revokes the tokens of a visit that a crash interrupted, as often as it
// takes. Only then is the visit closed; a stop leaves it for the next start.
func (r *Runner) revokeThenClose(v kiosk.Recovery) {
	end := r.ending(v.Record, v.Ending, v.Reason)
	old := !v.Record.Wall.IsZero() && r.Trusted && r.Clock.Wall().Sub(v.Record.Wall) > revokeLimitTotal
	r.call(r.ctx, revokeLimitTotal, "give back", nil, func(ctx context.Context) answer {
		t := v.Record.Secrets.Tokens
		defer t.Zero()
		for pause := firstRevokePause; ; pause = min(2*pause, maxRevokePause) {
			if r.tryRevoke(ctx, t) || old {
				return answer{record: &end}
			}
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return answer{}
			}
		}
	})
}

// revokeNow gives tokens back, whatever becomes of ctx meanwhile, and forgets them.
// Where that does not work they are put on disk and come back.
func (r *Runner) revokeNow(ctx context.Context, t kiosk.Tokens) *kiosk.Revocation {
	if r.tryRevoke(context.WithoutCancel(ctx), t) {
		t.Zero()
		return nil
	}
	d := kiosk.Revocation{Tokens: t, Lifetime: lifetime(t)}
	d.Until = r.Clock.Wall().Add(d.Lifetime)
	if r.Revocations != nil {
		var err error
		if d.ID, err = r.Revocations.AddRevocation(d); err != nil {
			r.Log.Error("revoke", "not on disk", err) // it is tried again all the same, while the program runs
		}
	}
	return &d
}

// lifetime returns how long tokens are worth revoking: until the access token expires, if that is known and there is no
// refresh token, which lives longer.
func lifetime(t kiosk.Tokens) time.Duration {
	if t.Expires > 0 && len(t.Refresh) == 0 {
		return min(t.Expires, revokeLimitTotal)
	}
	return revokeLimitTotal
}

// settle gives back beside the loop what could not be given back before.
func (r *Runner) revokeLater(d kiosk.Revocation, left, pause time.Duration) {
	r.call(r.ctx, revokeLimitTotal, "revoke", nil, func(ctx context.Context) answer {
		r.revokeWithRetries(ctx, d, left, pause)
		return answer{}
	})
}

// pay tries with growing pauses, the first of which is given, until it works or the
// tokens have run out. A stop leaves them on disk for the next start.
func (r *Runner) revokeWithRetries(ctx context.Context, d kiosk.Revocation, left, pause time.Duration) {
	defer d.Tokens.Zero()
	end := r.Clock.Now() + left
	for ; ; pause = min(max(2*pause, firstRevokePause), maxRevokePause) {
		timer := time.NewTimer(max(min(pause, end-r.Clock.Now()), 0))
		select {
		case <-timer.C:
		case <-r.ctx.Done():
			timer.Stop()
			return
		}
		if over := r.Clock.Now() >= end; over || r.tryRevoke(ctx, d.Tokens) {
			if over {
				r.Log.Warn("revoke", "outcome", "the tokens have run out by themselves")
			}
			if r.Revocations != nil && d.ID != 0 {
				if err := r.Revocations.RevocationDone(d.ID); err != nil {
					r.Log.Error("revoke", "error", err)
				}
			}
			return
		}
	}
}

// takeUpDues goes on with what an earlier run could not give back.
func (r *Runner) resumeRevocations(here kiosk.BootContext) {
	if r.Revocations == nil {
		return
	}
	dues, err := r.Revocations.PendingRevocations()
	if err != nil {
		r.Log.Error("revoke", "error", err)
	}
	for _, d := range dues {
		left := d.Lifetime // without a clock to trust, as long as they could live at the most
		if here.Trusted {
			left = min(d.Until.Sub(here.Wall), d.Lifetime)
		}
		r.revokeLater(d, left, 0) // at once: the program may live for one visit only
	}
}

func (r *Runner) tryRevoke(ctx context.Context, t kiosk.Tokens) bool {
	ctx, cancel := context.WithTimeout(ctx, revokeLimit)
	defer cancel()
	err := r.Authorizer.Revoke(ctx, t)
	if err != nil {
		r.Log.Warn("revoke", "error", err)
	}
	return err == nil
}
