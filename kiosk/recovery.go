package kiosk

import "time"

// BootContext is what Recover has to know about the present.
type BootContext struct {
	Boot    string
	Uptime  time.Duration
	Wall    time.Time
	Trusted bool // the wall clock is known to be right
}

// Action is what to do about a visit that a crash or power cut interrupted.
type Action uint8

// The actions.
const (
	Forget       Action = iota + 1 // write the ending, nothing else
	Resume                         // return to Waiting with the same code: the customer is still there
	PollToClose                    // poll until the expiry to close the request; tokens that come are revoked
	RevokeTokens                   // revoke the tokens, then write the ending; never poll
)

// String returns the name of the action in logs.
func (a Action) String() string {
	return [...]string{"", "forget", "resume", "poll to close", "revoke tokens"}[a]
}

// Recovery is one interrupted visit with what has to be done about it.
type Recovery struct {
	Action Action
	Record Record        // the last record, with its secrets
	Ending Stage         // with Forget and RevokeTokens: what to write
	Reason Reason        // and why
	Left   time.Duration // with Resume and PollToClose: how long the request still lives
	Pause  time.Duration // with Resume and PollToClose: no poll before this time has passed
}

// resumeWithin is how long a customer waits in front of a screen that went dark. Later somebody else may be there.
const resumeWithin = 30 * time.Second

// Recover decides after a start what to do about each interrupted visit, from its last record. If that was written before
// the request was acknowledged, the visit is closed: the phone may have rung and must not ring twice. At most one visit, the
// newest, is resumed; not one in the device flow, because its screen's content is not on record, and not a technician's.
func Recover(unfinished []Record, now BootContext) []Recovery {
	var out []Recovery
	for i, r := range unfinished {
		newest := i == len(unfinished)-1
		out = append(out, recoverOne(r, now, newest))
	}
	return out
}

func recoverOne(r Record, now BootContext, newest bool) Recovery {
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
	sameBoot := r.Boot != "" && r.Boot == now.Boot && now.Uptime >= r.Sent
	switch {
	case sameBoot:
		v.Left = r.Expires - (now.Uptime - r.Sent)
		v.Pause = r.Pause - (now.Uptime - r.Uptime)
	case now.Trusted && !now.Wall.Before(r.SentAt):
		v.Left = r.Expires - now.Wall.Sub(r.SentAt)
		v.Pause = r.Pause - now.Wall.Sub(r.Wall)
	default:
		// Another boot and no trusted clock: only the server knows, so it is asked for as long as the request can live.
		v.Left = r.Expires
		v.Pause = r.Pause
	}
	v.Pause = min(max(v.Pause, 0), r.Pause)
	switch {
	case v.Left <= 0:
		v.Action, v.Ending, v.Reason = Forget, StageEnded, Expired
	case sameBoot && newest && r.Code != "" && !r.Technician && now.Uptime-r.Uptime < resumeWithin:
		v.Action = Resume
	default:
		v.Action = PollToClose
	}
	return v
}
