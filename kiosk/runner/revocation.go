package runner

import (
	"context"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/wait"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// This file revokes tokens after a visit (RFC 7009): again and again, over restarts, until the server accepts or they expire.

const (
	firstRevokePause = 10 * time.Second // after a start the network is often not up yet
	maxRevokePause   = 10 * time.Minute
	// maxTokenLifetime bounds how long revocation is tried: a server that refuses for a day will not accept later.
	maxTokenLifetime = 24 * time.Hour
)

// revoke takes the tokens out of the vault and revokes them beside the loop. A stop waits for the first attempt
// (revokeTimeout); after that the tokens are in the queue on disk for the next start.
func (r *Runner) revoke(n kiosk.Number) {
	t := r.tokens(n)
	for _, i := range []kiosk.Item{kiosk.AccessToken, kiosk.IDToken, kiosk.RefreshToken} {
		r.Vault.Put(n, i, nil)
	}
	if !t.Revocable() {
		return
	}
	r.call(context.WithoutCancel(r.ctx), maxTokenLifetime, "revoke", nil, func(ctx context.Context) answer {
		if queued := r.revokeNow(ctx, t); queued != nil {
			r.retryRevocation(ctx, *queued, queued.Lifetime, firstRevokePause)
		}
		return answer{}
	})
}

// revokeThenClose revokes the tokens of a visit that a crash interrupted and writes its ending once that is done. A stop
// leaves both for the next start.
func (r *Runner) revokeThenClose(v kiosk.Recovery) {
	end := r.ending(v.Record, v.Ending, v.Reason)
	expired := !v.Record.Wall.IsZero() && r.Trusted && r.Clock.Wall().Sub(v.Record.Wall) > maxTokenLifetime
	r.call(r.ctx, maxTokenLifetime, "revoke", nil, func(ctx context.Context) answer {
		t := v.Record.Secrets.Tokens
		defer t.Zero()
		for pause := firstRevokePause; ; pause = min(2*pause, maxRevokePause) {
			if r.tryRevoke(ctx, t) || expired {
				return answer{record: &end}
			}
			if !wait.For(ctx, pause) {
				return answer{}
			}
		}
	})
}

// revokeNow revokes tokens once, even after ctx has ended, and zeroes them. If that fails it queues them on disk and returns
// the entry.
func (r *Runner) revokeNow(ctx context.Context, t kiosk.Tokens) *kiosk.Revocation {
	if r.tryRevoke(context.WithoutCancel(ctx), t) {
		t.Zero()
		return nil
	}
	entry := kiosk.Revocation{Tokens: t, Lifetime: lifetime(t)}
	entry.Until = r.Clock.Wall().Add(entry.Lifetime)
	if r.Revocations != nil {
		var err error
		if entry.ID, err = r.Revocations.AddRevocation(entry); err != nil {
			r.Log.Error("revocation not on disk", "error", err) // it is still tried while the program runs
		}
	}
	return &entry
}

// lifetime returns how long tokens are worth revoking: until the access token expires, if that is known and there is no
// refresh token, which lives longer.
func lifetime(t kiosk.Tokens) time.Duration {
	if t.Expires > 0 && len(t.Refresh) == 0 {
		return min(t.Expires, maxTokenLifetime)
	}
	return maxTokenLifetime
}

// revokeLater retries a queued revocation beside the loop, for the first time after pause.
func (r *Runner) revokeLater(entry kiosk.Revocation, left, pause time.Duration) {
	r.call(r.ctx, maxTokenLifetime, "revoke", nil, func(ctx context.Context) answer {
		r.retryRevocation(ctx, entry, left, pause)
		return answer{}
	})
}

// retryRevocation tries with growing pauses until revocation succeeds or the tokens have expired, and then removes the entry
// from the queue. A stop leaves it there.
func (r *Runner) retryRevocation(ctx context.Context, entry kiosk.Revocation, left, pause time.Duration) {
	defer entry.Tokens.Zero()
	end := r.Clock.Now() + left
	for ; ; pause = min(max(2*pause, firstRevokePause), maxRevokePause) {
		if !wait.For(r.ctx, max(min(pause, end-r.Clock.Now()), 0)) {
			return
		}
		expired := r.Clock.Now() >= end
		if !expired && !r.tryRevoke(ctx, entry.Tokens) {
			continue
		}
		if expired {
			r.Log.Warn("revoke", "outcome", "the tokens have expired")
		}
		if r.Revocations != nil && entry.ID != 0 {
			if err := r.Revocations.RevocationDone(entry.ID); err != nil {
				r.Log.Error("revoke", "error", err)
			}
		}
		return
	}
}

// resumeRevocations continues with the queue that an earlier run left. Without a trusted clock, each entry is kept as long as
// its tokens can live.
func (r *Runner) resumeRevocations(now kiosk.BootContext) {
	if r.Revocations == nil {
		return
	}
	entries, err := r.Revocations.PendingRevocations()
	if err != nil {
		r.Log.Error("revoke", "error", err)
	}
	for _, entry := range entries {
		left := entry.Lifetime
		if now.Trusted {
			left = min(entry.Until.Sub(now.Wall), entry.Lifetime)
		}
		r.revokeLater(entry, left, 0) // at once: the program may live for one visit only
	}
}

func (r *Runner) tryRevoke(ctx context.Context, t kiosk.Tokens) bool {
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	err := r.Authorizer.Revoke(ctx, t)
	if err != nil {
		r.Log.Warn("revoke", "error", err)
	}
	return err == nil
}
