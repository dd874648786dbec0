package store

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"unicode"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/text/unicode/norm"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// keyVersion is the first byte of everything sealed: which key it was. There is
// one so far; a rotation would add a second and seal anew as visits end.
const keyVersion = 1

// sealer does everything that needs the key, each purpose with a key derived
// for it alone (HKDF, RFC 5869).
type sealer struct {
	aead cipher.AEAD
	tag  []byte
}

func newSealer(key []byte) (*sealer, error) {
	derive := func(purpose string) ([]byte, error) {
		return hkdf.Key(sha256.New, key, nil, "ciba-kiosk store: "+purpose, keySize)
	}
	k, err := derive("sealing")
	if err != nil {
		return nil, err
	}
	defer clear(k)
	// XChaCha20-Poly1305: no board up to the Pi 4 has AES instructions, and a
	// random nonce of 24 bytes leaves no counter to lose in a power cut.
	aead, err := chacha20poly1305.NewX(k)
	if err != nil {
		return nil, err
	}
	tag, err := derive("person tag")
	if err != nil {
		return nil, err
	}
	return &sealer{aead: aead, tag: tag}, nil
}

func (s *sealer) forget() { clear(s.tag) }

// seal closes plain for one place in the file: opened anywhere else it fails.
func (s *sealer) seal(bucket, key, plain []byte) []byte {
	n := s.aead.NonceSize()
	out := make([]byte, 1+n, 1+n+len(plain)+s.aead.Overhead())
	out[0] = keyVersion
	rand.Read(out[1:]) // never fails
	return s.aead.Seal(out, out[1:], plain, place(bucket, key))
}

var errSeal = errors.New("sealed value does not open")

func (s *sealer) open(bucket, key, sealed []byte) ([]byte, error) {
	n := s.aead.NonceSize()
	if len(sealed) < 1+n+s.aead.Overhead() || sealed[0] != keyVersion {
		return nil, errSeal
	}
	plain, err := s.aead.Open(nil, sealed[1:1+n], sealed[1+n:], place(bucket, key))
	if err != nil {
		return nil, errSeal
	}
	return plain, nil
}

// place is the associated data: bucket, key, format and key version.
func place(bucket, key []byte) []byte {
	b := make([]byte, 0, len(bucket)+len(key)+8)
	b = append(b, bucket...)
	b = append(b, 0)
	b = append(b, key...)
	return append(b, 0, format, keyVersion)
}

const tagSize = 16 // half of SHA-256: no two customers of a shop will share one

// Tag is who was asked for, as far as the record may know: a keyed hash of the
// identifier, the same for every way of writing it. Without the store's key it
// cannot be computed, so a list of known identifiers does not undo it.
func (s *Store) Tag(identifier kiosk.Secret) [tagSize]byte { return s.seal.person(identifier) }

func (s *sealer) person(identifier []byte) (tag [tagSize]byte) {
	same := fold(identifier)
	defer clear(same)
	mac := hmac.New(sha256.New, s.tag)
	mac.Write(same)
	copy(tag[:], mac.Sum(nil))
	return tag
}

// fold brings the ways of writing one identifier together, so that nobody gets
// a second budget by a capital or a blank: compatibility forms and case, and no
// blanks, no invisible characters, none of the marks that people put into phone
// and card numbers. Two people that fall together share a budget, no more.
func fold(identifier []byte) []byte {
	composed := norm.NFKC.Append(make([]byte, 0, 2*len(identifier)), identifier...) // Bytes may give back identifier itself
	defer clear(composed)
	return bytes.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.C, r):
			return -1
		case r == '-', r == '.', r == '(', r == ')', r == '/':
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, composed)
}
