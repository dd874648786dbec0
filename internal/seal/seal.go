// Package seal does everything in the store that needs its key: it closes what is
// personal, makes the marks by which a person is told from another, and links
// the entries of the journal to a chain. Each purpose has a key derived for it
// alone (HKDF, RFC 5869). It knows nothing of files; where keys come from and
// what is sealed is the store's business.
//
// # Rotation
//
// A Ring holds the key that is used now and older ones that only open. Whatever
// is sealed or linked begins with four bytes that name its key, derived from it,
// so that no table says which key was which.
package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// KeySize is a key's length in bytes: XChaCha20-Poly1305's, and what HKDF-SHA256 can make use of.
	KeySize = 32
	// MaxKeys is how many keys a ring takes: the present one and three rotations of
	// which something may still be on record.
	MaxKeys = 4
	// TagSize is the length of a person's mark: half of SHA-256, so that no two
	// customers of a shop share one.
	TagSize = 16
	// LinkSize is the length of a link of the chain: the key's name and half of SHA-256.
	LinkSize = idSize + 16

	idSize = 4
	format = 1 // of what is sealed; part of the associated data
)

// Tag is who was asked for, as far as the record may know.
type Tag [TagSize]byte

// Link is one link of the journal's chain; the zero Link comes before the first entry.
type Link [LinkSize]byte

// Errors of what a Ring reads.
var (
	ErrSeal = errors.New("sealed value does not open")
	ErrKey  = errors.New("its key is not in the ring")
)

// Ring is one key to seal with and older ones to read with. It is safe for
// concurrent use until Forget.
type Ring struct{ keys []*key }

type key struct {
	id    [idSize]byte
	aead  cipher.AEAD
	tag   []byte
	chain []byte
}

// NewRing makes a ring from the present key and older ones, newest first, each of
// KeySize bytes. The caller may clear them afterwards.
func NewRing(keys ...[]byte) (*Ring, error) {
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, fmt.Errorf("%d keys, must be 1 to %d", len(keys), MaxKeys)
	}
	r := &Ring{}
	for _, k := range keys {
		made, err := newKey(k)
		if err != nil {
			return nil, err
		}
		for _, other := range r.keys {
			if other.id == made.id {
				return nil, errors.New("the same key twice")
			}
		}
		r.keys = append(r.keys, made)
	}
	return r, nil
}

func newKey(secret []byte) (*key, error) {
	if len(secret) != KeySize {
		return nil, fmt.Errorf("a key of %d bytes, must have %d", len(secret), KeySize)
	}
	var failed error
	derive := func(purpose string, n int) []byte {
		k, err := hkdf.Key(sha256.New, secret, nil, "ciba-kiosk store: "+purpose, n)
		failed = errors.Join(failed, err)
		return k
	}
	k := &key{tag: derive("person tag", KeySize), chain: derive("journal chain", KeySize)}
	copy(k.id[:], derive("name of the key", idSize))
	sealing := derive("sealing", KeySize)
	defer clear(sealing)
	if failed != nil {
		return nil, failed
	}
	// XChaCha20-Poly1305: no board up to the Pi 4 has AES instructions, and a
	// random nonce of 24 bytes leaves no counter to lose in a power cut.
	var err error
	k.aead, err = chacha20poly1305.NewX(sealing)
	return k, err
}

// Forget overwrites what can be overwritten of the keys.
func (r *Ring) Forget() {
	for _, k := range r.keys {
		clear(k.tag)
		clear(k.chain)
	}
}

func (r *Ring) find(id []byte) *key {
	for _, k := range r.keys {
		if string(id) == string(k.id[:]) {
			return k
		}
	}
	return nil
}

// Seal closes plain with the present key for one place, named by bucket and name:
// opened anywhere else it fails.
func (r *Ring) Seal(bucket, name, plain []byte) []byte {
	k := r.keys[0]
	n := k.aead.NonceSize()
	out := make([]byte, idSize+n, idSize+n+len(plain)+k.aead.Overhead())
	copy(out, k.id[:])
	rand.Read(out[idSize:]) // never fails
	return k.aead.Seal(out, out[idSize:], plain, k.place(bucket, name))
}

// Open gives what Seal closed; ErrKey where no key of the ring did, else ErrSeal.
func (r *Ring) Open(bucket, name, sealed []byte) ([]byte, error) {
	n := idSize + chacha20poly1305.NonceSizeX
	if len(sealed) < n+chacha20poly1305.Overhead {
		return nil, ErrSeal
	}
	k := r.find(sealed[:idSize])
	if k == nil {
		return nil, ErrKey
	}
	plain, err := k.aead.Open(nil, sealed[idSize:n], sealed[n:], k.place(bucket, name))
	if err != nil {
		return nil, ErrSeal
	}
	return plain, nil
}

// IsCurrent says whether sealed was closed with the key that is used now.
func (r *Ring) IsCurrent(sealed []byte) bool {
	return len(sealed) >= idSize && r.find(sealed[:idSize]) == r.keys[0]
}

// place is the associated data: bucket, name, format and the key's name.
func (k *key) place(bucket, name []byte) []byte {
	b := make([]byte, 0, len(bucket)+len(name)+idSize+3)
	b = append(b, bucket...)
	b = append(b, 0)
	b = append(b, name...)
	b = append(b, 0, format)
	return append(b, k.id[:]...)
}

// Link gives the link that follows before, over the parts of one entry.
func (r *Ring) Link(before Link, parts ...[]byte) Link { return r.keys[0].link(before, parts) }

// VerifyLink says whether l is the link over these; ErrKey where no key of the ring made it.
func (r *Ring) VerifyLink(l, before Link, parts ...[]byte) (bool, error) {
	k := r.find(l[:idSize])
	if k == nil {
		return false, ErrKey
	}
	want := k.link(before, parts)
	return hmac.Equal(want[:], l[:]), nil
}

func (k *key) link(before Link, parts [][]byte) (l Link) {
	mac := hmac.New(sha256.New, k.chain)
	mac.Write(before[:])
	for _, p := range parts {
		n := len(p)
		mac.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) // or two parts could pass for other two
		mac.Write(p)
	}
	copy(l[:], k.id[:])
	copy(l[idSize:], mac.Sum(nil))
	return l
}
