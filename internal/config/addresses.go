package config

import (
	"net/url"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
)

// issuer is an issuer identifier (OpenID Connect Discovery, section 2): https,
// host, no query, no fragment. http is for a loopback address, where no wire is.
type issuer struct{ cell }

const issuerAllowed = "an https address without query and fragment; http only for a loopback address"

func (i *issuer) Decode(s string) error {
	if !i.take(s) {
		return nil
	}
	if _, what := parseAddress(i.text); what != "" {
		return i.bad(issuerAllowed, "%s", what)
	}
	// An empty query or fragment does not survive parsing, and the text is what
	// is compared with the server's.
	if strings.ContainsAny(i.text, "?#") {
		return i.bad(issuerAllowed, "it has a query or fragment")
	}
	return nil
}

// endpoint is an address that is called: as an issuer, but a query is its own business.
type endpoint struct {
	cell
	url *url.URL
}

func (e *endpoint) Decode(s string) error {
	const allowed = "an https address without fragment; http only for a loopback address"
	e.url = nil
	if !e.take(s) {
		return nil
	}
	u, what := parseAddress(e.text)
	if what == "" && strings.Contains(e.text, "#") {
		what = "it has a fragment"
	}
	if what != "" {
		return e.bad(allowed, "%s", what)
	}
	e.url = u
	return nil
}

// link is an address for the customer's phone: never called by the kiosk.
type link struct{ cell }

// maxLink is what a QR code of a size that fits the console holds.
const maxLink = 300

func (l *link) Decode(s string) error {
	const allowed = "an http or https address of at most 300 characters"
	if !l.take(s) {
		return nil
	}
	u, err := url.Parse(l.text)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		return l.bad(allowed, "that is no address")
	case u.Scheme != "http" && u.Scheme != "https":
		return l.bad(allowed, "it begins with neither http:// nor https://")
	case u.User != nil:
		return l.bad(allowed, "it has a user name in it")
	case len(l.text) > maxLink:
		return l.bad(allowed, "it is %d characters long", len(l.text))
	}
	return nil
}

// resource is an absolute URI without a fragment (RFC 8707, section 2).
type resource struct{ cell }

func (r *resource) Decode(s string) error {
	const allowed = "an absolute URI without fragment (RFC 8707)"
	if !r.take(s) {
		return nil
	}
	u, err := url.Parse(r.text)
	switch {
	case err != nil || !u.IsAbs() || !isToken(r.text):
		return r.bad(allowed, "that is no absolute URI")
	case u.User != nil:
		return r.bad(allowed, "it has a user name in it")
	case strings.Contains(r.text, "#"):
		return r.bad(allowed, "it has a fragment")
	}
	return nil
}

// parseAddress reads an address that secrets are sent to; what says what is wrong.
func parseAddress(s string) (u *url.URL, what string) {
	u, err := url.Parse(s)
	switch {
	case err != nil || !isToken(s): // the parser's own error quotes the address
		return nil, "that is no address"
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, "it does not begin with https://"
	case u.Opaque != "" || u.Hostname() == "":
		return nil, "there is no host in it"
	case u.User != nil:
		return nil, "it has a user name in it"
	case strings.HasSuffix(u.Host, ":"):
		return nil, "the port is empty"
	case u.Scheme == "http" && !safeurl.IsLoopback(u.Hostname()):
		return nil, "http is not enough for this host"
	}
	return u, ""
}

// shownAddress hides from an address what can be a secret: what stands before an
// @, and the query.
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
