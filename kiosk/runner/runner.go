// Package runner plays visits: it owns the state, in one goroutine, and carries out the effects that kiosk.Step asks for
// through the ports of package kiosk. Timers and randomness are here and nowhere in package kiosk.
package runner

import (
	"context"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"log/slog"
	"time"
	"unicode/utf8"
)

// Runner carries visits out: an event comes in, Step decides, records are
// written, effects go out, the screen is shown. Its Run is the one goroutine that
// owns the state. All fields must be set before Run.
type Runner struct {
	Rules      kiosk.Rules
	Authorizer kiosk.Authorizer
	Resource   kiosk.Resource
	Journal    kiosk.Journal
	Vault      kiosk.Vault
	Guard      kiosk.Guard
	Display    kiosk.Display
	Clock      kiosk.Clock
	// Technicians is the authorizer of technicians' visits, which asks for nothing but who
	// they are and lets nobody pass who is none; and TaskRunner is what their menu does. nil:
	// there is no menu (Rules.Technicians).
	Technicians kiosk.Authorizer
	Tasks       kiosk.TaskRunner
	// RevocationQueue may be nil: then what cannot be given back is forgotten when the program ends.
	Revocations kiosk.RevocationQueue
	// Draw makes a visit's name and a code for both screens, each time new.
	NewVisit func() (visit, code string)
	// Log gets words and numbers, never anything personal.
	Log *slog.Logger
	// Trusted says whether the wall clock is known to be right, for Recover.
	Trusted bool
	// Resume lets an interrupted visit go on at its Waiting screen. Without it
	// (no screen, so nobody stands there) such a visit is only closed.
	Resume bool
	// Closures is what keeps the device out of service when Run begins.
	Closures kiosk.Closures

	state       kiosk.State
	answers     chan answer
	pending     int             // calls that have not been answered
	ctx         context.Context // ends when the kiosk is told to stop
	person      kiosk.Person
	result      kiosk.Result
	grant       kiosk.Grant
	pings       chan kiosk.Number             // requests of which the server says that an answer is ready
	requestSent time.Duration                 // when the present request left, by uptime
	requests    map[kiosk.Number]kiosk.Tokens // requests that the vault may hold something of, with their tokens' types; the tokens themselves are not here
	cancelTask  func()                        // ends the technician's task that is under way; nil before the first
	stopped     chan struct{}                 // closed when Run has returned: nobody takes answers any more
	queued      []kiosk.Event                 // answers that came at once, to be stepped before anything else
}

// answer is what a call brought back, with what must reach the vault before the
// state hears of it.
type answer struct {
	event  kiosk.Event
	keep   func()
	record *kiosk.Record
}

// revokeLimit is how long a stop waits for tokens to be given back.
const revokeLimit = 5 * time.Second

// drainLimit leaves time to put on disk what could not be given back.
const drainLimit = revokeLimit + 2*time.Second

// waitingPings is how many pings may wait for the loop. There is one a request, and
// one that finds no room is not missed: a poll comes anyhow.
const waitingPings = 16

// Run plays visits until ctx ends, then ends the one under way and returns.
// Events come from the display and whoever else may speak to the kiosk.
func (r *Runner) Run(ctx context.Context, events <-chan kiosk.Event) {
	calls, stopCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCalls()
	r.ctx, r.answers, r.stopped = calls, make(chan answer), make(chan struct{})
	r.pings = make(chan kiosk.Number, waitingPings)
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
		r.arm(timer)
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
	r.drain()
}

// arm sets the timer to the next instant at which time alone changes something.
func (r *Runner) arm(t *time.Timer) {
	now := r.Clock.Now()
	at, ok := kiosk.Wake(r.state, now)
	if !ok {
		t.Stop()
		return
	}
	t.Reset(at - now)
}

// drain lets calls that were under way come to their end, so that tokens are
// given back and nothing is left running.
func (r *Runner) drain() {
	limit := time.NewTimer(drainLimit)
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
	if a.keep != nil {
		a.keep()
	}
	if a.record != nil {
		r.append(*a.record)
	}
	if a.event != nil {
		r.step(a.event)
	}
}

// step runs one event and whatever it brings about at once.
func (r *Runner) step(e kiosk.Event) {
	r.queued = append(r.queued, e)
	for len(r.queued) > 0 {
		e, r.queued = r.queued[0], r.queued[1:]
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

// hiddenHint stands for a login hint token on the screen: whoever photographs one
// could use it elsewhere.
const hiddenHint = "***"

func (r *Runner) show() {
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
	r.Display.Show(r.Clock.Now(), r.state, p)
}

func (r *Runner) enqueue(e kiosk.Event) { r.queued = append(r.queued, e) }

// carryOut does one effect; false stops those behind it.
func (r *Runner) carryOut(f kiosk.Effect) bool {
	switch f := f.(type) {
	case kiosk.EditInput:
		r.edit(f)
	case kiosk.SetInput:
		r.fill(f)
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

func (r *Runner) edit(f kiosk.EditInput) {
	d := r.Vault.Get(0, f.Item)
	most := kiosk.MaxIdentifier
	switch {
	case f.Item == kiosk.UserCode:
		most = kiosk.MaxUserCode
	case kiosk.MayBecomeHintToken(string(d)):
		most = kiosk.MaxHintToken
	}
	// Room for one more, so that append leaves no copy behind that nobody zeroes.
	room := append(make(kiosk.Secret, 0, len(d)+utf8.UTFMax), d...)
	d.Zero()
	d = room
	defer func() { d[:cap(d)].Zero() }()
	switch {
	case f.Erase:
		_, n := utf8.DecodeLastRune(d)
		d = d[:len(d)-n]
	case kiosk.Printable(f.Rune) && utf8.RuneCount(d) < most:
		d = utf8.AppendRune(d, f.Rune)
	}
	r.inputChanged(f.Item, d, false)
}

func (r *Runner) fill(f kiosk.SetInput) {
	if f.Item == kiosk.UserCode {
		r.inputChanged(kiosk.UserCode, f.Text, true)
		f.Text.Zero()
		return
	}
	d := kiosk.Secret(kiosk.Trim(r.Rules.Kind, string(f.Text))) // a scanner's blanks are nobody's name
	r.inputChanged(kiosk.Identifier, d, true)
	d.Zero()
}

func (r *Runner) inputChanged(i kiosk.Item, d kiosk.Secret, whole bool) {
	r.Vault.Put(0, i, d)
	e := kiosk.InputChanged{Length: utf8.RuneCount(d), Complete: whole}
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
	hold, err := kiosk.Throttle{}, error(nil)
	if f.Flow == kiosk.Backchannel {
		hold, err = r.Guard.Allow(id)
	}
	switch {
	case err != nil:
		r.Log.Error("guard", "error", err)
		r.enqueue(kiosk.Failed{Number: f.Number, Reason: kiosk.ReasonOf(err)})
	case hold.Wait > 0:
		r.Log.Warn("guard", "held_back", hold.Wait.Round(time.Second), "pestered", hold.Abuse)
		r.enqueue(kiosk.Throttled{Number: f.Number, Throttle: hold})
	default:
		r.Vault.Put(f.Number, kiosk.UserCode, code)
		visit, code := r.NewVisit()
		r.enqueue(kiosk.Prepared{Number: f.Number, Visit: visit, Code: code})
	}
}

// stamp adds what the state does not know to a record.
func (r *Runner) stamp(rec kiosk.Record) kiosk.Record {
	rec.Wall, rec.Boot, rec.Uptime = r.Clock.Wall(), r.Clock.Boot(), r.Clock.Now()
	n := r.state.Request.Number
	if rec.Stage.Final() {
		return rec
	}
	if rec.Stage == kiosk.StageAcknowledged {
		// By the wall clock as it is now, whatever it was then.
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

// wipe forgets everything of the visit.
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
