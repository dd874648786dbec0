package kiosk

// Effect is something that the runner has to do. It carries out the effects of one step in order. If a Commit fails, it
// skips the effects after it, unless the record was an ending, on which nothing depends.
type Effect interface{ effect() }

type (
	// EditInput changes the input in the vault; answered by InputChanged at once.
	EditInput struct {
		Item  Item // Identifier or UserCode
		Rune  rune // to be appended, if not 0
		Erase bool // remove the last character
	}
	// SetInput sets the whole input; answered by InputChanged at once.
	SetInput struct {
		Text Secret
		Item Item // Identifier or UserCode
	}
	// Prepare asks the guard and makes a visit name and a code; answered by Prepared, Throttled or Failed at once. From is
	// the request that held the identifier before, or 0 for the input. A typed user code goes with it. In the device flow
	// no phone rings, so the guard is not asked.
	Prepare struct {
		Number, From Number
		Flow         Flow
	}
	// Commit puts a record into the journal. The next effect follows when it is on disk.
	Commit struct{ Record Record }
	// Ask sends the backchannel authentication request, or the device authorization request; answered by Acknowledged,
	// InputRequired or Failed.
	Ask struct {
		Number Number
		Code   string
		Flow   Flow
	}
	// Poll sends one request to the token endpoint; answered by Polled.
	Poll struct{ Number, Request Number }
	// Verify validates the tokens and the approver; answered by Verified or Failed.
	Verify struct{ Number, Request Number }
	// Fetch calls the protected API; answered by Fetched or Failed.
	Fetch struct{ Number, Request Number }
	// RunTask runs a technician's task; answered by TaskDone or Failed.
	RunTask struct {
		Number Number
		Task   Task
	}
	// Revoke takes the tokens out of the vault and revokes them; not answered.
	Revoke struct{ Request Number }
	// Wipe overwrites everything that the vault holds of the visit; answered by Wiped.
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
