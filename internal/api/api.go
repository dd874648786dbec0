// Package api is the protected resource: what the customer came for. It calls
// the API once with the access token, limits what may come back, and lays the
// answer out as a title and labelled lines that are safe to draw.
//
// It leaves to others: whether the token may be used at all (package oidc, and
// the step that asks for a fetch only after a verified answer), the certificate
// roots (the http.Client it is given), and how a result looks (the painters).
//
// # Limits
//
// One GET (a second one only where a proof of possession lacks the nonce that the API
// wants, which it has refused unread: RFC 9449, section 9), no redirect, 20 seconds, 256 KiB, JSON nested 32 deep with 20,000
// values; a title of 128 characters, 100 fields, labels of 64 and values of 512.
// Controls, direction and zero-width characters never come through; nor does
// any text in which one of the visit's tokens occurs.
package api

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// DefaultTimeout is for the whole call. A customer who has approved waits
	// in front of the screen; after 20 s an apology is better than hope.
	DefaultTimeout = 20 * time.Second
	// DefaultMaxBody is far more than a customer can read, and little enough for
	// a device with 512 MiB of memory.
	DefaultMaxBody = 256 << 10
)

// Options configure New.
type Options struct {
	// URL is the protected resource. nil: nothing is called, and the verified claims are the result.
	URL *url.URL
	// Transport sends the request. nil: one with the system's roots.
	Transport *oidc.Transport
	// Layout arranges the response; nil: the built-in layout.
	Layout *Layout
	// DPoP makes the proof for an access token of type DPoP; nil: such a token is rejected. Fetch makes it forget the
	// token's key. (RFC 9449)
	DPoP *oidc.DPoP
	// Timeout limits the call from dialling to the last byte; 0: DefaultTimeout.
	Timeout time.Duration
	// MaxBody limits the bytes of a response; 0: DefaultMaxBody.
	MaxBody int64
}

// Resource is the protected API, as the visit uses it. It is safe for concurrent use.
type Resource struct {
	url       string // empty if no API is configured
	transport *oidc.Transport
	layout    *Layout
	dpop      *oidc.DPoP
	timeout   time.Duration
	maxBody   int64
}

var _ kiosk.Resource = (*Resource)(nil)

// New returns a Resource. It fails for an address that may not be called.
func New(o Options) (*Resource, error) {
	r := &Resource{transport: o.Transport, layout: o.Layout, dpop: o.DPoP, timeout: o.Timeout, maxBody: o.MaxBody}
	if r.timeout <= 0 {
		r.timeout = DefaultTimeout
	}
	if r.maxBody <= 0 {
		r.maxBody = DefaultMaxBody
	}
	if o.URL == nil {
		return r, nil
	}
	r.url = o.URL.String()
	if _, err := safeurl.Parse(r.url); err != nil {
		return nil, fmt.Errorf("API address: %w", err)
	}
	if r.transport == nil {
		r.transport = oidc.NewTransport(oidc.TransportOptions{})
	}
	return r, nil
}

// Fetch calls the API once and lays its answer out; without an API it lays out
// the person's claims. Its errors are *kiosk.Error: NoAccess for 401 and 403,
// ServiceDown for any other answer than a JSON object, for silence and for an
// API that cannot be reached, Cancelled when ctx was cancelled, Untrusted for an
// access token that is none, Internal for a token type other than Bearer, or DPoP
// where there is a proof to go with it.
func (r *Resource) Fetch(ctx context.Context, t kiosk.Tokens, p kiosk.Person) (kiosk.Result, error) {
	if r.dpop != nil {
		defer r.dpop.Forget(t.Access)
	}
	a := &answer{hidden: tokensOf(t)}
	var err error
	if a.claims, err = strictjson.ParseOrdered(p.Claims); err != nil {
		return kiosk.Result{}, kiosk.Fail(kiosk.Internal, "verified claims", err)
	}
	doc := personalClaims(a.claims)
	if r.url != "" {
		body, err := r.get(ctx, t)
		if err != nil {
			return kiosk.Result{}, err
		}
		if doc, err = strictjson.ParseOrdered(body); err != nil {
			return kiosk.Result{}, kiosk.Fail(kiosk.ServiceDown, opResponse, err)
		}
		a.api = doc
	}
	if r.layout != nil {
		return r.layout.render(a), nil
	}
	return builtInLayout(doc, a), nil
}

// tokensOf lists the tokens. Anything shorter than eight bytes is no token but
// would blank out ordinary words.
func tokensOf(t kiosk.Tokens) []string {
	var all []string
	for _, s := range []kiosk.Secret{t.Access, t.ID, t.Refresh} {
		if len(s) >= 8 {
			all = append(all, string(s))
		}
	}
	return all
}
