package runner

import (
	"context"
	"errors"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"time"
)

// recover takes up what a crash or a power cut left: see Recover. Nothing in it
// ever sends a backchannel authentication request.
func (r *Runner) recover() {
	left, err := r.Journal.Unfinished()
	if err != nil {
		r.Log.Error("journal", "error", err)
		return
	}
	here := kiosk.BootContext{Boot: r.Clock.Boot(), Uptime: r.Clock.Now(), Wall: r.Clock.Wall(), Trusted: r.Trusted}
	r.resumeRevocations(here)
	for _, v := range kiosk.Recover(left, here) {
		if v.Action == kiosk.Resume && (!r.Resume || r.state.Busy()) {
			v.Action = kiosk.PollToClose
		}
		r.Log.Info("recover", "visit", v.Record.Visit, "stage", v.Record.Stage.String(), "action", v.Action.String())
		switch v.Action {
		case kiosk.Forget:
			r.append(r.ending(v.Record, v.Ending, v.Reason))
			v.Record.Secrets.Zero()
		case kiosk.RevokeTokens:
			r.revokeThenClose(v)
		case kiosk.PollToClose:
			r.pollToClose(v)
		case kiosk.Resume:
			r.resume(v)
		}
	}
}

func (r *Runner) ending(rec kiosk.Record, stage kiosk.Stage, why kiosk.Reason) kiosk.Record {
	return kiosk.Record{Visit: rec.Visit, Stage: stage, Reason: why, Code: rec.Code, Technician: rec.Technician,
		Wall: r.Clock.Wall(), Boot: r.Clock.Boot(), Uptime: r.Clock.Now()}
}

// takeUp puts an interrupted visit back on the Waiting screen.
func (r *Runner) resume(v kiosk.Recovery) {
	rec, n := v.Record, r.state.LastNumber+1
	r.Vault.Put(n, kiosk.Identifier, rec.Secrets.Identifier)
	r.Vault.Put(n, kiosk.RequestID, rec.Secrets.RequestID)
	r.Vault.Put(n, kiosk.ExpectedSubject, rec.Secrets.ExpectedSubject)
	r.requests[n], r.requestSent = kiosk.Tokens{}, rec.Sent // the uptimes are of the same boot
	r.step(kiosk.Resumed{
		Request: n, Visit: rec.Visit, Code: rec.Code, Interval: rec.Interval, Left: v.Left, Pause: v.Pause,
		Masked: kiosk.Mask(r.Rules.Kind, string(rec.Secrets.Identifier)),
	})
	rec.Secrets.Zero()
}

var errStillOpen = errors.New("the kiosk stopped before the request expired")

// watch polls a request whose customer is gone until it is closed on the
// server's side, too, by the same schedule as any other. An approval that still
// comes is given back. When the kiosk stops first, the record stays open for the next start.
func (r *Runner) pollToClose(v kiosk.Recovery) {
	rec := v.Record
	limit := v.Left + kiosk.MaxLatePoll + r.Rules.CallLimit
	r.call(r.ctx, limit, "watch", nil, func(ctx context.Context) answer {
		defer rec.Secrets.Zero()
		why, due, err := r.pollUntilClosed(ctx, v)
		if err != nil {
			return answer{}
		}
		end := r.ending(rec, kiosk.StageEnded, why)
		return answer{record: &end, keep: func() {
			if due != nil {
				r.revokeLater(*due, due.Lifetime, firstRevokePause)
			}
		}}
	})
}

func (r *Runner) pollUntilClosed(ctx context.Context, v kiosk.Recovery) (kiosk.Reason, *kiosk.Revocation, error) {
	rec := v.Record
	now := r.Clock.Now()
	p := kiosk.NewPollSchedule(now, now, v.Left, rec.Interval).DelayUntil(now + v.Pause)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now = r.Clock.Now()
		if p.Exhausted(now) {
			return kiosk.Expired, nil, nil
		}
		if !p.IsDue(now) {
			timer.Reset(p.Wake() - now)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return kiosk.NoReason, nil, errStillOpen
			}
			continue
		}
		p = p.Sent(now)
		a := r.authorizer(rec.Technician).Poll(ctx, rec.Secrets.RequestID)
		switch a.Verdict {
		case kiosk.Pending, kiosk.SlowDown, kiosk.Retryable:
			if ctx.Err() != nil {
				return kiosk.NoReason, nil, errStillOpen
			}
			p = p.Reschedule(r.Clock.Now(), kiosk.Polled{Verdict: a.Verdict, RetryAfter: a.RetryAfter, Interval: a.Interval, ServerReached: a.ServerReached})
		case kiosk.Granted:
			return kiosk.Cancelled, r.revokeNow(ctx, a.Tokens), nil
		case kiosk.Denied:
			return kiosk.Declined, nil, nil
		case kiosk.UnknownRequest:
			// Perhaps redeemed just before the crash, and the answer never recorded.
			return p.UnknownRequestReason(r.Clock.Now()), nil, nil
		case kiosk.Fatal:
			if a.Tokens.Revocable() {
				return a.Reason, r.revokeNow(ctx, a.Tokens), nil
			}
			return a.Reason, nil, nil
		default:
			return kiosk.Expired, nil, nil
		}
	}
}
