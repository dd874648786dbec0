package kiosk

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// This file has the runner's calls to the outside: each runs beside the loop,
// has a limit, and comes back as one answer. What is secret in it reaches the
// vault before the state hears of the answer, and only if it is still wanted.

// call runs f beside the loop. A panic in it becomes the answer lost, without the
// values that a panic could print.
func (r *Runner) call(ctx context.Context, limit time.Duration, what string, lost Event, f func(ctx context.Context) answer) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	r.pending++
	go func() {
		defer cancel()
		a := answer{event: lost}
		func() {
			defer func() {
				if recover() != nil {
					r.Log.Error("panic", "in", what, "stack", string(debug.Stack()))
				}
			}()
			a = f(ctx)
		}()
		select {
		case r.answers <- a:
		case <-r.stopped:
		}
	}()
}

// wanted says whether the answer to n is still waited for.
func (r *Runner) isWanted(n Number) bool { return n != 0 && r.state.Question == n }

func (r *Runner) failed(n Number, what string, err error) answer {
	r.Log.Warn(what, "reason", ReasonOf(err).String(), "error", err)
	return answer{event: Failed{n, ReasonOf(err)}}
}

func (r *Runner) ask(f Ask) {
	id, code := r.Vault.Get(f.Number, Identifier), r.Vault.Get(f.Number, UserCode)
	r.Vault.Put(f.Number, UserCode, nil) // it is sent once
	r.requestSent = r.Clock.Now()
	asks := r.authorizer(r.state.Technician)
	r.call(r.ctx, r.Rules.AskLimit, "ask", Failed{f.Number, Internal}, func(ctx context.Context) answer {
		defer id.Zero()
		defer code.Zero()
		ack, err := asks.Ask(ctx, Request{Identifier: id, Code: f.Code, UserCode: code, Road: f.Road, Ping: r.pingFunc(f.Number)})
		if err != nil {
			a := r.failed(f.Number, "ask", err)
			if w := RequiredInputOf(err); w != NothingRequired {
				a.event = InputRequired{f.Number, w}
			}
			return a
		}
		return answer{
			event: Acknowledged{Number: f.Number, Expires: ack.Expires, Interval: ack.Interval, BindingMessage: ack.BindingMessage, AmbiguousDenial: ack.AmbiguousDenial, PhoneHint: ack.PhoneHint, Age: ack.Age},
			keep: func() {
				if r.isWanted(f.Number) {
					r.Vault.Put(f.Number, RequestID, ack.RequestID)
					r.Vault.Put(f.Number, ExpectedSubject, ack.ExpectedSubject)
					r.grant = ack.Grant
				}
				ack.RequestID.Zero()
				ack.ExpectedSubject.Zero()
			},
		}
	})
}

// authorizer is the one for a visit. What a technician's visit left before the settings
// had no technicians any more is looked after by the customers' one.
func (r *Runner) authorizer(technician bool) Authorizer {
	if technician && r.Technicians != nil {
		return r.Technicians
	}
	return r.Authorizer
}

// pinger is what an authorizer calls when the server has an answer ready.
func (r *Runner) pingFunc(n Number) func() {
	return func() {
		select {
		case r.pings <- n:
		default:
		}
	}
}

func (r *Runner) poll(f Poll) {
	id := r.Vault.Get(f.Request, RequestID)
	jitter := rand.N(time.Second)
	asks := r.authorizer(r.state.Technician)
	lost := Polled{Number: f.Number, Request: f.Request, Verdict: Fatal, Reason: Internal}
	r.call(r.ctx, r.Rules.CallLimit, "poll", lost, func(ctx context.Context) answer {
		defer id.Zero()
		a := asks.Poll(ctx, id)
		if a.Err != nil {
			r.Log.Info("poll", "error", a.Err)
		}
		return answer{
			event: Polled{Number: f.Number, Request: f.Request, Verdict: a.Verdict, Reason: a.Reason,
				RetryAfter: a.RetryAfter, Interval: a.Interval, ServerReached: a.ServerReached, Jitter: jitter,
				Tokens: a.Verdict == Fatal && a.Tokens.hasTokens()},
			keep: func() {
				if a.Tokens.hasTokens() {
					r.keepTokens(f.Request, a.Tokens)
				}
			},
		}
	})
}

func (r *Runner) keepTokens(n Number, t Tokens) {
	r.Vault.Put(n, AccessToken, t.Access)
	r.Vault.Put(n, IDToken, t.ID)
	r.Vault.Put(n, RefreshToken, t.Refresh)
	r.requests[n] = Tokens{Client: t.Client, Type: t.Type, Scope: t.Scope, Expires: t.Expires}
	t.Zero()
}

func (r *Runner) verify(f Verify) {
	t := r.tokens(f.Request)
	asked := Expectation{
		Identifier:      r.Vault.Get(f.Request, Identifier),
		RequestID:       r.Vault.Get(f.Request, RequestID),
		ExpectedSubject: r.Vault.Get(f.Request, ExpectedSubject),
		// Not the wall clock as it was then: it may have been set since.
		RequestedAt: r.Clock.Wall().Add(r.requestSent - r.Clock.Now()),
	}
	asks := r.authorizer(r.state.Technician)
	r.call(r.ctx, r.Rules.CallLimit, "verify", Failed{f.Number, Internal}, func(ctx context.Context) answer {
		defer t.Zero()
		defer asked.Identifier.Zero()
		defer asked.RequestID.Zero()
		defer asked.ExpectedSubject.Zero()
		person, err := asks.Verify(ctx, t, asked)
		if err != nil {
			return r.failed(f.Number, "verify", err)
		}
		return answer{event: Verified{f.Number}, keep: func() {
			if r.isWanted(f.Number) {
				r.person = person
			}
		}}
	})
}

func (r *Runner) fetch(f Fetch) {
	t, person := r.tokens(f.Request), r.person
	r.call(r.ctx, r.Rules.CallLimit, "fetch", Failed{f.Number, Internal}, func(ctx context.Context) answer {
		defer t.Zero()
		result, err := r.Resource.Fetch(ctx, t, person)
		if err != nil {
			return r.failed(f.Number, "fetch", err)
		}
		return answer{event: Fetched{f.Number}, keep: func() {
			if r.isWanted(f.Number) {
				r.result = result
			}
		}}
	})
}

// serve has a technician's task done. One at a time: whoever has left what is under way
// does not wait for it, and nobody can pile examinations up.
func (r *Runner) runTask(f RunTask) {
	r.Log.Info("technician", "task", f.Task.String(), "visit", r.state.Visit, "approved", !r.state.Unauthenticated)
	r.result = Result{}
	if r.cancelTask != nil {
		r.cancelTask()
	}
	within, end := context.WithCancel(r.ctx)
	r.cancelTask = end
	r.call(within, r.Rules.TaskLimit, "technician", Failed{f.Number, Internal}, func(ctx context.Context) answer {
		defer end()
		found, err := r.Tasks.RunTask(ctx, f.Task)
		if err != nil {
			r.Log.Error("technician", "task", f.Task.String(), "error", err)
			return answer{event: Failed{f.Number, ReasonOf(err)}}
		}
		return answer{event: TaskDone{f.Number}, keep: func() {
			if r.isWanted(f.Number) {
				r.result = Result{Fields: found}
			}
		}}
	})
}

// recover takes up what a crash or a power cut left: see Recover. Nothing in it
// ever sends a backchannel authentication request.
func (r *Runner) recover() {
	left, err := r.Journal.Unfinished()
	if err != nil {
		r.Log.Error("journal", "error", err)
		return
	}
	here := BootContext{Boot: r.Clock.Boot(), Uptime: r.Clock.Now(), Wall: r.Clock.Wall(), Trusted: r.Trusted}
	r.resumeRevocations(here)
	for _, v := range Recover(left, here) {
		if v.Action == Resume && (!r.Resume || r.state.Busy()) {
			v.Action = PollToClose
		}
		r.Log.Info("recover", "visit", v.Record.Visit, "stage", v.Record.Stage.String(), "action", v.Action.String())
		switch v.Action {
		case Forget:
			r.append(r.ending(v.Record, v.Ending, v.Reason))
			v.Record.Secrets.zero()
		case RevokeTokens:
			r.revokeThenClose(v)
		case PollToClose:
			r.pollToClose(v)
		case Resume:
			r.resume(v)
		}
	}
}

func (r *Runner) ending(rec Record, stage Stage, why Reason) Record {
	return Record{Visit: rec.Visit, Stage: stage, Reason: why, Code: rec.Code, Technician: rec.Technician,
		Wall: r.Clock.Wall(), Boot: r.Clock.Boot(), Uptime: r.Clock.Now()}
}

// takeUp puts an interrupted visit back on the Waiting screen.
func (r *Runner) resume(v Recovery) {
	rec, n := v.Record, r.state.Last+1
	r.Vault.Put(n, Identifier, rec.Secrets.Identifier)
	r.Vault.Put(n, RequestID, rec.Secrets.RequestID)
	r.Vault.Put(n, ExpectedSubject, rec.Secrets.ExpectedSubject)
	r.requests[n], r.requestSent = Tokens{}, rec.Sent // the uptimes are of the same boot
	r.step(Resumed{
		Request: n, Visit: rec.Visit, Code: rec.Code, Interval: rec.Interval, Left: v.Left, Pause: v.Pause,
		Masked: Mask(r.Rules.Kind, string(rec.Secrets.Identifier)),
	})
	rec.Secrets.zero()
}

var errStillOpen = errors.New("the kiosk stopped before the request expired")

// watch polls a request whose customer is gone until it is closed on the
// server's side, too, by the same schedule as any other. An approval that still
// comes is given back. When the kiosk stops first, the record stays open for the next start.
func (r *Runner) pollToClose(v Recovery) {
	rec := v.Record
	limit := v.Left + maxLatePoll + r.Rules.CallLimit
	r.call(r.ctx, limit, "watch", nil, func(ctx context.Context) answer {
		defer rec.Secrets.zero()
		why, due, err := r.pollUntilClosed(ctx, v)
		if err != nil {
			return answer{}
		}
		end := r.ending(rec, StageEnded, why)
		return answer{record: &end, keep: func() {
			if due != nil {
				r.revokeLater(*due, due.Lifetime, firstRevokePause)
			}
		}}
	})
}

func (r *Runner) pollUntilClosed(ctx context.Context, v Recovery) (Reason, *Revocation, error) {
	rec := v.Record
	now := r.Clock.Now()
	p := NewPollSchedule(now, now, v.Left, rec.Interval).DelayUntil(now + v.Pause)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now = r.Clock.Now()
		if p.Exhausted(now) {
			return Expired, nil, nil
		}
		if !p.IsDue(now) {
			timer.Reset(p.Wake() - now)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return NoReason, nil, errStillOpen
			}
			continue
		}
		p = p.Sent(now)
		a := r.authorizer(rec.Technician).Poll(ctx, rec.Secrets.RequestID)
		switch a.Verdict {
		case Pending, SlowDown, Retryable:
			if ctx.Err() != nil {
				return NoReason, nil, errStillOpen
			}
			p = p.Reschedule(r.Clock.Now(), Polled{Verdict: a.Verdict, RetryAfter: a.RetryAfter, Interval: a.Interval, ServerReached: a.ServerReached})
		case Granted:
			return Cancelled, r.revokeNow(ctx, a.Tokens), nil
		case Denied:
			return Declined, nil, nil
		case UnknownRequest:
			// Perhaps redeemed just before the crash, and the answer never recorded.
			return p.unknownRequestReason(r.Clock.Now()), nil, nil
		case Fatal:
			if a.Tokens.hasTokens() {
				return a.Reason, r.revokeNow(ctx, a.Tokens), nil
			}
			return a.Reason, nil, nil
		default:
			return Expired, nil, nil
		}
	}
}
