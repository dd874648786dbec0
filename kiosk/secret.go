package kiosk

import "fmt"

// Secret is a byte string that must not be seen: an identifier, an auth_req_id, a token. Every formatting verb prints the
// same word, so no log, error or crash dump of a struct that contains one can leak it.
type Secret []byte

// String hides the value.
func (s Secret) String() string { return "[secret]" }

// Format hides the value from every verb: some (%d, %c, %U) do not call String.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText hides the value from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Zero overwrites the bytes, but not copies made elsewhere.
func (s Secret) Zero() { clear(s) }

// Item is a kind of secret in the vault.
type Item uint8

// The items.
const (
	Identifier      Item = iota // what was typed or scanned
	RequestID                   // the auth_req_id or device code
	ExpectedSubject             // Ack.ExpectedSubject
	UserCode                    // from its first character until it was sent; under number 0 while it is typed
	AccessToken
	IDToken
	RefreshToken
)

// Vault holds the secrets of the present visit in memory, by request number. Number 0 holds what is being typed. It is
// safe for concurrent use.
type Vault interface {
	// Put copies value into the vault and overwrites the previous value.
	Put(n Number, i Item, value []byte)
	// Get returns a copy that the caller must Zero, or nil.
	Get(n Number, i Item) Secret
	// Wipe overwrites and deletes everything under n.
	Wipe(n Number)
}
