package kiosk

import (
	"fmt"
	"time"
)

// Stage is how far a visit had come when a record was written.
type Stage uint8

// The stages, in the order in which they can follow each other.
const (
	StageAsking       Stage = iota + 1 // before the backchannel authentication request is sent
	StageAcknowledged                  // before the first poll, and again when the server asks for slower polls
	StageGranted                       // tokens came; the auth_req_id is used up and never polled again
	StageShown                         // the result was delivered
	StageEnded                         // ended without a result, for Reason
	StageAbandoned                     // ended while it was unknown whether the phone rang
)

// The names are on disk: they do not change.
var stages = [...]string{"", "asking", "asked", "granted", "shown", "ended", "abandoned"}

// String returns the name of the stage in the record.
func (s Stage) String() string {
	if s == 0 || int(s) >= len(stages) {
		return fmt.Sprintf("stage(%d)", uint8(s))
	}
	return stages[s]
}

// MarshalText writes the name of the stage.
func (s Stage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name of a stage. An unknown name is an error.
func (s *Stage) UnmarshalText(b []byte) error {
	for i := 1; i < len(stages); i++ {
		if stages[i] == string(b) {
			*s = Stage(i)
			return nil
		}
	}
	return fmt.Errorf("stage: unknown name of %d bytes", len(b))
}

// Final reports whether no stage can follow this one.
func (s Stage) Final() bool { return s >= StageShown }

// Record is one step of a visit on record. Step fills in what the state knows, the runner adds times and secrets, and the
// store seals the secrets.
type Record struct {
	Visit      string // opaque, from the Prepared event
	Stage      Stage
	Reason     Reason        // with an ending; NoReason if the server rang nobody and first required a user code
	Code       string        // the code on both screens, no secret; empty in the device flow
	Technician bool          // a technician's visit
	Unsent     bool          // with an ending: the request has not left the device
	Expires    time.Duration // with StageAcknowledged: how long the request lives, from when it was sent
	Interval   time.Duration // with StageAcknowledged: the poll interval, or the longest pause that the server asked for

	Wall   time.Time     // wall clock when written
	Boot   string        // boot when written
	Uptime time.Duration // uptime when written
	Sent   time.Duration // with StageAcknowledged: uptime when the request was sent
	SentAt time.Time     // with StageAcknowledged: wall clock when the request was sent
	Pause  time.Duration // with StageAcknowledged: no poll before this time has passed since the record was written

	Secrets Secrets
}

// Secrets is the part of a record that is sealed on disk and deleted when the visit ends.
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
