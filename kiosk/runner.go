package kiosk

import (
	"context"
	"log/slog"
	"time"
	"unicode/utf8"
)

// Runner carries visits out: an event comes in, Step decides, records are
// written, effects go out, the screen is shown. Its Run is the one goroutine that
// owns the state. All fields must be set before Run.
type Runner struct {
	Rules      Rules
	Authorizer Authorizer
	Resource   Resource
	Journal    Journal
	Vault      Vault
	Guard      Guard
	Display    Display
	Clock      Clock
	// Technicians is the authorizer of technicians' visits, which asks for nothing but who
	// they are and lets nobody pass who is none; and TaskRunner is what their menu does. nil:
	// there is no menu (Rules.Technicians).
	Technicians Authorizer
	Tasks       TaskRunner
	// RevocationQueue may be nil: then what cannot be given back is forgotten when the program ends.
	Revocations RevocationQueue
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
	Closures Closures

	state       State
	answers     chan answer
	pending     int             // calls that have not been answered
	ctx         context.Context // ends when the kiosk is told to stop
	person      Person
	result      Result
	grant       Grant
	pings       chan Number       // requests of which the server says that an answer is ready
	requestSent time.Duration     // when the present request left, by uptime
	requests    map[Number]Tokens // requests that the vault may hold something of, with their tokens' types; the tokens themselves are not here
	cancelTask  func()            // ends the technician's task that is under way; nil before the first
	stopped     chan struct{}     // closed when Run has returned: nobody takes answers any more
	queued      []Event           // answers that came at once, to be stepped before anything else
}

// answer is what a call brought back, with what must reach the vault before the
// state hears of it.
type answer struct {
	event  Event
	keep   func()
	record *Record
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
func (r *Runner) Run(ctx context.Context, events <-chan Event) {
	calls, stopCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCalls()
	r.ctx, r.answers, r.stopped = calls, make(chan answer), make(chan struct{})
	r.pings = make(chan Number, waitingPings)
	defer close(r.stopped)
	r.requests = map[Number]Tokens{}
	r.state = New(r.Rules)
	r.recover()
	if r.Closures != 0 {
		r.step(ClosureChanged{Closure: r.Closures, On: true})
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
			r.step(Stop{})
		case e := <-events:
			r.step(e)
		case a := <-r.answers:
			r.handleAnswer(a)
		case n := <-r.pings:
			r.step(Pinged{n})
		case <-timer.C:
			r.step(Tick{})
		}
	}
	stopCalls()
	r.drain()
}

// arm sets the timer to the next instant at which time alone changes something.
func (r *Runner) arm(t *time.Timer) {
	now := r.Clock.Now()
	at, ok := Wake(r.state, now)
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
func (r *Runner) step(e Event) {
	r.queued = append(r.queued, e)
	for len(r.queued) > 0 {
		e, r.queued = r.queued[0], r.queued[1:]
		before := r.state
		var effects []Effect
		r.state, effects = Step(r.state, r.Clock.Now(), e)
		for _, f := range effects {
			if !r.carryOut(f) {
				break
			}
		}
		if r.state.Phase != before.Phase {
			r.Log.Info("visit", "phase", r.state.Phase.String(), "visit", r.state.Visit, "reason", r.state.Reason.String())
		}
		r.show()
	}
}

// hiddenHint stands for a login hint token on the screen: whoever photographs one
// could use it elsewhere.
const hiddenHint = "***"

func (r *Runner) show() {
	p := Private{Person: r.person, Result: r.result}
	if r.state.Phase == Identify {
		d := r.Vault.Get(0, Identifier)
		p.Input = string(d)
		d.Zero()
		if MayBecomeHintToken(p.Input) {
			p.Input = hiddenHint
		}
	}
	if r.state.Phase == Waiting {
		p.Grant = r.grant
	}
	r.Display.Show(r.Clock.Now(), r.state, p)
}

func (r *Runner) enqueue(e Event) { r.queued = append(r.queued, e) }

// carryOut does one effect; false stops those behind it.
func (r *Runner) carryOut(f Effect) bool {
	switch f := f.(type) {
	case EditInput:
		r.edit(f)
	case SetInput:
		r.fill(f)
	case Prepare:
		r.prepare(f)
	case Commit:
		if !r.append(r.stamp(f.Record)) {
			r.enqueue(Unrecorded{f.Record.Stage})
			return f.Record.Stage.Final() // nothing depends on an ending
		}
	case Ask:
		r.ask(f)
	case Poll:
		r.poll(f)
	case Verify:
		r.verify(f)
	case Fetch:
		r.fetch(f)
	case RunTask:
		r.runTask(f)
	case Revoke:
		r.revoke(f.Request)
	case Wipe:
		r.wipe()
		r.enqueue(Wiped{f.Request})
	}
	return true
}

func (r *Runner) edit(f EditInput) {
	d := r.Vault.Get(0, f.Item)
	most := MaxIdentifier
	switch {
	case f.Item == UserCode:
		most = MaxUserCode
	case MayBecomeHintToken(string(d)):
		most = MaxHintToken
	}
	// Room for one more, so that append leaves no copy behind that nobody zeroes.
	room := append(make(Secret, 0, len(d)+utf8.UTFMax), d...)
	d.Zero()
	d = room
	defer func() { d[:cap(d)].Zero() }()
	switch {
	case f.Erase:
		_, n := utf8.DecodeLastRune(d)
		d = d[:len(d)-n]
	case Printable(f.Rune) && utf8.RuneCount(d) < most:
		d = utf8.AppendRune(d, f.Rune)
	}
	r.inputChanged(f.Item, d, false)
}

func (r *Runner) fill(f SetInput) {
	if f.Item == UserCode {
		r.inputChanged(UserCode, f.Text, true)
		f.Text.Zero()
		return
	}
	d := Secret(Trim(r.Rules.Kind, string(f.Text))) // a scanner's blanks are nobody's name
	r.inputChanged(Identifier, d, true)
	d.Zero()
}

func (r *Runner) inputChanged(i Item, d Secret, whole bool) {
	r.Vault.Put(0, i, d)
	e := InputChanged{Length: utf8.RuneCount(d), Complete: whole}
	if i == UserCode {
		e.Problem = CheckUserCode(string(d))
	} else {
		text := Trim(r.Rules.Kind, string(d))
		e.Problem, e.Masked = Check(r.Rules.Kind, text), Mask(r.Rules.Kind, text)
	}
	r.enqueue(e)
}

func (r *Runner) prepare(f Prepare) {
	d := r.Vault.Get(f.From, Identifier)
	text := Trim(r.Rules.Kind, string(d))
	d.Zero()
	id := Secret(text)
	defer id.Zero()
	code := r.Vault.Get(0, UserCode)
	defer code.Zero()
	r.Vault.Wipe(f.From)
	r.Vault.Wipe(0)
	r.Vault.Put(f.Number, Identifier, id)
	r.requests[f.Number] = Tokens{}
	r.grant = Grant{}
	hold, err := Throttle{}, error(nil)
	if f.Road == Backchannel {
		hold, err = r.Guard.Allow(id)
	}
	switch {
	case err != nil:
		r.Log.Error("guard", "error", err)
		r.enqueue(Failed{f.Number, ReasonOf(err)})
	case hold.Wait > 0:
		r.Log.Warn("guard", "held_back", hold.Wait.Round(time.Second), "pestered", hold.Abuse)
		r.enqueue(Throttled{f.Number, hold})
	default:
		r.Vault.Put(f.Number, UserCode, code)
		visit, code := r.NewVisit()
		r.enqueue(Prepared{f.Number, visit, code})
	}
}

// stamp adds what the state does not know to a record.
func (r *Runner) stamp(rec Record) Record {
	rec.Wall, rec.Boot, rec.Uptime = r.Clock.Wall(), r.Clock.Boot(), r.Clock.Now()
	n := r.state.Request
	if rec.Stage.Final() {
		return rec
	}
	if rec.Stage == StageAcknowledged {
		// By the wall clock as it is now, whatever it was then.
		rec.SentAt = rec.Wall.Add(rec.Sent - rec.Uptime)
	}
	rec.Secrets.Identifier = r.Vault.Get(n, Identifier)
	if rec.Stage == StageAcknowledged || rec.Stage == StageGranted {
		rec.Secrets.RequestID = r.Vault.Get(n, RequestID)
		rec.Secrets.ExpectedSubject = r.Vault.Get(n, ExpectedSubject)
	}
	if rec.Stage == StageGranted {
		rec.Secrets.Tokens = r.tokens(n)
	}
	return rec
}

func (r *Runner) append(rec Record) bool {
	err := r.Journal.Append(rec)
	rec.Secrets.zero()
	if err != nil {
		r.Log.Error("journal", "stage", rec.Stage.String(), "error", err)
	}
	return err == nil
}

func (r *Runner) tokens(n Number) Tokens {
	return Tokens{
		Access:  r.Vault.Get(n, AccessToken),
		ID:      r.Vault.Get(n, IDToken),
		Refresh: r.Vault.Get(n, RefreshToken),
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
	r.person, r.result, r.grant = Person{}, Result{}, Grant{}
}
