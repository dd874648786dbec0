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
	// unknownPause is the least time between two fetches caused by a key name
	// nobody knows, so that forged tokens cannot make us a weapon against the server.
	refetchPause = time.Minute

	// keyGrace is how long a key that the server no longer lists is still believed
	// after a refresh: servers behind several caches list old and new keys by turns
	// while they rotate. ID tokens are read seconds after they are signed.
	withdrawnKeyGrace = 10 * time.Minute
)

// key is one public signing key of the server.
type serverKey struct {
	id, alg   string // either may be empty
	public    crypto.PublicKey
	graceEnds time.Time // end of the grace; zero while it is listed
}

// Keys holds a server's signing keys in memory. It is safe for concurrent use;
// however many ask, one request is made.
type Keys struct {
	via *Transport
	now func() time.Time

	turn        chan struct{} // guards what follows
	uri         string
	list        []serverKey
	at          time.Time // when they were fetched, or tried to
	good        time.Duration
	refetchedAt time.Time // when an unknown key last made us look
}

// NewKeys makes an empty Keys. It sends nothing.
func NewKeys(via *Transport, now func() time.Time) *Keys {
	return &Keys{via: via, now: now, turn: make(chan struct{}, 1)}
}

// Prefetch fetches the keys if none are at hand, so that a phone does not ring for
// an answer that could not be checked. The error is a *kiosk.Error.
func (k *Keys) Prefetch(ctx context.Context, uri string) error {
	if err := k.lock(ctx); err != nil {
		return err
	}
	defer k.unlock()
	return k.ensure(ctx, uri)
}

// Find gives the keys that may have signed a token with this alg and kid (empty
// if the token names none). More than one is returned only where the server gave
// one name to several fitting keys. The error is a *kiosk.Error: Untrusted where
// there is no such key, Unreachable where the server could not be asked.
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

// Refetch fetches the keys anew after a signature did not fit any of them, for
// servers that change a key and keep its name or give it none. It does so at most
// once a minute, together with Find, and tells whether it did.
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
	case k.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return kiosk.Fail(kiosk.Unreachable, "server keys", ctx.Err())
	}
}

func (k *Keys) unlock() { <-k.turn }

// ensure makes sure that there are keys of this address, not older than a day
// unless no newer ones can be had.
func (k *Keys) ensure(ctx context.Context, uri string) error {
	if k.uri == uri && k.list != nil && !isDue(k.now(), k.at, k.good) {
		return nil
	}
	if k.uri != uri {
		k.uri, k.list = uri, nil
	}
	err := k.fetch(ctx, uri)
	if err != nil && len(k.list) > 0 {
		k.at, k.good = k.now(), refreshPause
		return nil
	}
	return err
}

func (k *Keys) fetch(ctx context.Context, uri string) error {
	ctx, cancel := context.WithTimeout(ctx, documentTimeout)
	defer cancel()
	const what = "server keys"
	body, status, err := getDocument(ctx, k.via, uri)
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
	k.list = append(fresh, withdrawnKeys(k.list, fresh, now)...)
	k.at, k.good = now, documentTTL
	return nil
}

// withdrawnKeys gives the old keys that are no longer listed but still in their grace.
func withdrawnKeys(old, fresh []serverKey, now time.Time) []serverKey {
	var out []serverKey
	for _, o := range old {
		listed := false
		for _, f := range fresh {
			listed = listed || (f.id == o.id && f.alg == o.alg && equalKeys(f.public, o.public))
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

// selectKeys selects by name, key type, curve and alg. A token without a key name is
// accepted only if one key fits (OpenID Connect Core 1.0, section 10.1).
func (k *Keys) selectKeys(alg, kid string) ([]crypto.PublicKey, error) {
	now := k.now()
	var out []crypto.PublicKey
	for _, c := range k.list {
		if !c.graceEnds.IsZero() && (kid == "" || !now.Before(c.graceEnds)) {
			continue // no longer listed: believed for a while, but only by name
		}
		if (kid == "" || c.id == kid) && (c.alg == "" || c.alg == alg) && suitsAlgorithm(c.public, alg) {
			out = append(out, c.public)
		}
	}
	switch {
	case len(out) == 0:
		return nil, kiosk.Fail(kiosk.Untrusted, "server keys", errors.New("the server lists no key that fits the token"))
	case len(out) > 1 && kid == "":
		return nil, kiosk.Fail(kiosk.Untrusted, "server keys", errors.New("the token names no key and several fit"))
	case len(out) > 4:
		return nil, kiosk.Fail(kiosk.Untrusted, "server keys", errors.New("too many keys share one name"))
	}
	return out, nil
}
