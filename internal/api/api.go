// Package api fetches what the customer came for. It calls the protected API once with the access token and lays the
// response out as a title and labelled lines that are safe to draw.
//
// It leaves to others whether the token may be used (package oidc, and the step that fetches only after the ID token
// was verified), how the request travels (oidc.Transport), and how a result looks (the front ends).
//
// # Limits
//
// One GET, and a second one only if the API demands its DPoP nonce, since it has then refused the first one unread
// (RFC 9449, section 9). No redirect. 20 seconds, 256 KiB, and the limits of package strictjson. A title of 128
// characters, 100 fields, labels of 64 characters and values of 512. No control, direction or zero-width characters,
// and no text that contains one of the visit's tokens.
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
	// DefaultTimeout limits the whole call. The customer has approved and waits in front of the screen.
	DefaultTimeout = 20 * time.Second
	// DefaultMaxBody is far more than a customer can read, and little for a device with 512 MiB of memory.
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

// Fetch calls the API once and lays its response out; without an API it lays out the person's claims. Its errors are
// *kiosk.Error: NoAccess for status 401 and 403; ServiceDown for any other response than a JSON object, and for an
// API that does not respond or cannot be reached; Cancelled if ctx was cancelled; Untrusted for a malformed access
// token; Internal for a token type other than Bearer, or DPoP with its key.
func (r *Resource) Fetch(ctx context.Context, t kiosk.Tokens, p kiosk.Person) (kiosk.Result, error) {
	if r.dpop != nil {
		defer r.dpop.Forget(t.Access)
	}
	d := &documents{hidden: tokensOf(t)}
	var err error
	if d.claims, err = strictjson.ParseOrdered(p.Claims); err != nil {
		return kiosk.Result{}, kiosk.Fail(kiosk.Internal, "verified claims", err)
	}
	doc := personalClaims(d.claims)
	if r.url != "" {
		body, err := r.get(ctx, t)
		if err != nil {
			return kiosk.Result{}, err
		}
		if doc, err = strictjson.ParseOrdered(body); err != nil {
			return kiosk.Result{}, kiosk.Fail(kiosk.ServiceDown, opResponse, err)
		}
		d.api = doc
	}
	if r.layout != nil {
		return r.layout.render(d), nil
	}
	return builtInLayout(doc, d), nil
}

// tokensOf returns the tokens, which may not be displayed. Anything under eight bytes is no token and would hide
// ordinary words.
func tokensOf(t kiosk.Tokens) []string {
	var all []string
	for _, s := range []kiosk.Secret{t.Access, t.ID, t.Refresh} {
		if len(s) >= 8 {
			all = append(all, string(s))
		}
	}
	return all
}
