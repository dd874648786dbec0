package enrol

import (
	"context"
	"errors"
	"os"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Rotation is how far a change of the device's key has come.
type Rotation uint8

// The states of a rotation, in their order.
const (
	// AwaitsOperator: the server cannot be told from here; the operator has to add the
	// public key that NextKey gives, then it goes on.
	AwaitsOperator Rotation = iota + 1
	// Overlaps: the new key is in use here and the server takes both.
	BothKeysValid
	// Rotated: the server takes the new key only.
	Rotated
)

// NextKey is the key that is to follow; nil if no rotation is under way.
func (e *Enrolment) NextKey() (*oidc.ClientKey, error) { return e.dir.loadKey(nextFile, false) }

// Rotate changes the device's key in steps that overlap, so that a kiosk that is
// running goes on meanwhile: the server is told both keys, the new one is proved, it
// takes the old one's place here. Where the registration cannot be changed from here,
// the operator adds the new key at the server first (AwaitsOperator), and running it again goes on.
// The old key stays until FinishRotation, for processes that still use it.
func (e *Enrolment) Rotate(ctx context.Context, clientID string) (Rotation, error) {
	next, err := e.dir.loadKey(nextFile, true)
	if err != nil {
		return 0, kiosk.Fail(kiosk.Internal, "rotation", err)
	}
	if next.ID() == e.key.ID() {
		return BothKeysValid, nil // cut off between taking its place and the clean-up
	}
	if e.IsManaged() {
		if err := e.updateRegistration(ctx, e.key, next); err != nil {
			return 0, err
		}
	}
	if err := e.probe(ctx, clientID, next); err != nil {
		if !e.IsManaged() && kiosk.ReasonOf(err) == kiosk.Misconfigured {
			return AwaitsOperator, nil
		}
		return 0, err
	}
	if e.IsManaged() {
		// Before the old key is gone the token must be under the new one as well.
		if err := e.sealFor(next); err != nil {
			return 0, kiosk.Fail(kiosk.Internal, "rotation", err)
		}
	}
	if err := e.dir.saveKey(KeyFile, next); err != nil {
		return 0, kiosk.Fail(kiosk.Internal, "rotation", err)
	}
	e.key = next
	return BothKeysValid, nil
}

// sealFor keeps the registration access token under another key, too.
func (e *Enrolment) sealFor(next *oidc.ClientKey) error {
	token, err := e.record.openToken(e.key)
	if err != nil {
		return err
	}
	defer token.Zero()
	fresh := e.record
	if fresh.SealedTokenNext, err = sealToken(next, token); err != nil {
		return err
	}
	if err := e.dir.saveRecord(fresh); err != nil {
		return err
	}
	e.record = fresh
	return nil
}

// FinishRotation takes the old key away at the server, where that can be done from
// here, and ends the rotation.
func (e *Enrolment) FinishRotation(ctx context.Context) (Rotation, error) {
	next, err := e.NextKey()
	if err != nil {
		return 0, kiosk.Fail(kiosk.Internal, "rotation", err)
	}
	if next == nil {
		return Rotated, nil
	}
	if next.ID() != e.key.ID() {
		return 0, kiosk.Fail(kiosk.Internal, "rotation", errors.New("the new key is not in use yet"))
	}
	if e.IsManaged() {
		if err := e.updateRegistration(ctx, e.key); err != nil {
			return BothKeysValid, err
		}
	}
	if err := e.dir.removeFile(nextFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return BothKeysValid, kiosk.Fail(kiosk.Internal, "rotation", err)
	}
	return Rotated, nil
}
