package store

import (
	"encoding/binary"
	"fmt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	secretsVersion = 2        // 1 lacked the client that the tokens are for
	maxSecret      = 64 << 10 // bytes; as large as a token that the vault takes
)

// secretFields lists the secrets in the order in which they are encoded. JSON cannot be used: kiosk.Secret hides its
// value there.
func secretFields(s *kiosk.Secrets) [6]*kiosk.Secret {
	return [6]*kiosk.Secret{&s.Identifier, &s.RequestID, &s.ExpectedSubject, &s.Tokens.Access, &s.Tokens.ID, &s.Tokens.Refresh}
}

func checkSecrets(s kiosk.Secrets) error {
	for _, p := range secretFields(&s) {
		if len(*p) > maxSecret {
			return fmt.Errorf("%w: a secret of %d bytes", ErrRecord, len(*p))
		}
	}
	if len(s.Tokens.Type) > maxSecret || len(s.Tokens.Scope) > maxSecret || len(s.Tokens.Client) > maxSecret {
		return fmt.Errorf("%w: token type, scope or client too long", ErrRecord)
	}
	return nil
}

// encodeSecrets returns a version byte and then each secret with its length before it. The caller clears the result.
func encodeSecrets(s kiosk.Secrets) []byte {
	size := 1
	all := secretFields(&s)
	for _, p := range all {
		size += binary.MaxVarintLen32 + len(*p)
	}
	size += 3*binary.MaxVarintLen32 + len(s.Tokens.Type) + len(s.Tokens.Scope) + len(s.Tokens.Client)
	b := append(make([]byte, 0, size), secretsVersion) // large enough: growing would leave copies behind
	for _, p := range all {
		b = append(binary.AppendUvarint(b, uint64(len(*p))), *p...)
	}
	for _, text := range []string{s.Tokens.Type, s.Tokens.Scope, s.Tokens.Client} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	return b
}

// decodeSecrets decodes what encodeSecrets returned, into memory of its own.
func decodeSecrets(b []byte) (s kiosk.Secrets, err error) {
	if len(b) == 0 || b[0] < 1 || b[0] > secretsVersion {
		return s, damaged("secrets of an unknown version")
	}
	version := b[0]
	b = b[1:]
	next := func() []byte {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > maxSecret || n > uint64(len(b)-used) {
			err = damaged("secrets that cannot be read")
			return nil
		}
		part := b[used : used+int(n)]
		b = b[used+int(n):]
		return part
	}
	for _, p := range secretFields(&s) {
		if part := next(); len(part) > 0 && err == nil {
			*p = append(make(kiosk.Secret, 0, len(part)), part...)
		}
	}
	s.Tokens.Type, s.Tokens.Scope = string(next()), string(next())
	if version > 1 {
		s.Tokens.Client = string(next())
	}
	if err == nil && len(b) > 0 {
		err = damaged("secrets with trailing data")
	}
	if err != nil {
		s.Zero()
		return kiosk.Secrets{}, err
	}
	return s, nil
}

// mergeSecrets returns s, completed with what was known before. A record has only what is new at its stage, and all of
// it is needed until the visit ends.
func mergeSecrets(s, before kiosk.Secrets) kiosk.Secrets {
	old := secretFields(&before)
	for i, p := range secretFields(&s) {
		if len(*p) == 0 {
			*p = *old[i]
		}
	}
	if s.Tokens.Type == "" {
		s.Tokens.Type = before.Tokens.Type
	}
	if s.Tokens.Client == "" {
		s.Tokens.Client = before.Tokens.Client
	}
	if s.Tokens.Scope == "" {
		s.Tokens.Scope = before.Tokens.Scope
	}
	return s
}
