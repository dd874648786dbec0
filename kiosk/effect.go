package kiosk

// Effect is something the visit wants done. The runner carries out the effects
// of one step in order; a Commit that fails stops those behind it, unless it was
// an ending, on which nothing depends.
type Effect interface{ effect() }

type (
	// EditInput changes a draft in the vault; answered by InputChanged at once.
	EditInput struct {
		Item  Item // Identifier or UserCode
		Rune  rune // added, if not 0
		Erase bool // one character back
	}
	// SetInput sets a whole draft; answered by InputChanged at once.
	SetInput struct {
		Text Secret
		Item Item // Identifier or UserCode
	}
	// Prepare asks the guard and draws a visit name and a code; answered by
	// Prepared, Throttled or Failed at once. From is the request that held the
	// identifier before: 0 for the draft, else the one that is asked again. A user
	// code that was typed goes with it.
	// On the second road nobody's phone rings, so the guard is not asked.
	Prepare struct {
		Number, From Number
		Flow         Flow
	}
	// Commit puts a record into the journal and returns when it is on disk.
	Commit struct{ Record Record }
	// Ask sends the backchannel authentication request, or on the second road the
	// device authorization request; answered by Acknowledged, InputRequired or Failed.
	Ask struct {
		Number Number
		Code   string
		Flow   Flow
	}
	// Poll asks the token endpoint once; answered by Polled.
	Poll struct{ Number, Request Number }
	// Verify checks the tokens and the approver; answered by Verified or Failed.
	Verify struct{ Number, Request Number }
	// Fetch calls the protected API; answered by Fetched or Failed.
	Fetch struct{ Number, Request Number }
	// RunTask has a technician's task done; answered by TaskDone or Failed.
	RunTask struct {
		Number Number
		Task   Task
	}
	// Revoke takes the tokens out of the vault and gives them back to the server; not answered.
	Revoke struct{ Request Number }
	// Wipe overwrites all that the vault holds of the draft and of every request; answered by Wiped.
	Wipe struct{ Request Number }
)

func (EditInput) effect() {}
func (SetInput) effect()  {}
func (Prepare) effect()   {}
func (Commit) effect()    {}
func (Ask) effect()       {}
func (Poll) effect()      {}
func (Verify) effect()    {}
func (Fetch) effect()     {}
func (RunTask) effect()   {}
func (Revoke) effect()    {}
func (Wipe) effect()      {}
