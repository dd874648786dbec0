package runner

import (
	"context"
	"errors"

	"github.com/ciba-kiosk/ciba-kiosk/internal/wait"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// This file handles the visits that a crash or a power cut interrupted, as kiosk.Recover decides. Nothing in it sends a
// backchannel authentication request.

func (r *Runner) recover() {
	unfinished, err := r.Journal.Unfinished()
	if err != nil {
		r.Log.Error("journal", "error", err)
		return
	}
	now := kiosk.BootContext{Boot: r.Clock.Boot(), Uptime: r.Clock.Now(), Wall: r.Clock.Wall(), Trusted: r.Trusted}
	r.resumeRevocations(now)
	for _, v := range kiosk.Recover(unfinished, now) {
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

func (r *Runner) ending(rec kiosk.Record, stage kiosk.Stage, reason kiosk.Reason) kiosk.Record {
	return kiosk.Record{
		Visit: rec.Visit, Stage: stage, Reason: reason, Code: rec.Code, Technician: rec.Technician,
		Wall: r.Clock.Wall(), Boot: r.Clock.Boot(), Uptime: r.Clock.Now(),
	}
}

// resume puts an interrupted visit back into Waiting.
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

// pollToClose polls a request by the usual schedule until the server has closed it, although its customer has left. Tokens that
// still come are revoked. If the kiosk stops first, the record stays open for the next start.
func (r *Runner) pollToClose(v kiosk.Recovery) {
	rec := v.Record
	limit := v.Left + kiosk.MaxLatePoll + r.Rules.CallLimit
	r.call(r.ctx, limit, "poll to close", nil, func(ctx context.Context) answer {
		defer rec.Secrets.Zero()
		reason, queued, err := r.pollUntilClosed(ctx, v)
		if err != nil {
			return answer{}
		}
		end := r.ending(rec, kiosk.StageEnded, reason)
		return answer{record: &end, store: func() {
			if queued != nil {
				r.revokeLater(*queued, queued.Lifetime, firstRevokePause)
			}
		}}
	})
}

var errStillOpen = errors.New("the kiosk stopped before the request expired")

// pollOnce polls a request that nobody waits for. A stop leaves the poll its pollGrace.
func (r *Runner) pollOnce(rec kiosk.Record) kiosk.PollAnswer {
	ctx, cancel := context.WithTimeout(r.polling, r.Rules.CallLimit)
	defer cancel()
	return r.authorizer(rec.Technician).Poll(ctx, rec.Secrets.RequestID)
}

// pollUntilClosed returns how a request ended, and the revocation of its tokens if that is still to be done.
func (r *Runner) pollUntilClosed(ctx context.Context, v kiosk.Recovery) (kiosk.Reason, *kiosk.Revocation, error) {
	rec := v.Record
	now := r.Clock.Now()
	schedule := kiosk.NewPollSchedule(now, now, v.Left, rec.Interval).DelayUntil(now + v.Pause)
	for {
		now = r.Clock.Now()
		if schedule.Exhausted(now) {
			return kiosk.Expired, nil, nil
		}
		if !schedule.IsDue(now) {
			if !wait.For(ctx, schedule.Wake()-now) {
				return kiosk.NoReason, nil, errStillOpen
			}
			continue
		}
		schedule = schedule.Sent(now)
		a := r.pollOnce(rec)
		switch a.Verdict {
		case kiosk.Pending, kiosk.SlowDown, kiosk.Retryable:
			if ctx.Err() != nil {
				return kiosk.NoReason, nil, errStillOpen
			}
			schedule = schedule.Reschedule(r.Clock.Now(), kiosk.Polled{
				Verdict: a.Verdict, RetryAfter: a.RetryAfter, Interval: a.Interval, ServerReached: a.ServerReached,
			})
		case kiosk.Granted:
			return kiosk.Cancelled, r.revokeNow(ctx, a.Tokens), nil
		case kiosk.Denied:
			return kiosk.Declined, nil, nil
		case kiosk.UnknownRequest:
			// Perhaps its tokens were issued just before the crash and the answer never recorded.
			return schedule.UnknownRequestReason(r.Clock.Now()), nil, nil
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
