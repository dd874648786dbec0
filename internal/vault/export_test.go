package vault

import "github.com/ciba-kiosk/ciba-kiosk/kiosk"

// Backing returns the vault's own bytes, not a copy, so that a test can see what becomes of them.
func (v *Vault) Backing(n kiosk.Number, i kiosk.Item) []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	if set := v.requests[n]; set != nil {
		return set[i]
	}
	return nil
}

// Held returns the number of requests that the vault holds values of.
func (v *Vault) Held() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.requests)
}
