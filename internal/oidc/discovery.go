package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// documentTTL is how long metadata and keys are used without fetching them again. They change once in months; a
	// day limits how long a withdrawn key or a moved endpoint is still used.
	documentTTL = 24 * time.Hour

	// refreshPause is the least time between two attempts to refresh a document while an old copy is in use, so that
	// not every visit asks a failing server.
	refreshPause = time.Minute

	documentTimeout = 20 * time.Second
)

// Discovery fetches a server's metadata and caches it in memory. It is safe for concurrent use; concurrent callers
// share one request.
type Discovery struct {
	issuer    string
	urls      []string
	transport *Transport
	now       func() time.Time

	fetching chan struct{} // a semaphore for fetching
	cached   atomic.Pointer[cachedMetadata]
}

type cachedMetadata struct {
	metadata   *Metadata
	attempted  time.Time // of the last attempt to fetch it
	ttl        time.Duration
	refreshErr error // of the last refresh; nil if it succeeded
}

// isDue reports whether a document of the given age must be fetched again, also if the clock was set back.
func isDue(now, at time.Time, good time.Duration) bool {
	age := now.Sub(at)
	return age < 0 || age >= good
}

// NewDiscovery returns a Discovery for one issuer. It sends nothing. Its error is a kiosk.Misconfigured about the
// issuer's form.
func NewDiscovery(issuer string, transport *Transport, now func() time.Time) (*Discovery, error) {
	u, err := safeurl.ParseIssuer(issuer)
	if err != nil {
		return nil, kiosk.Fail(kiosk.Misconfigured, "issuer", err)
	}
	d := &Discovery{issuer: issuer, transport: transport, now: now, fetching: make(chan struct{}, 1)}
	// OpenID Connect Discovery 1.0, section 4: after the path without its last slash.
	path := u.EscapedPath()
	if n := len(path); n > 0 && path[n-1] == '/' {
		path = path[:n-1]
	}
	host := u.Scheme + "://" + u.Host
	d.urls = []string{
		host + path + "/.well-known/openid-configuration",
		// RFC 8414, section 3: between host and path.
		host + "/.well-known/oauth-authorization-server" + path,
	}
	return d, nil
}

// Issuer returns the configured issuer, byte for byte.
func (d *Discovery) Issuer() string { return d.issuer }

// Cached returns the last good copy without a request, nil if there is none. A visit under way uses it, so that a
// refresh cannot move an endpoint from under its request.
func (d *Discovery) Cached() *Metadata {
	if p := d.cached.Load(); p != nil {
		return p.metadata
	}
	return nil
}

// RefreshError returns why the last refresh failed while an older copy is in use; nil if it did not fail.
func (d *Discovery) RefreshError() error {
	if p := d.cached.Load(); p != nil {
		return p.refreshErr
	}
	return nil
}

// Get returns the metadata, and fetches it if there is no copy or it is over a day old. If that fails, an old copy
// stays in use. Errors are *kiosk.Error: Misconfigured if a setting must change, else Unreachable.
func (d *Discovery) Get(ctx context.Context) (*Metadata, error) {
	if p := d.cached.Load(); p != nil && !isDue(d.now(), p.attempted, p.ttl) {
		return p.metadata, nil
	}
	return d.refresh(ctx, false)
}

// Refresh fetches the metadata now, whatever is cached, and returns what came of it. It is for doctor.
func (d *Discovery) Refresh(ctx context.Context) (*Metadata, error) { return d.refresh(ctx, true) }

func (d *Discovery) refresh(ctx context.Context, force bool) (*Metadata, error) {
	select {
	case d.fetching <- struct{}{}:
		defer func() { <-d.fetching }()
	case <-ctx.Done():
		return nil, kiosk.Fail(kiosk.Unreachable, "discovery", ctx.Err())
	}
	old := d.cached.Load()
	if old != nil && !force && !isDue(d.now(), old.attempted, old.ttl) {
		return old.metadata, nil // fetched by another caller meanwhile
	}
	m, err := d.fetch(ctx)
	switch {
	case err == nil:
		d.cached.Store(&cachedMetadata{metadata: m, attempted: d.now(), ttl: documentTTL})
		return m, nil
	case old == nil:
		return nil, err
	}
	d.cached.Store(&cachedMetadata{metadata: old.metadata, attempted: d.now(), ttl: refreshPause, refreshErr: err})
	if force {
		return old.metadata, err
	}
	return old.metadata, nil
}

// fetch tries both addresses. The second is for servers that follow only RFC 8414, so it is asked only if the first
// does not exist.
func (d *Discovery) fetch(ctx context.Context) (*Metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, documentTimeout)
	defer cancel()
	const what = "discovery"
	for i, u := range d.urls {
		body, status, err := getDocument(ctx, d.transport, u)
		if err != nil {
			return nil, kiosk.Fail(orBadClock(kiosk.Unreachable, err, d.now()), what, err)
		}
		if status != http.StatusOK {
			if i < len(d.urls)-1 && status >= 400 && status < 500 && status != http.StatusTooManyRequests {
				continue
			}
			if status >= 400 && status < 500 && status != http.StatusTooManyRequests {
				return nil, kiosk.Fail(kiosk.Misconfigured, what, fmt.Errorf("no metadata at KIOSK_ISSUER (status %d)", status))
			}
			return nil, kiosk.Fail(kiosk.Unreachable, what, fmt.Errorf("status %d", status))
		}
		m, err := parseMetadata(body, d.issuer)
		if err != nil {
			// A body that is not JSON comes from a proxy before a server that is down.
			reason := kiosk.Unreachable
			if errors.As(err, new(metadataError)) {
				reason = kiosk.Misconfigured
			}
			return nil, kiosk.Fail(reason, what, err)
		}
		return m, nil
	}
	return nil, kiosk.Fail(kiosk.Internal, what, errors.New("no address"))
}

// orBadClock returns kiosk.BadClock if err suggests a wrong clock, else r.
func orBadClock(r kiosk.Reason, err error, now time.Time) kiosk.Reason {
	if SuggestsWrongClock(err, now) {
		return kiosk.BadClock
	}
	return r
}

func getDocument(ctx context.Context, transport *Transport, address string) (body []byte, status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, errors.New("malformed address")
	}
	r.Header.Set("Accept", "application/json")
	reply, err := transport.Send(r, MaxDocument)
	if IsStaleConnection(err) {
		reply, err = transport.SendOnce(r, MaxDocument)
	}
	if err != nil {
		return nil, 0, err
	}
	return reply.Body, reply.Status, nil
}
