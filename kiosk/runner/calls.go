package runner

import (
	"context"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// This file has the runner's calls to the outside. Each runs beside the loop, has a time limit, and ends as one answer. Its
// secrets reach the vault before the state learns of the answer, and only if somebody still waits for it.

// call runs f beside the loop and sends its answer to the loop. If f panics, the answer is lost, and the log contains the
// stack but not the value of the panic.
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

// isWanted reports whether n is the open question.
func (r *Runner) isWanted(n kiosk.Number) bool { return n != 0 && r.state.Question == n }

func (r *Runner) failed(n kiosk.Number, what string, err error) answer {
	r.Log.Warn(what, "reason", kiosk.ReasonOf(err).String(), "error", err)
	return answer{event: kiosk.Failed{Number: n, Reason: kiosk.ReasonOf(err), Unsent: kiosk.IsUnsent(err)}}
}

func (r *Runner) ask(f kiosk.Ask) {
	id, code := r.Vault.Get(f.Number, kiosk.Identifier), r.Vault.Get(f.Number, kiosk.UserCode)
	r.Vault.Put(f.Number, kiosk.UserCode, nil) // a user code is sent once
	r.requestSent = r.Clock.Now()
	authorizer := r.authorizer(r.state.Technician)
	r.call(r.ctx, r.Rules.AskLimit, "ask", kiosk.Failed{Number: f.Number, Reason: kiosk.Internal}, func(ctx context.Context) answer {
		defer id.Zero()
		defer code.Zero()
		ack, err := authorizer.Ask(ctx, kiosk.Request{Identifier: id, Code: f.Code, UserCode: code, Flow: f.Flow, Ping: r.pingFunc(f.Number)})
		if err != nil {
			a := r.failed(f.Number, "ask", err)
			if input := kiosk.RequiredInputOf(err); input != kiosk.NothingRequired {
				a.event = kiosk.InputRequired{Number: f.Number, Input: input}
			}
			return a
		}
		return answer{
			event: kiosk.Acknowledged{
				Number: f.Number, Expires: ack.Expires, Interval: ack.Interval, Age: ack.Age,
				BindingMessage: ack.BindingMessage, ServerChose: ack.ServerChose, AmbiguousDenial: ack.AmbiguousDenial, PhoneHint: ack.PhoneHint,
			},
			store: func() {
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

// authorizer returns the authorizer of a visit. If the settings have no technicians any more, the customers' authorizer
// closes a technician's visit of the past.
func (r *Runner) authorizer(technician bool) kiosk.Authorizer {
	if technician && r.Technicians != nil {
		return r.Technicians
	}
	return r.Authorizer
}

// pingFunc returns the function that an authorizer calls when the server has an answer ready.
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
	authorizer := r.authorizer(r.state.Technician)
	lost := kiosk.Polled{Number: f.Number, Request: f.Request, Verdict: kiosk.Fatal, Reason: kiosk.Internal}
	r.call(r.polling, r.Rules.CallLimit, "poll", lost, func(ctx context.Context) answer {
		defer id.Zero()
		a := authorizer.Poll(ctx, id)
		if a.Err != nil {
			r.Log.Info("poll", "error", a.Err)
		}
		return answer{
			event: kiosk.Polled{Number: f.Number, Request: f.Request, Verdict: a.Verdict, Reason: a.Reason,
				RetryAfter: a.RetryAfter, Interval: a.Interval, ServerReached: a.ServerReached, Jitter: jitter,
				Tokens: a.Verdict == kiosk.Fatal && a.Tokens.Revocable()},
			store: func() {
				if a.Tokens.Revocable() {
					r.storeTokens(f.Request, a.Tokens)
				}
			},
		}
	})
}

func (r *Runner) storeTokens(n kiosk.Number, t kiosk.Tokens) {
	r.Vault.Put(n, kiosk.AccessToken, t.Access)
	r.Vault.Put(n, kiosk.IDToken, t.ID)
	r.Vault.Put(n, kiosk.RefreshToken, t.Refresh)
	r.requests[n] = kiosk.Tokens{Client: t.Client, Type: t.Type, Scope: t.Scope, Expires: t.Expires}
	t.Zero()
}

func (r *Runner) verify(f kiosk.Verify) {
	t := r.tokens(f.Request)
	expected := kiosk.Expectation{
		Identifier:      r.Vault.Get(f.Request, kiosk.Identifier),
		RequestID:       r.Vault.Get(f.Request, kiosk.RequestID),
		ExpectedSubject: r.Vault.Get(f.Request, kiosk.ExpectedSubject),
		// By the present wall clock: it may have been set since.
		RequestedAt: r.Clock.Wall().Add(r.requestSent - r.Clock.Now()),
	}
	authorizer := r.authorizer(r.state.Technician)
	r.call(r.ctx, r.Rules.CallLimit, "verify", kiosk.Failed{Number: f.Number, Reason: kiosk.Internal}, func(ctx context.Context) answer {
		defer t.Zero()
		defer expected.Identifier.Zero()
		defer expected.RequestID.Zero()
		defer expected.ExpectedSubject.Zero()
		person, err := authorizer.Verify(ctx, t, expected)
		if err != nil {
			return r.failed(f.Number, "verify", err)
		}
		return answer{event: kiosk.Verified{Number: f.Number}, store: func() {
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
		return answer{event: kiosk.Fetched{Number: f.Number}, store: func() {
			if r.isWanted(f.Number) {
				r.result = result
			}
		}}
	})
}

// runTask runs a technician's task. A new task cancels the one in progress, so that nobody waits for a task they left and
// tasks do not pile up.
func (r *Runner) runTask(f kiosk.RunTask) {
	r.Log.Info("technician", "task", f.Task.String(), "visit", r.state.Request.Visit, "approved", !r.state.Menu.Unauthenticated)
	r.result = kiosk.Result{}
	if r.cancelTask != nil {
		r.cancelTask()
	}
	ctx, cancel := context.WithCancel(r.ctx)
	r.cancelTask = cancel
	r.call(ctx, r.Rules.TaskLimit, "technician", kiosk.Failed{Number: f.Number, Reason: kiosk.Internal}, func(ctx context.Context) answer {
		defer cancel()
		found, err := r.Tasks.RunTask(ctx, f.Task)
		if err != nil {
			r.Log.Error("technician", "task", f.Task.String(), "error", err)
			return answer{event: kiosk.Failed{Number: f.Number, Reason: kiosk.ReasonOf(err)}}
		}
		return answer{event: kiosk.TaskDone{Number: f.Number}, store: func() {
			if r.isWanted(f.Number) {
				r.result = kiosk.Result{Fields: found}
			}
		}}
	})
}
