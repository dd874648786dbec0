package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// documentTTL is how long discovery and key documents are believed without
	// looking again. They change once in months; a day bounds how long a withdrawn
	// key or a moved endpoint lives on here.
	documentTTL = 24 * time.Hour

	// refreshPause is the least time between two tries to refresh a document of
	// which an old copy is at hand, so that a server in trouble is not asked for it
	// by every visit.
	refreshPause = time.Minute

	// documentTimeout bounds fetching one document.
	documentTimeout = 20 * time.Second
)

// Discovery finds out where a server's endpoints are and remembers it in memory.
// It is safe for concurrent use; however many ask, one request is made.
type Discovery struct {
	issuer string
	urls   []string
	via    *Transport
	now    func() time.Time

	turn chan struct{} // held by whoever fetches
	last atomic.Pointer[cachedMetadata]
}

type cachedMetadata struct {
	metadata *Metadata
	at       time.Time // when it was fetched or tried to
	good     time.Duration
	latest   error // why the last refresh failed; nil if it did not
}

// isDue tells whether it is time to look again; also if the clock was set back.
func isDue(now, at time.Time, good time.Duration) bool {
	age := now.Sub(at)
	return age < 0 || age >= good
}

// NewDiscovery makes a Discovery for one issuer. It sends nothing. The error is
// about the issuer's form and is a kiosk.Misconfigured.
func NewDiscovery(issuer string, via *Transport, now func() time.Time) (*Discovery, error) {
	u, err := checkIssuer(issuer)
	if err != nil {
		return nil, kiosk.Fail(kiosk.Misconfigured, "issuer", err)
	}
	d := &Discovery{issuer: issuer, via: via, now: now, turn: make(chan struct{}, 1)}
	// OpenID Connect Discovery 1.0, section 4: after the path, less one slash.
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

// Issuer is the configured issuer, byte for byte.
func (d *Discovery) Issuer() string { return d.issuer }

// Cached gives the last good copy without asking anybody; nil if there is none
// yet. Whoever is in the middle of a visit uses it, so that a refresh cannot move
// an endpoint from under a request that is already on somebody's phone.
func (d *Discovery) Cached() *Metadata {
	if p := d.last.Load(); p != nil {
		return p.metadata
	}
	return nil
}

// RefreshError is why the last refresh failed although an older copy is in use; nil
// while all is well.
func (d *Discovery) RefreshError() error {
	if p := d.last.Load(); p != nil {
		return p.latest
	}
	return nil
}

// Get gives the metadata, fetched if there is no copy or it is over a day old. An
// old copy is kept in use while a new one cannot be had. Errors are *kiosk.Error:
// Misconfigured where a setting has to change, else Unreachable.
func (d *Discovery) Get(ctx context.Context) (*Metadata, error) {
	if p := d.last.Load(); p != nil && !isDue(d.now(), p.at, p.good) {
		return p.metadata, nil
	}
	return d.refresh(ctx, false)
}

// Refresh asks the server now, whatever is at hand, and tells what came of it.
// It is for whoever checks the device.
func (d *Discovery) Refresh(ctx context.Context) (*Metadata, error) { return d.refresh(ctx, true) }

func (d *Discovery) refresh(ctx context.Context, force bool) (*Metadata, error) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, kiosk.Fail(kiosk.Unreachable, "discovery", ctx.Err())
	}
	old := d.last.Load()
	if old != nil && !force && !isDue(d.now(), old.at, old.good) {
		return old.metadata, nil // somebody else was quicker
	}
	m, err := d.fetch(ctx)
	switch {
	case err == nil:
		d.last.Store(&cachedMetadata{metadata: m, at: d.now(), good: documentTTL})
		return m, nil
	case old == nil:
		return nil, err
	}
	d.last.Store(&cachedMetadata{metadata: old.metadata, at: d.now(), good: refreshPause, latest: err})
	if force {
		return old.metadata, err
	}
	return old.metadata, nil
}

// fetch tries both addresses. The second is for servers that follow RFC 8414
// only, so it is asked only where the first said that nothing is there.
func (d *Discovery) fetch(ctx context.Context) (*Metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, documentTimeout)
	defer cancel()
	const what = "discovery"
	for i, u := range d.urls {
		body, status, err := getDocument(ctx, d.via, u)
		if err != nil {
			return nil, kiosk.Fail(orBadClock(kiosk.Unreachable, err, d.now()), what, err)
		}
		if status != http.StatusOK {
			if i < len(d.urls)-1 && status >= 400 && status < 500 && status != http.StatusTooManyRequests {
				continue
			}
			if status >= 400 && status < 500 && status != http.StatusTooManyRequests {
				return nil, kiosk.Fail(kiosk.Misconfigured, what, fmt.Errorf("no metadata document below KIOSK_ISSUER (status %d)", status))
			}
			return nil, kiosk.Fail(kiosk.Unreachable, what, fmt.Errorf("status %d", status))
		}
		m, err := parseMetadata(body, d.issuer)
		if err != nil {
			// What is not JSON comes from whatever stands in front of a server that is down.
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

// orBadClock blames the clock where the clock is to blame.
func orBadClock(r kiosk.Reason, err error, now time.Time) kiosk.Reason {
	if SuggestsWrongClock(err, now) {
		return kiosk.BadClock
	}
	return r
}

func getDocument(ctx context.Context, via *Transport, address string) (body []byte, status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, errors.New("bad address")
	}
	r.Header.Set("Accept", "application/json")
	reply, err := via.Send(r, MaxDocument)
	if IsStaleConnection(err) {
		reply, err = via.SendOnce(r, MaxDocument)
	}
	if err != nil {
		return nil, 0, err
	}
	return reply.Body, reply.Status, nil
}
