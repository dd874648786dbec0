package oidc

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// maxURL is the longest address accepted from a setting or a document: longer
// ones break proxies and logs, and nobody publishes them.
const maxURL = 2048

// CheckURL reads an address that the kiosk may speak to: absolute, https, or http
// where the host is this machine itself (a development server). User names,
// passwords and fragments in it are refused.
func CheckURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, errors.New("empty address")
	}
	if len(s) > maxURL {
		return nil, fmt.Errorf("address of %d bytes is too long", len(s))
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return nil, errors.New("address holds a space, a control character or a letter outside ASCII")
		}
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("not an address") // the cause would repeat the whole text
	}
	switch {
	case u.Host == "" || u.Hostname() == "":
		return nil, errors.New("address without a host")
	case u.User != nil:
		return nil, errors.New("address with a user name in it")
	case strings.Contains(s, "#"):
		return nil, errors.New("address with a fragment")
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	case u.Scheme == "http":
		return nil, errors.New("plain http is for this machine only (localhost); use https")
	default:
		return nil, errors.New("address is not https")
	}
	return u, nil
}

// checkIssuer adds what OpenID Connect Discovery 1.0, section 2, asks of an
// issuer: no query.
func checkIssuer(s string) (*url.URL, error) {
	u, err := CheckURL(s)
	if err != nil {
		return nil, err
	}
	if strings.Contains(s, "?") {
		return nil, errors.New("issuer with a query")
	}
	return u, nil
}

// isLoopback tells whether a host name means this machine. A name other than
// "localhost" never does, whatever it resolves to.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
