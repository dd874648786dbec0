// Package safeurl parses the addresses to which the kiosk sends secrets, from settings and from the documents of servers.
package safeurl

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// maxLength limits an address. Longer ones break proxies and logs, and nobody publishes them.
const maxLength = 2048

// Parse parses an address that the kiosk may use: absolute, with https, or with http if the host is this machine (a
// development server). It rejects user names, passwords and fragments. Errors quote nothing of the address.
func Parse(s string) (*url.URL, error) {
	if s == "" {
		return nil, errors.New("empty address")
	}
	if len(s) > maxLength {
		return nil, fmt.Errorf("address of %d bytes is too long", len(s))
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return nil, errors.New("address contains a space, a control character or a letter outside ASCII")
		}
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("not an address") // the cause would quote the whole text
	}
	switch {
	case u.Host == "" || u.Hostname() == "":
		return nil, errors.New("address without a host")
	case strings.HasSuffix(u.Host, ":"):
		return nil, errors.New("address with an empty port")
	case u.User != nil:
		return nil, errors.New("address with a user name in it")
	case strings.Contains(s, "#"):
		return nil, errors.New("address with a fragment")
	case u.Scheme == "https":
	case u.Scheme == "http" && IsLoopback(u.Hostname()):
	case u.Scheme == "http":
		return nil, errors.New("plain http is allowed for this machine only (localhost); use https")
	default:
		return nil, errors.New("address is not https")
	}
	return u, nil
}

// ParseIssuer is Parse for an issuer, which has no query. (OpenID Connect Discovery 1.0, section 2)
func ParseIssuer(s string) (*url.URL, error) {
	u, err := Parse(s)
	if err != nil {
		return nil, err
	}
	if strings.Contains(s, "?") {
		return nil, errors.New("issuer with a query")
	}
	return u, nil
}

// IsLoopback reports whether a host name is this machine. No name but "localhost" is, whatever it resolves to. (RFC 6761,
// section 6.3)
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
