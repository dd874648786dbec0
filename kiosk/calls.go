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
	r.open++
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
		case <-r.gone:
		}
	}()
}

// wanted says whether the answer to n is still waited for.
func (r *Runner) wanted(n Number) bool { return n != 0 && r.s.Question == n }

func (r *Runner) failed(n Number, what string, err error) answer {
	r.Log.Warn(what, "reason", ReasonOf(err).String(), "error", err)
	return answer{event: Failed{n, ReasonOf(err)}}
}

func (r *Runner) ask(f Ask) {
	id, code := r.Vault.Get(f.Number, Identifier), r.Vault.Get(f.Number, UserCode)
	r.Vault.Put(f.Number, UserCode, nil) // it is sent once
	r.sent = r.Clock.Now()
	asks := r.authorizer(r.s.Technician)
	r.call(r.ctx, r.Rules.AskLimit, "ask", Failed{f.Number, Internal}, func(ctx context.Context) answer {
		defer id.Zero()
		defer code.Zero()
		ack, err := asks.Ask(ctx, Request{Identifier: id, Code: f.Code, UserCode: code, Road: f.Road, Ping: r.pinger(f.Number)})
		if err != nil {
			a := r.failed(f.Number, "ask", err)
			if w := WantOf(err); w != NoWant {
				a.event = Wanted{f.Number, w}
			}
			return a
		}
		return answer{
			event: Asked{Number: f.Number, Expires: ack.Expires, Interval: ack.Interval, Binding: ack.Binding, Merges: ack.Merges, Look: ack.Look, Age: ack.Age},
			keep: func() {
				if r.wanted(f.Number) {
					r.Vault.Put(f.Number, RequestID, ack.RequestID)
					r.Vault.Put(f.Number, Expect, ack.Expect)
					r.grant = ack.Grant
				}
				ack.RequestID.Zero()
				ack.Expect.Zero()
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
func (r *Runner) pinger(n Number) func() {
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
	asks := r.authorizer(r.s.Technician)
	lost := Polled{Number: f.Number, Request: f.Request, Verdict: Hopeless, Reason: Internal}
	r.call(r.ctx, r.Rules.CallLimit, "poll", lost, func(ctx context.Context) answer {
		defer id.Zero()
		a := asks.Poll(ctx, id)
		if a.Err != nil {
			r.Log.Info("poll", "error", a.Err)
		}
		return answer{
			event: Polled{Number: f.Number, Request: f.Request, Verdict: a.Verdict, Reason: a.Reason,
				RetryAfter: a.RetryAfter, Interval: a.Interval, Reached: a.Reached, Jitter: jitter,
				Tokens: a.Verdict == Hopeless && a.Tokens.came()},
			keep: func() {
				if a.Tokens.came() {
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
	r.used[n] = Tokens{Client: t.Client, Type: t.Type, Scope: t.Scope, Expires: t.Expires}
	t.Zero()
}

func (r *Runner) verify(f Verify) {
	t := r.tokens(f.Request)
	asked := AskedFor{
		Identifier: r.Vault.Get(f.Request, Identifier),
		RequestID:  r.Vault.Get(f.Request, RequestID),
		Expect:     r.Vault.Get(f.Request, Expect),
		// Not the wall clock as it was then: it may have been set since.
		At: r.Clock.Wall().Add(r.sent - r.Clock.Now()),
	}
	asks := r.authorizer(r.s.Technician)
	r.call(r.ctx, r.Rules.CallLimit, "verify", Failed{f.Number, Internal}, func(ctx context.Context) answer {
		defer t.Zero()
		defer asked.Identifier.Zero()
		defer asked.RequestID.Zero()
		defer asked.Expect.Zero()
		person, err := asks.Verify(ctx, t, asked)
		if err != nil {
			return r.failed(f.Number, "verify", err)
		}
		return answer{event: Verified{f.Number}, keep: func() {
			if r.wanted(f.Number) {
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
			if r.wanted(f.Number) {
				r.result = result
			}
		}}
	})
}

// serve has a technician's task done. One at a time: whoever has left what is under way
// does not wait for it, and nobody can pile examinations up.
func (r *Runner) serve(f Serve) {
	r.Log.Info("technician", "task", f.Task.String(), "visit", r.s.Visit, "approved", !r.s.Unproved)
	r.result = Result{}
	if r.endTask != nil {
		r.endTask()
	}
	within, end := context.WithCancel(r.ctx)
	r.endTask = end
	r.call(within, r.Rules.TaskLimit, "technician", Failed{f.Number, Internal}, func(ctx context.Context) answer {
		defer end()
		found, err := r.Service.Serve(ctx, f.Task)
		if err != nil {
			r.Log.Error("technician", "task", f.Task.String(), "error", err)
			return answer{event: Failed{f.Number, ReasonOf(err)}}
		}
		return answer{event: Served{f.Number}, keep: func() {
			if r.wanted(f.Number) {
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
	here := Here{Boot: r.Clock.Boot(), Uptime: r.Clock.Now(), Wall: r.Clock.Wall(), Trusted: r.Trusted}
	r.takeUpDues(here)
	for _, v := range Recover(left, here) {
		if v.Action == Resume && (!r.Resume || r.s.Busy()) {
			v.Action = Watch
		}
		r.Log.Info("recover", "visit", v.Record.Visit, "stage", v.Record.Stage.String(), "action", v.Action.String())
		switch v.Action {
		case Forget:
			r.append(r.ending(v.Record, v.Ending, v.Reason))
			v.Record.Secrets.zero()
		case GiveBack:
			r.giveBack(v)
		case Watch:
			r.watch(v)
		case Resume:
			r.takeUp(v)
		}
	}
}

func (r *Runner) ending(rec Record, stage Stage, why Reason) Record {
	return Record{Visit: rec.Visit, Stage: stage, Reason: why, Code: rec.Code, Technician: rec.Technician,
		Wall: r.Clock.Wall(), Boot: r.Clock.Boot(), Uptime: r.Clock.Now()}
}

// takeUp puts an interrupted visit back on the Waiting screen.
func (r *Runner) takeUp(v Recovery) {
	rec, n := v.Record, r.s.Last+1
	r.Vault.Put(n, Identifier, rec.Secrets.Identifier)
	r.Vault.Put(n, RequestID, rec.Secrets.RequestID)
	r.Vault.Put(n, Expect, rec.Secrets.Expect)
	r.used[n], r.sent = Tokens{}, rec.Sent // the uptimes are of the same boot
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
func (r *Runner) watch(v Recovery) {
	rec := v.Record
	limit := v.Left + afterExpiry + r.Rules.CallLimit
	r.call(r.ctx, limit, "watch", nil, func(ctx context.Context) answer {
		defer rec.Secrets.zero()
		why, due, err := r.watchUntilClosed(ctx, v)
		if err != nil {
			return answer{}
		}
		end := r.ending(rec, StageEnded, why)
		return answer{record: &end, keep: func() {
			if due != nil {
				r.settle(*due, due.Life, giveBackPause)
			}
		}}
	})
}

func (r *Runner) watchUntilClosed(ctx context.Context, v Recovery) (Reason, *Due, error) {
	rec := v.Record
	now := r.Clock.Now()
	p := StartPace(now, now, v.Left, rec.Interval).NotBefore(now + v.Pause)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now = r.Clock.Now()
		if p.Over(now) {
			return Expired, nil, nil
		}
		if !p.Due(now) {
			timer.Reset(p.Wake() - now)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return NoReason, nil, errStillOpen
			}
			continue
		}
		p = p.Leave(now)
		a := r.authorizer(rec.Technician).Poll(ctx, rec.Secrets.RequestID)
		switch a.Verdict {
		case Pending, SlowDown, Trouble:
			if ctx.Err() != nil {
				return NoReason, nil, errStillOpen
			}
			p = p.Wait(r.Clock.Now(), Polled{Verdict: a.Verdict, RetryAfter: a.RetryAfter, Interval: a.Interval, Reached: a.Reached})
		case Granted:
			return Cancelled, r.revokeNow(ctx, a.Tokens), nil
		case Denied:
			return Declined, nil, nil
		case Gone:
			// Perhaps redeemed just before the crash, and the answer never recorded.
			return p.gone(r.Clock.Now()), nil, nil
		case Hopeless:
			if a.Tokens.came() {
				return a.Reason, r.revokeNow(ctx, a.Tokens), nil
			}
			return a.Reason, nil, nil
		default:
			return Expired, nil, nil
		}
	}
}
