package enrol

import (
	"context"
	"errors"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Rotation is the progress of a key rotation.
type Rotation uint8

// The states of a rotation, in order.
const (
	// AwaitsOperator: the registration cannot be changed from here. The operator must add the public key of NextKey
	// at the server.
	AwaitsOperator Rotation = iota + 1
	// BothKeysValid: this device uses the new key, and the server accepts both.
	BothKeysValid
	// Rotated: the server accepts only the new key.
	Rotated
)

// NextKey returns the key that will replace the current one; nil if no rotation is under way.
func (e *Enrolment) NextKey() (*oidc.ClientKey, error) { return e.dir.loadKey(nextFile, false) }

// Rotate replaces the device's key in overlapping steps, so that a running kiosk goes on: it registers both keys,
// tries the new one, and puts it in the old one's place. If the registration cannot be changed from here, it returns
// AwaitsOperator; call it again after the operator has added the new key. The server accepts the old key until
// FinishRotation, for processes that still use it.
func (e *Enrolment) Rotate(ctx context.Context, clientID string) (Rotation, error) {
	next, err := e.dir.loadKey(nextFile, true)
	if err != nil {
		return 0, kiosk.Fail(kiosk.Internal, "rotation", err)
	}
	if next.ID() == e.key.ID() {
		return BothKeysValid, nil // interrupted between replacing the key and FinishRotation
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
		// Before the old key is gone, seal the token under the new one too.
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

// sealFor seals the registration access token under another key too.
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

// FinishRotation removes the old key at the server, if that is possible from here, and ends the rotation.
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
	if err := e.dir.removeFile(nextFile); err != nil {
		return BothKeysValid, kiosk.Fail(kiosk.Internal, "rotation", err)
	}
	return Rotated, nil
}
