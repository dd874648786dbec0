package kiosk

import (
	"fmt"
	"time"
)

// Stage is how far a visit had come when a record was written.
type Stage uint8

// The stages, in the order in which they can follow each other.
const (
	StageAsking       Stage = iota + 1 // before the backchannel authentication request leaves
	StageAcknowledged                  // acknowledged; before the first poll, and again when the server slows us down
	StageGranted                       // tokens came; the auth_req_id is redeemed and never polled again
	StageShown                         // the result was delivered
	StageEnded                         // ended without a result, for Reason
	StageAbandoned                     // left while nobody could know whether the phone rang
)

var stages = [...]string{"", "asking", "asked", "granted", "shown", "ended", "abandoned"}

// String is the stage's name in the journal.
func (s Stage) String() string {
	if s == 0 || int(s) >= len(stages) {
		return fmt.Sprintf("stage(%d)", uint8(s))
	}
	return stages[s]
}

// MarshalText writes the stage's name.
func (s Stage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a stage's name; an unknown one is an error.
func (s *Stage) UnmarshalText(b []byte) error {
	for i := 1; i < len(stages); i++ {
		if stages[i] == string(b) {
			*s = Stage(i)
			return nil
		}
	}
	return fmt.Errorf("stage: unknown name of %d bytes", len(b))
}

// Final says whether nothing can follow this stage.
func (s Stage) Final() bool { return s >= StageShown }

// Record is one line of a visit's story. The step fills in what the state knows,
// the runner stamps the times and adds the secrets, the store seals those.
type Record struct {
	Visit      string        // opaque, from the Prepared event
	Stage      Stage         //
	Reason     Reason        // with an ending; none where the server rang nobody and first wanted a user code
	Code       string        // the code both screens show; not a secret; empty on the second road
	Technician bool          // the visit is for the device's sake
	Expires    time.Duration // with StageAcknowledged: how long the request lives, from when it was sent
	Interval   time.Duration // with StageAcknowledged: the poll interval, or the longest pause that the server has asked for

	Wall   time.Time     // wall clock when written
	Boot   string        // boot when written
	Uptime time.Duration // uptime when written
	Sent   time.Duration // with StageAcknowledged: uptime when the request was sent
	SentAt time.Time     // with StageAcknowledged: wall clock then
	Pause  time.Duration // with StageAcknowledged: no poll before this long after the record was written

	Secrets Secrets
}

// Secrets is the part of a record that is sealed on disk and dropped when the
// visit ends.
type Secrets struct {
	Identifier      Secret
	RequestID       Secret // from StageAcknowledged until the ending
	ExpectedSubject Secret
	Tokens          Tokens // with StageGranted, so that they can be revoked after a crash
}

// Zero overwrites all secrets of the record.
func (s Secrets) Zero() {
	s.Identifier.Zero()
	s.RequestID.Zero()
	s.ExpectedSubject.Zero()
	s.Tokens.Zero()
}

// BootContext is what Recover must know of the present.
type BootContext struct {
	Boot    string
	Uptime  time.Duration
	Wall    time.Time
	Trusted bool // the wall clock is known to be right
}

// Action is what to do about a visit that a crash or power cut left unfinished.
type Action uint8

// The actions.
const (
	Forget       Action = iota + 1 // write Record's ending, nothing else
	Resume                         // back to Waiting with the same code: the customer is still there
	PollToClose                    // poll until the expiry only to close it; tokens that come are revoked
	RevokeTokens                   // revoke the tokens, then close; never poll
)

// String names the action for logs.
func (a Action) String() string {
	return [...]string{"", "forget", "resume", "watch", "give back"}[a]
}

// Recovery is one unfinished visit with what is to be done.
type Recovery struct {
	Action Action
	Record Record        // the last record, with its secrets
	Ending Stage         // with Forget and RevokeTokens: what to write
	Reason Reason        // and why
	Left   time.Duration // with Resume and PollToClose: how long the request still lives
	Pause  time.Duration // with Resume and PollToClose: how long no poll may leave
}

// resumeWithin: a customer waits half a minute in front of a screen that went
// dark and came back, hardly longer; later the person in front is another one.
const resumeWithin = 30 * time.Second

// Recover decides what is to be done after a start, from the last record of each
// unfinished visit. A visit that had only asked is closed: nobody can know
// whether the phone rang, and it must not ring twice. At most one visit, the
// newest, is resumed; not one on the second road, since what was on its screen is
// not on record, nor a technician's, who knows what to do.
func Recover(unfinished []Record, here BootContext) []Recovery {
	var out []Recovery
	for i, r := range unfinished {
		newest := i == len(unfinished)-1
		out = append(out, recoverOne(r, here, newest))
	}
	return out
}

func recoverOne(r Record, here BootContext, newest bool) Recovery {
	v := Recovery{Record: r}
	switch r.Stage {
	case StageGranted:
		v.Action, v.Ending, v.Reason = RevokeTokens, StageEnded, Unreachable
		return v
	case StageAcknowledged:
		// below
	default:
		v.Action, v.Ending, v.Reason = Forget, StageAbandoned, Unreachable
		return v
	}
	sameBoot := r.Boot != "" && r.Boot == here.Boot && here.Uptime >= r.Sent
	switch {
	case sameBoot:
		v.Left = r.Expires - (here.Uptime - r.Sent)
		v.Pause = r.Pause - (here.Uptime - r.Uptime)
	case here.Trusted && !here.Wall.Before(r.SentAt):
		v.Left = r.Expires - here.Wall.Sub(r.SentAt)
		v.Pause = r.Pause - here.Wall.Sub(r.Wall)
	default:
		// Another boot and no trusted clock: the server knows, so it is asked,
		// for as long as the request could live at the most.
		v.Left = r.Expires
		v.Pause = r.Pause
	}
	v.Pause = min(max(v.Pause, 0), r.Pause)
	switch {
	case v.Left <= 0:
		v.Action, v.Ending, v.Reason = Forget, StageEnded, Expired
	case sameBoot && newest && r.Code != "" && !r.Technician && here.Uptime-r.Uptime < resumeWithin:
		v.Action = Resume
	default:
		v.Action = PollToClose
	}
	return v
}
