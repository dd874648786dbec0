package provider

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// LocalOnly protects pages and interfaces that can answer for a person. It refuses
// host names from the internet that resolve to this machine (DNS rebinding) and
// requests made by pages of other sites (CSRF), and sets the security headers.
func (s *Server) LocalOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers send "Origin: null" with our own forms
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !s.isLocalName(r.Host) {
			http.Error(w, "devserver: unknown host name; use the address printed at the start", http.StatusMisdirectedRequest)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/dev/") && !isFromThisMachine(r) {
			http.Error(w, "devserver: the control addresses answer this machine only", http.StatusForbidden)
			return
		}
		readOnly := (r.Method == http.MethodGet || r.Method == http.MethodHead) && !strings.HasPrefix(r.URL.Path, "/dev/")
		if !readOnly && isCrossSite(r) {
			http.Error(w, "devserver: requests from other sites are refused", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isFromThisMachine reports whether a request came over a loopback address: whoever
// may use the control addresses can answer for every person.
func isFromThisMachine(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}

// isLocalName reports whether a host is the issuer's, an IP address, or a name that
// cannot be registered on the internet.
func (s *Server) isLocalName(host string) bool {
	u, err := url.Parse("http://" + host)
	if err != nil {
		return false
	}
	name := strings.ToLower(u.Hostname())
	issuer, _ := url.Parse(s.Issuer())
	switch {
	case name == "":
		return false
	case issuer != nil && name == strings.ToLower(issuer.Hostname()):
		return true
	case strings.HasSuffix(name, ".localhost"), strings.HasSuffix(name, ".local"), !strings.Contains(name, "."):
		return true // includes IPv6 addresses, which have no dot
	}
	_, err = netip.ParseAddr(name)
	return err == nil
}

// isCrossSite reports whether a browser says that another site made the request.
// Browsers omit Sec-Fetch-Site over plain http beyond this machine; Origin is used
// then. Scripts send neither header.
func isCrossSite(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site != "same-origin" && site != "none"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || !strings.EqualFold(u.Host, r.Host)
}
