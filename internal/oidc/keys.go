package oidc

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// refetchPause is the least time between two fetches that unknown keys cause, so that forged tokens cannot make
	// the kiosk flood the server.
	refetchPause = time.Minute

	// withdrawnKeyGrace is how long a key stays valid after the server stopped listing it: servers behind several
	// caches list old and new keys by turns while they rotate. ID tokens are validated seconds after they are signed.
	withdrawnKeyGrace = 10 * time.Minute
)

// serverKey is one of the server's public signing keys.
type serverKey struct {
	kid, alg  string // either may be empty
	public    crypto.PublicKey
	graceEnds time.Time // zero while the server lists the key
}

// Keys caches a server's signing keys in memory. It is safe for concurrent use; concurrent callers share one request.
type Keys struct {
	transport *Transport
	now       func() time.Time

	mutex       chan struct{} // a semaphore that guards the fields below
	uri         string
	keys        []serverKey
	attempted   time.Time // of the last attempt to fetch them
	ttl         time.Duration
	refetchedAt time.Time // of the last fetch for an unknown key
}

// NewKeys returns an empty Keys. It sends nothing.
func NewKeys(transport *Transport, now func() time.Time) *Keys {
	return &Keys{transport: transport, now: now, mutex: make(chan struct{}, 1)}
}

// Prefetch fetches the keys if there are none, so that no phone is alerted for a response that could not be
// validated. The error is a *kiosk.Error.
func (k *Keys) Prefetch(ctx context.Context, uri string) error {
	if err := k.lock(ctx); err != nil {
		return err
	}
	defer k.unlock()
	return k.ensure(ctx, uri)
}

// Find returns the keys that may have signed a token with this alg and kid, which is empty if the token has none. It
// returns several only if the server gave one kid to several suitable keys. The error is a *kiosk.Error: Untrusted if
// there is no such key, Unreachable if the server could not be asked.
func (k *Keys) Find(ctx context.Context, uri, alg, kid string) ([]crypto.PublicKey, error) {
	if err := k.lock(ctx); err != nil {
		return nil, err
	}
	defer k.unlock()
	if err := k.ensure(ctx, uri); err != nil {
		return nil, err
	}
	found, err := k.selectKeys(alg, kid)
	if err == nil || kid == "" {
		return found, err
	}
	if again, err := k.refetch(ctx, uri); err != nil {
		return nil, err
	} else if again {
		return k.selectKeys(alg, kid)
	}
	return nil, err
}

// Refetch fetches the keys again after no key matched a signature: some servers replace a key and keep its kid, or
// give it none. It does so at most once a minute, together with Find, and reports whether it did.
func (k *Keys) Refetch(ctx context.Context, uri string) (bool, error) {
	if err := k.lock(ctx); err != nil {
		return false, err
	}
	defer k.unlock()
	return k.refetch(ctx, uri)
}

func (k *Keys) refetch(ctx context.Context, uri string) (bool, error) {
	now := k.now()
	if since := now.Sub(k.refetchedAt); !k.refetchedAt.IsZero() && since >= 0 && since < refetchPause {
		return false, nil
	}
	k.refetchedAt = now
	return true, k.fetch(ctx, uri)
}

func (k *Keys) lock(ctx context.Context) error {
	select {
	case k.mutex <- struct{}{}:
		return nil
	case <-ctx.Done():
		return kiosk.Fail(kiosk.Unreachable, "server keys", ctx.Err())
	}
}

func (k *Keys) unlock() { <-k.mutex }

// ensure makes sure that there are keys from this address, at most a day old unless no newer ones can be fetched.
func (k *Keys) ensure(ctx context.Context, uri string) error {
	if k.uri == uri && k.keys != nil && !isDue(k.now(), k.attempted, k.ttl) {
		return nil
	}
	if k.uri != uri {
		k.uri, k.keys = uri, nil
	}
	err := k.fetch(ctx, uri)
	if err != nil && len(k.keys) > 0 {
		k.attempted, k.ttl = k.now(), refreshPause
		return nil
	}
	return err
}

func (k *Keys) fetch(ctx context.Context, uri string) error {
	ctx, cancel := context.WithTimeout(ctx, documentTimeout)
	defer cancel()
	const what = "server keys"
	body, status, err := getDocument(ctx, k.transport, uri)
	if err != nil {
		return kiosk.Fail(orBadClock(kiosk.Unreachable, err, k.now()), what, err)
	}
	if status != http.StatusOK {
		return kiosk.Fail(kiosk.Unreachable, what, fmt.Errorf("status %d", status))
	}
	fresh, err := parseServerKeys(body)
	if err != nil {
		return kiosk.Fail(kiosk.Untrusted, what, err)
	}
	now := k.now()
	k.keys = append(fresh, withdrawnKeys(k.keys, fresh, now)...)
	k.attempted, k.ttl = now, documentTTL
	return nil
}

// withdrawnKeys returns the old keys that fresh lacks and that are still in their grace period.
func withdrawnKeys(old, fresh []serverKey, now time.Time) []serverKey {
	var out []serverKey
	for _, o := range old {
		listed := false
		for _, f := range fresh {
			listed = listed || (f.kid == o.kid && f.alg == o.alg && equalKeys(f.public, o.public))
		}
		if o.graceEnds.IsZero() {
			o.graceEnds = now.Add(withdrawnKeyGrace)
		}
		if !listed && now.Before(o.graceEnds) && len(fresh)+len(out) < 2*maxKeys {
			out = append(out, o)
		}
	}
	return out
}

func equalKeys(a, b crypto.PublicKey) bool {
	e, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && e.Equal(b)
}

// selectKeys selects by kid, key type, curve and alg. It accepts a token without kid only if one key suits. (OpenID
// Connect Core 1.0, section 10.1)
func (k *Keys) selectKeys(alg, kid string) ([]crypto.PublicKey, error) {
	now := k.now()
	var out []crypto.PublicKey
	for _, c := range k.keys {
		if !c.graceEnds.IsZero() && (kid == "" || !now.Before(c.graceEnds)) {
			continue // a withdrawn key is valid for a while, but only by kid
		}
		if (kid == "" || c.kid == kid) && (c.alg == "" || c.alg == alg) && suitsAlgorithm(c.public, alg) {
			out = append(out, c.public)
		}
	}
	switch {
	case len(out) == 0:
		return nil, kiosk.Fail(kiosk.Untrusted, "server keys", errors.New("the server lists no key that suits the token"))
	case len(out) > 1 && kid == "":
		return nil, kiosk.Fail(kiosk.Untrusted, "server keys", errors.New("the token has no kid, and several keys suit it"))
	case len(out) > 4:
		return nil, kiosk.Fail(kiosk.Untrusted, "server keys", errors.New("too many keys have the same kid"))
	}
	return out, nil
}
