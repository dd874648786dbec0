package enrol

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
)

// loadKey reads the key in the file name. If there is no such file, it generates and saves a key if create is set, and
// returns nil without an error otherwise.
func (d *stateDir) loadKey(name string, create bool) (*oidc.ClientKey, error) {
	data, err := d.readFile(name)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	if data != nil {
		k, err := oidc.ParseClientKey(data)
		if err == nil && k.ID() == "" {
			err = errors.New("not a key made by kiosk provision")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w; to get a new key, move this file away", name, err)
		}
		return k, nil
	}
	if !create {
		return nil, nil
	}
	k, err := oidc.NewClientKey()
	if err != nil {
		return nil, err
	}
	return k, d.saveKey(name, k)
}

func (d *stateDir) saveKey(name string, k *oidc.ClientKey) error {
	b, err := k.PrivateJWK()
	if err != nil {
		return err
	}
	defer b.Zero()
	line := append(slices.Clip(b), '\n') // a copy
	defer clear(line)
	return d.writeFile(name, line)
}

// jwks returns the public keys as a JWK set.
func jwks(keys []*oidc.ClientKey) (map[string]any, error) {
	var all []json.RawMessage
	for _, k := range keys {
		public, err := k.PublicJWK()
		if err != nil {
			return nil, err
		}
		all = append(all, public)
	}
	return map[string]any{"keys": all}, nil
}
