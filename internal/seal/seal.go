// Package seal does everything in the store that needs its key: it encrypts personal data, makes the tags that tell
// persons apart, and links the records to a chain. Each purpose has a key of its own, derived by HKDF (RFC 5869).
// Where keys come from and what is sealed is up to the store.
//
// A Ring holds the current key and older ones that only open. Whatever is sealed or linked begins with four bytes that
// identify its key, so that keys can be rotated.
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
	// KeySize is the length of a key in bytes: what XChaCha20-Poly1305 needs and HKDF-SHA256 can use.
	KeySize = 32
	// MaxKeys is how many keys a ring takes: the current one and three older ones, of which something may still be on
	// record.
	MaxKeys = 4
	// TagSize is the length of a person tag in bytes: half of SHA-256, so that no two customers of a shop share one.
	TagSize = 16
	// LinkSize is the length of a link in bytes: the key's identifier and half of SHA-256.
	LinkSize = idSize + 16

	idSize = 4
	format = 1 // of sealed values; part of the associated data
)

// Tag stands for a person on record. It cannot be reversed without the key.
type Tag [TagSize]byte

// Link is one link of the chain of records. The zero Link precedes the first record.
type Link [LinkSize]byte

// Errors of opening and verifying.
var (
	ErrSeal = errors.New("sealed value does not open")
	ErrKey  = errors.New("key is not in the ring")
)

// Ring is the current key and older ones. It is safe for concurrent use until Forget.
type Ring struct{ keys []*key }

type key struct {
	id    [idSize]byte
	aead  cipher.AEAD
	tag   []byte
	chain []byte
}

// NewRing makes a ring from the current key and older ones, newest first, each of KeySize bytes. The caller may clear
// them afterwards.
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

// Forget overwrites as much of the keys as is possible.
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

// Seal encrypts plain with the current key, for the place that bucket and name identify: it opens nowhere else.
func (r *Ring) Seal(bucket, name, plain []byte) []byte {
	k := r.keys[0]
	n := k.aead.NonceSize()
	out := make([]byte, idSize+n, idSize+n+len(plain)+k.aead.Overhead())
	copy(out, k.id[:])
	rand.Read(out[idSize:]) // never fails
	return k.aead.Seal(out, out[idSize:], plain, k.place(bucket, name))
}

// Open decrypts what Seal returned. The error is ErrKey if the key is not in the ring, else ErrSeal.
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

// IsCurrent reports whether sealed was made with the current key.
func (r *Ring) IsCurrent(sealed []byte) bool {
	return len(sealed) >= idSize && r.find(sealed[:idSize]) == r.keys[0]
}

// place returns the associated data: bucket, name, format and the key's identifier.
func (k *key) place(bucket, name []byte) []byte {
	b := make([]byte, 0, len(bucket)+len(name)+idSize+3)
	b = append(b, bucket...)
	b = append(b, 0)
	b = append(b, name...)
	b = append(b, 0, format)
	return append(b, k.id[:]...)
}

// Link returns the link that follows before, over the parts of one record.
func (r *Ring) Link(before Link, parts ...[]byte) Link { return r.keys[0].link(before, parts) }

// VerifyLink reports whether l is the link over before and parts. The error is ErrKey if its key is not in the ring.
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
		mac.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) // so that no two lists of parts are encoded alike
		mac.Write(p)
	}
	copy(l[:], k.id[:])
	copy(l[idSize:], mac.Sum(nil))
	return l
}
