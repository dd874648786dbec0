package config

import (
	"net/url"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
)

// issuer is an issuer identifier (OpenID Connect Discovery 2).
type issuer struct{ field }

func (i *issuer) Decode(s string) error {
	if !i.accept(s) {
		return nil
	}
	if _, err := safeurl.ParseIssuer(i.text); err != nil {
		return i.reject(issuerAllowed, "%v", err)
	}
	return nil
}

// endpoint is an address that the kiosk calls; it may have a query.
type endpoint struct {
	field
	url *url.URL
}

func (e *endpoint) Decode(s string) error {
	e.url = nil
	if !e.accept(s) {
		return nil
	}
	u, err := safeurl.Parse(e.text)
	if err != nil {
		return e.reject(endpointAllowed, "%v", err)
	}
	e.url = u
	return nil
}

// link is an address for the customer's phone. The kiosk never calls it.
type link struct{ field }

// maxLink is what fits into a QR code on a console.
const maxLink = 300

func (l *link) Decode(s string) error {
	if !l.accept(s) {
		return nil
	}
	u, err := url.Parse(l.text)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		return l.reject(linkAllowed, "not an address")
	case u.Scheme != "http" && u.Scheme != "https":
		return l.reject(linkAllowed, "must begin with http:// or https://")
	case u.User != nil:
		return l.reject(linkAllowed, "contains a user name")
	case len(l.text) > maxLink:
		return l.reject(linkAllowed, "has %d characters", len(l.text))
	}
	return nil
}

// resource is an absolute URI without a fragment (RFC 8707 2).
type resource struct{ field }

func (r *resource) Decode(s string) error {
	if !r.accept(s) {
		return nil
	}
	u, err := url.Parse(r.text)
	switch {
	case err != nil || !u.IsAbs() || !isToken(r.text):
		return r.reject(resourceAllowed, "not an absolute URI")
	case u.User != nil:
		return r.reject(resourceAllowed, "contains a user name")
	case strings.Contains(r.text, "#"):
		return r.reject(resourceAllowed, "has a fragment")
	}
	return nil
}

// shownAddress hides what can be secret in an address: the text before an @, and the query.
func shownAddress(s string) string {
	if at := strings.LastIndex(s, "@"); at >= 0 {
		scheme, _, ok := strings.Cut(s[:at], "://")
		if !ok {
			scheme = ""
		} else {
			scheme += "://"
		}
		s = scheme + "[hidden]" + s[at:]
	}
	if q := strings.IndexAny(s, "?#"); q >= 0 && q+1 < len(s) {
		s = s[:q+1] + "[hidden]"
	}
	return s
}
