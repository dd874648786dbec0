package devserver

import (
	"net/http"
	"net/url"
	"strings"
)

// mtlsPath is where the endpoints for clients with a certificate are.
const mtlsPath = "/mtls"

// routes is the table of addresses.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	provider := func(pattern, place, kind string, h endpoint) {
		mux.HandleFunc(pattern, s.serve(place, kind, h))
	}
	provider("GET /.well-known/openid-configuration", "discovery", "discovery", s.discovery)
	provider("GET /.well-known/oauth-authorization-server", "discovery", "discovery", s.discovery)
	provider("GET /jwks", "jwks", "jwks", s.jwks)
	provider("POST /bc-authorize", "bc", "backchannel", s.backchannel)
	provider("POST /token", "token", "token", s.token)
	provider("POST /device_authorization", "device", "device", s.deviceAuthorization)
	provider("POST /revoke", "revoke", "revocation", s.revoke)
	provider("GET /userinfo", "userinfo", "userinfo", s.userinfo)
	provider("POST /userinfo", "userinfo", "userinfo", s.userinfo)
	provider("POST /register", "register", "registration", s.register)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		provider(method+" /register/{id}", "configuration", "registration", s.configuration)
	}
	provider("GET /api/customer", "api", "api", s.customer)

	// The same for clients with a certificate (RFC 8705 section 5). There is none for
	// UserInfo, so that clients have to fall back for that one.
	provider("POST "+mtlsPath+"/bc-authorize", "bc", "backchannel", s.backchannel)
	provider("POST "+mtlsPath+"/token", "token", "token", s.token)
	provider("POST "+mtlsPath+"/revoke", "revoke", "revocation", s.revoke)

	mux.Handle("/dev/", s.devRoutes())
	s.phoneRoutes(mux)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/phone", http.StatusSeeOther)
	})
	return s.below(mux)
}

// below serves everything a second time under the issuer's path, if it has one,
// and keeps foreign host names away from what can answer for a person: without
// that, a page on the internet could point its own name at this address and
// approve (DNS rebinding).
func (s *Server) below(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		issuer, _ := url.Parse(s.Issuer())
		if prefix := strings.TrimSuffix(issuer.Path, "/"); prefix != "" && strings.HasPrefix(r.URL.Path, prefix+"/") {
			http.StripPrefix(prefix, next).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
