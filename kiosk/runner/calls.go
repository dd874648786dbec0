package runner

import (
	"context"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// This file has the runner's calls to the outside: each runs beside the loop,
// has a limit, and comes back as one answer. What is secret in it reaches the
// vault before the state hears of the answer, and only if it is still wanted.

// call runs f beside the loop. A panic in it becomes the answer lost, without the
// values that a panic could print.
func (r *Runner) call(ctx context.Context, limit time.Duration, what string, lost kiosk.Event, f func(ctx context.Context) answer) {
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
func (r *Runner) isWanted(n kiosk.Number) bool { return n != 0 && r.state.Question == n }

func (r *Runner) failed(n kiosk.Number, what string, err error) answer {
	r.Log.Warn(what, "reason", kiosk.ReasonOf(err).String(), "error", err)
	return answer{event: kiosk.Failed{Number: n, Reason: kiosk.ReasonOf(err)}}
}

func (r *Runner) ask(f kiosk.Ask) {
	id, code := r.Vault.Get(f.Number, kiosk.Identifier), r.Vault.Get(f.Number, kiosk.UserCode)
	r.Vault.Put(f.Number, kiosk.UserCode, nil) // it is sent once
	r.requestSent = r.Clock.Now()
	asks := r.authorizer(r.state.Technician)
	r.call(r.ctx, r.Rules.AskLimit, "ask", kiosk.Failed{Number: f.Number, Reason: kiosk.Internal}, func(ctx context.Context) answer {
		defer id.Zero()
		defer code.Zero()
		ack, err := asks.Ask(ctx, kiosk.Request{Identifier: id, Code: f.Code, UserCode: code, Flow: f.Flow, Ping: r.pingFunc(f.Number)})
		if err != nil {
			a := r.failed(f.Number, "ask", err)
			if w := kiosk.RequiredInputOf(err); w != kiosk.NothingRequired {
				a.event = kiosk.InputRequired{Number: f.Number, Input: w}
			}
			return a
		}
		return answer{
			event: kiosk.Acknowledged{Number: f.Number, Expires: ack.Expires, Interval: ack.Interval, BindingMessage: ack.BindingMessage, AmbiguousDenial: ack.AmbiguousDenial, PhoneHint: ack.PhoneHint, Age: ack.Age},
			keep: func() {
				if r.isWanted(f.Number) {
					r.Vault.Put(f.Number, kiosk.RequestID, ack.RequestID)
					r.Vault.Put(f.Number, kiosk.ExpectedSubject, ack.ExpectedSubject)
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
func (r *Runner) authorizer(technician bool) kiosk.Authorizer {
	if technician && r.Technicians != nil {
		return r.Technicians
	}
	return r.Authorizer
}

// pinger is what an authorizer calls when the server has an answer ready.
func (r *Runner) pingFunc(n kiosk.Number) func() {
	return func() {
		select {
		case r.pings <- n:
		default:
		}
	}
}

func (r *Runner) poll(f kiosk.Poll) {
	id := r.Vault.Get(f.Request, kiosk.RequestID)
	jitter := rand.N(time.Second)
	asks := r.authorizer(r.state.Technician)
	lost := kiosk.Polled{Number: f.Number, Request: f.Request, Verdict: kiosk.Fatal, Reason: kiosk.Internal}
	r.call(r.ctx, r.Rules.CallLimit, "poll", lost, func(ctx context.Context) answer {
		defer id.Zero()
		a := asks.Poll(ctx, id)
		if a.Err != nil {
			r.Log.Info("poll", "error", a.Err)
		}
		return answer{
			event: kiosk.Polled{Number: f.Number, Request: f.Request, Verdict: a.Verdict, Reason: a.Reason,
				RetryAfter: a.RetryAfter, Interval: a.Interval, ServerReached: a.ServerReached, Jitter: jitter,
				Tokens: a.Verdict == kiosk.Fatal && a.Tokens.Revocable()},
			keep: func() {
				if a.Tokens.Revocable() {
					r.keepTokens(f.Request, a.Tokens)
				}
			},
		}
	})
}

func (r *Runner) keepTokens(n kiosk.Number, t kiosk.Tokens) {
	r.Vault.Put(n, kiosk.AccessToken, t.Access)
	r.Vault.Put(n, kiosk.IDToken, t.ID)
	r.Vault.Put(n, kiosk.RefreshToken, t.Refresh)
	r.requests[n] = kiosk.Tokens{Client: t.Client, Type: t.Type, Scope: t.Scope, Expires: t.Expires}
	t.Zero()
}

func (r *Runner) verify(f kiosk.Verify) {
	t := r.tokens(f.Request)
	asked := kiosk.Expectation{
		Identifier:      r.Vault.Get(f.Request, kiosk.Identifier),
		RequestID:       r.Vault.Get(f.Request, kiosk.RequestID),
		ExpectedSubject: r.Vault.Get(f.Request, kiosk.ExpectedSubject),
		// Not the wall clock as it was then: it may have been set since.
		RequestedAt: r.Clock.Wall().Add(r.requestSent - r.Clock.Now()),
	}
	asks := r.authorizer(r.state.Technician)
	r.call(r.ctx, r.Rules.CallLimit, "verify", kiosk.Failed{Number: f.Number, Reason: kiosk.Internal}, func(ctx context.Context) answer {
		defer t.Zero()
		defer asked.Identifier.Zero()
		defer asked.RequestID.Zero()
		defer asked.ExpectedSubject.Zero()
		person, err := asks.Verify(ctx, t, asked)
		if err != nil {
			return r.failed(f.Number, "verify", err)
		}
		return answer{event: kiosk.Verified{Number: f.Number}, keep: func() {
			if r.isWanted(f.Number) {
				r.person = person
			}
		}}
	})
}

func (r *Runner) fetch(f kiosk.Fetch) {
	t, person := r.tokens(f.Request), r.person
	r.call(r.ctx, r.Rules.CallLimit, "fetch", kiosk.Failed{Number: f.Number, Reason: kiosk.Internal}, func(ctx context.Context) answer {
		defer t.Zero()
		result, err := r.Resource.Fetch(ctx, t, person)
		if err != nil {
			return r.failed(f.Number, "fetch", err)
		}
		return answer{event: kiosk.Fetched{Number: f.Number}, keep: func() {
			if r.isWanted(f.Number) {
				r.result = result
			}
		}}
	})
}

// serve has a technician's task done. One at a time: whoever has left what is under way
// does not wait for it, and nobody can pile examinations up.
func (r *Runner) runTask(f kiosk.RunTask) {
	r.Log.Info("technician", "task", f.Task.String(), "visit", r.state.Request.Visit, "approved", !r.state.Menu.Unauthenticated)
	r.result = kiosk.Result{}
	if r.cancelTask != nil {
		r.cancelTask()
	}
	within, end := context.WithCancel(r.ctx)
	r.cancelTask = end
	r.call(within, r.Rules.TaskLimit, "technician", kiosk.Failed{Number: f.Number, Reason: kiosk.Internal}, func(ctx context.Context) answer {
		defer end()
		found, err := r.Tasks.RunTask(ctx, f.Task)
		if err != nil {
			r.Log.Error("technician", "task", f.Task.String(), "error", err)
			return answer{event: kiosk.Failed{Number: f.Number, Reason: kiosk.ReasonOf(err)}}
		}
		return answer{event: kiosk.TaskDone{Number: f.Number}, keep: func() {
			if r.isWanted(f.Number) {
				r.result = kiosk.Result{Fields: found}
			}
		}}
	})
}
