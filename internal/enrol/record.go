package enrol

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Stage is the progress of a registration.
type Stage string

// The stages after the first, which is empty: nothing was sent.
const (
	StageRegistering Stage = "registering" // the request is about to be sent or was sent; no response is on record
	StageRegistered  Stage = "registered"
)

// record is this device's registration on disk.
type record struct {
	Stage  Stage     `json:"stage"`
	Issuer string    `json:"issuer"`
	Name   string    `json:"client_name"`
	Since  time.Time `json:"since"` // wall clock, for people

	ClientID string `json:"client_id,omitempty"`
	// ManagementURI is where the registration can be changed; empty if the server does not offer that. (RFC 7592)
	ManagementURI string `json:"registration_client_uri,omitempty"`
	// SealedToken is the registration access token, sealed under the device's key, without which it is useless.
	SealedToken []byte `json:"registration_access_token_sealed,omitempty"`
	// SealedTokenNext is the same under the key's successor.
	SealedTokenNext []byte `json:"registration_access_token_sealed_next,omitempty"`
	// Metadata is the server's response without its secrets. Changes send it back.
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

func (d *stateDir) loadRecord() (record, error) {
	var r record
	data, err := d.readFile(recordFile)
	if err != nil || data == nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("%s: damaged; move it away to start over", recordFile)
	}
	return r, nil
}

func (d *stateDir) saveRecord(r record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return d.writeFile(recordFile, append(data, '\n'))
}

// tokenRing returns the ring that seals the registration access token, with a key derived from the device's private
// key.
func tokenRing(k *oidc.ClientKey) (*seal.Ring, error) {
	secret, err := k.Derive("ciba-kiosk registration access token", seal.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return seal.NewRing(secret)
}

var tokenContext = []byte("registration_access_token")

func sealToken(k *oidc.ClientKey, token kiosk.Secret) ([]byte, error) {
	if len(token) == 0 {
		return nil, nil
	}
	ring, err := tokenRing(k)
	if err != nil {
		return nil, err
	}
	defer ring.Forget()
	return ring.Seal([]byte(recordFile), tokenContext, token), nil
}

func (r record) openToken(k *oidc.ClientKey) (kiosk.Secret, error) {
	ring, err := tokenRing(k)
	if err != nil {
		return nil, err
	}
	defer ring.Forget()
	for _, sealed := range [][]byte{r.SealedToken, r.SealedTokenNext} {
		if token, err := ring.Open([]byte(recordFile), tokenContext, sealed); err == nil {
			return token, nil
		}
	}
	return nil, errors.New("the registration access token is sealed under another key; change the registration at the server")
}
