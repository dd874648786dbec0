// Package runner plays visits. Its one goroutine owns the state: an event comes in, kiosk.Step decides, records are written,
// effects are carried out through the ports of package kiosk, and the screen is shown. The timers and the randomness of a
// visit are here. What a visit does is decided in package kiosk, what a person sees in kiosk/screen.
package runner

import (
	"context"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Observer is told each state before it is shown, with the uptime. It is for what follows visits without taking part in them,
// such as statistics, health and the scrubbing of memory. It runs in the runner's goroutine: it must return at once, and it
// cannot change the visit. A State holds no secret.
type Observer func(now time.Duration, s kiosk.State)

// Runner plays visits. All fields must be set before Run, except where they say otherwise.
type Runner struct {
	Rules      kiosk.Rules
	Authorizer kiosk.Authorizer
	Resource   kiosk.Resource
	Journal    kiosk.Journal
	Vault      kiosk.Vault
	Guard      kiosk.Guard
	Display    kiosk.Display
	Clock      kiosk.Clock

	// Technicians is the authorizer of technicians' visits: it requests no more than who they are, and accepts technicians
	// only. Tasks runs what they choose. Both are nil if there is no menu (Rules.Technicians).
	Technicians kiosk.Authorizer
	Tasks       kiosk.TaskRunner
	// Revocations may be nil: then tokens that could not be revoked are forgotten when the program ends.
	Revocations kiosk.RevocationQueue
	// Observers may be nil.
	Observers []Observer
	// NewVisit makes a visit's name and a code for both screens, new each time.
	NewVisit func() (visit, code string)
	// Log gets nothing personal.
	Log *slog.Logger
	// Trusted says whether the wall clock is known to be right, for kiosk.Recover.
	Trusted bool
	// Resume lets an interrupted visit continue in Waiting. Without a screen nobody waits, so it is only closed.
	Resume bool
	// Closures keep the device out of service when Run begins.
	Closures kiosk.Closures

	state       kiosk.State
	queue       []kiosk.Event // events that came at once, to be stepped before any other
	answers     chan answer
	pending     int               // calls without an answer
	pings       chan kiosk.Number // requests for which the server has an answer ready
	ctx         context.Context   // of the calls; ends when Run ends
	polling     context.Context   // of the polls in flight; ends pollGrace later
	stopped     chan struct{}     // closed when Run has returned: nobody receives answers any more
	cancelTask  func()            // ends the technician's task in progress; nil before the first
	requestSent time.Duration     // uptime when the present request was sent
	// requests has each request that may have secrets in the vault, with the public part of its tokens.
	requests map[kiosk.Number]kiosk.Tokens
	person   kiosk.Person
	result   kiosk.Result
	grant    kiosk.Grant
}

// answer is the outcome of a call. store puts its secrets into the vault before the state learns of it.
type answer struct {
	event  kiosk.Event
	store  func()
	record *kiosk.Record
}

// revokeTimeout is how long a stop waits for one attempt at revocation.
const revokeTimeout = 5 * time.Second

// pollGrace is how long a stop waits for a poll in flight: its response may contain tokens, which the server issues only once
// and which stay valid unless they are revoked. A response that is already on its way arrives in a second or two; a server
// that holds polls (long polling) has issued none yet.
const pollGrace = 3 * time.Second

// drainTimeout leaves time to write to disk what could not be revoked.
const drainTimeout = pollGrace + revokeTimeout + 2*time.Second

// maxPings is how many pings can wait for the loop. A request has one. A ping that is dropped does no harm: the next poll
// comes anyway.
const maxPings = 16

// Run plays visits until ctx ends, ends the visit in progress and returns. Events come from the front end and
// from the control socket.
func (r *Runner) Run(ctx context.Context, events <-chan kiosk.Event) {
	calls, stopCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCalls()
	polls, stopPolls := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPolls()
	r.polling = polls
	r.ctx, r.answers, r.stopped = calls, make(chan answer), make(chan struct{})
	r.pings = make(chan kiosk.Number, maxPings)
	defer close(r.stopped)
	r.requests = map[kiosk.Number]kiosk.Tokens{}
	r.state = kiosk.New(r.Rules)
	r.recover()
	if r.Closures != 0 {
		r.step(kiosk.ClosureChanged{Closure: r.Closures, On: true})
	}
	r.show()

	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	done := ctx.Done()
	for !(r.state.Stopping && !r.state.Busy()) {
		r.setTimer(timer)
		select {
		case <-done:
			done = nil
			r.step(kiosk.Stop{})
		case e := <-events:
			r.step(e)
		case a := <-r.answers:
			r.handleAnswer(a)
		case n := <-r.pings:
			r.step(kiosk.Pinged{Request: n})
		case <-timer.C:
			r.step(kiosk.Tick{})
		}
	}
	stopCalls()
	defer time.AfterFunc(pollGrace, stopPolls).Stop()
	r.drain()
}

// setTimer sets the timer to the next time at which time alone changes something.
func (r *Runner) setTimer(t *time.Timer) {
	now := r.Clock.Now()
	at, ok := kiosk.Wake(r.state, now)
	if !ok {
		t.Stop()
		return
	}
	t.Reset(at - now)
}

// drain waits for the calls in flight, so that their tokens are revoked and no goroutine is left.
func (r *Runner) drain() {
	limit := time.NewTimer(drainTimeout)
	defer limit.Stop()
	for r.pending > 0 {
		select {
		case a := <-r.answers:
			r.handleAnswer(a)
		case <-limit.C:
			return
		}
	}
}

func (r *Runner) handleAnswer(a answer) {
	r.pending--
	if a.store != nil {
		a.store()
	}
	if a.record != nil {
		r.append(*a.record)
	}
	if a.event != nil {
		r.step(a.event)
	}
}

// step handles one event and the events that follow from it at once.
func (r *Runner) step(e kiosk.Event) {
	r.queue = append(r.queue, e)
	for len(r.queue) > 0 {
		e, r.queue = r.queue[0], r.queue[1:]
		before := r.state
		var effects []kiosk.Effect
		r.state, effects = kiosk.Step(r.state, r.Clock.Now(), e)
		for _, f := range effects {
			if !r.carryOut(f) {
				break
			}
		}
		if r.state.Phase != before.Phase {
			r.Log.Info("visit", "phase", r.state.Phase.String(), "visit", r.state.Request.Visit, "reason", r.state.Ending.Reason.String())
		}
		r.show()
	}
}

// hiddenHint is shown in place of a login hint token: a photograph of one could be used elsewhere.
const hiddenHint = "***"

func (r *Runner) show() {
	now := r.Clock.Now()
	for _, observe := range r.Observers {
		observe(now, r.state)
	}
	p := kiosk.Private{Person: r.person, Result: r.result}
	if r.state.Phase == kiosk.Identify {
		d := r.Vault.Get(0, kiosk.Identifier)
		p.Input = string(d)
		d.Zero()
		if kiosk.MayBecomeHintToken(p.Input) {
			p.Input = hiddenHint
		}
	}
	if r.state.Phase == kiosk.Waiting {
		p.Grant = r.grant
	}
	r.Display.Show(now, r.state, p)
}

func (r *Runner) enqueue(e kiosk.Event) { r.queue = append(r.queue, e) }

// carryOut carries out one effect and reports whether the next one may follow.
func (r *Runner) carryOut(f kiosk.Effect) bool {
	switch f := f.(type) {
	case kiosk.EditInput:
		r.editInput(f)
	case kiosk.SetInput:
		r.setInput(f)
	case kiosk.Prepare:
		r.prepare(f)
	case kiosk.Commit:
		if !r.append(r.stamp(f.Record)) {
			r.enqueue(kiosk.Unrecorded{Stage: f.Record.Stage})
			return f.Record.Stage.Final() // nothing depends on an ending
		}
	case kiosk.Ask:
		r.ask(f)
	case kiosk.Poll:
		r.poll(f)
	case kiosk.Verify:
		r.verify(f)
	case kiosk.Fetch:
		r.fetch(f)
	case kiosk.RunTask:
		r.runTask(f)
	case kiosk.Revoke:
		r.revoke(f.Request)
	case kiosk.Wipe:
		r.wipe()
		r.enqueue(kiosk.Wiped{Request: f.Request})
	}
	return true
}

// editInput adds or removes one character.
func (r *Runner) editInput(f kiosk.EditInput) {
	d := r.Vault.Get(0, f.Item)
	limit := kiosk.MaxIdentifier
	switch {
	case f.Item == kiosk.UserCode:
		limit = kiosk.MaxUserCode
	case kiosk.MayBecomeHintToken(string(d)):
		limit = kiosk.MaxHintToken
	}
	// Room for one more character, so that append makes no copy that nobody zeroes.
	room := append(make(kiosk.Secret, 0, len(d)+utf8.UTFMax), d...)
	d.Zero()
	d = room
	defer func() { d[:cap(d)].Zero() }()
	switch {
	case f.Erase:
		_, n := utf8.DecodeLastRune(d)
		d = d[:len(d)-n]
	case kiosk.Printable(f.Rune) && utf8.RuneCount(d) < limit:
		d = utf8.AppendRune(d, f.Rune)
	}
	r.inputChanged(f.Item, d, false)
}

// setInput replaces the whole input.
func (r *Runner) setInput(f kiosk.SetInput) {
	if f.Item == kiosk.UserCode {
		r.inputChanged(kiosk.UserCode, f.Text, true)
		f.Text.Zero()
		return
	}
	d := kiosk.Secret(kiosk.Trim(r.Rules.Kind, string(f.Text))) // a scanner may send blanks around it
	r.inputChanged(kiosk.Identifier, d, true)
	d.Zero()
}

func (r *Runner) inputChanged(i kiosk.Item, d kiosk.Secret, complete bool) {
	r.Vault.Put(0, i, d)
	e := kiosk.InputChanged{Length: utf8.RuneCount(d), Complete: complete}
	if i == kiosk.UserCode {
		e.Problem = kiosk.CheckUserCode(string(d))
	} else {
		text := kiosk.Trim(r.Rules.Kind, string(d))
		e.Problem, e.Masked = kiosk.Check(r.Rules.Kind, text), kiosk.Mask(r.Rules.Kind, text)
	}
	r.enqueue(e)
}

func (r *Runner) prepare(f kiosk.Prepare) {
	d := r.Vault.Get(f.From, kiosk.Identifier)
	text := kiosk.Trim(r.Rules.Kind, string(d))
	d.Zero()
	id := kiosk.Secret(text)
	defer id.Zero()
	code := r.Vault.Get(0, kiosk.UserCode)
	defer code.Zero()
	r.Vault.Wipe(f.From)
	r.Vault.Wipe(0)
	r.Vault.Put(f.Number, kiosk.Identifier, id)
	r.requests[f.Number] = kiosk.Tokens{}
	r.grant = kiosk.Grant{}
	var throttle kiosk.Throttle
	var err error
	if f.Flow == kiosk.Backchannel {
		throttle, err = r.Guard.Allow(id, len(code) > 0)
	}
	switch {
	case err != nil:
		r.Log.Error("guard", "error", err)
		r.enqueue(kiosk.Failed{Number: f.Number, Reason: kiosk.ReasonOf(err)})
	case throttle.Wait > 0:
		r.Log.Warn("guard", "held_back", throttle.Wait.Round(time.Second), "abuse", throttle.Abuse)
		r.enqueue(kiosk.Throttled{Number: f.Number, Throttle: throttle})
	default:
		r.Vault.Put(f.Number, kiosk.UserCode, code)
		visit, code := r.NewVisit()
		r.enqueue(kiosk.Prepared{Number: f.Number, Visit: visit, Code: code})
	}
}

// stamp adds times and secrets to a record.
func (r *Runner) stamp(rec kiosk.Record) kiosk.Record {
	rec.Wall, rec.Boot, rec.Uptime = r.Clock.Wall(), r.Clock.Boot(), r.Clock.Now()
	n := r.state.Request.Number
	if rec.Stage.Final() {
		return rec
	}
	if rec.Stage == kiosk.StageAcknowledged {
		// By the present wall clock: it may have been set since.
		rec.SentAt = rec.Wall.Add(rec.Sent - rec.Uptime)
	}
	rec.Secrets.Identifier = r.Vault.Get(n, kiosk.Identifier)
	if rec.Stage == kiosk.StageAcknowledged || rec.Stage == kiosk.StageGranted {
		rec.Secrets.RequestID = r.Vault.Get(n, kiosk.RequestID)
		rec.Secrets.ExpectedSubject = r.Vault.Get(n, kiosk.ExpectedSubject)
	}
	if rec.Stage == kiosk.StageGranted {
		rec.Secrets.Tokens = r.tokens(n)
	}
	return rec
}

func (r *Runner) append(rec kiosk.Record) bool {
	err := r.Journal.Append(rec)
	rec.Secrets.Zero()
	if err != nil {
		r.Log.Error("journal", "stage", rec.Stage.String(), "error", err)
	}
	return err == nil
}

func (r *Runner) tokens(n kiosk.Number) kiosk.Tokens {
	return kiosk.Tokens{
		Access:  r.Vault.Get(n, kiosk.AccessToken),
		ID:      r.Vault.Get(n, kiosk.IDToken),
		Refresh: r.Vault.Get(n, kiosk.RefreshToken),
		Client:  r.requests[n].Client,
		Type:    r.requests[n].Type,
		Scope:   r.requests[n].Scope,
		Expires: r.requests[n].Expires,
	}
}

// wipe overwrites everything that the vault and the runner hold of the visit.
func (r *Runner) wipe() {
	if r.cancelTask != nil {
		r.cancelTask()
	}
	r.Vault.Wipe(0)
	for n := range r.requests {
		r.Vault.Wipe(n)
		delete(r.requests, n)
	}
	r.person, r.result, r.grant = kiosk.Person{}, kiosk.Result{}, kiosk.Grant{}
}
