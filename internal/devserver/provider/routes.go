package provider

import (
	"net/http"
	"net/url"
	"strings"
)

// mtlsPath is the prefix of the endpoints for clients with a certificate.
const mtlsPath = "/mtls"

// routes registers all endpoints.
func (s *Server) routes() http.Handler {
	mux := s.mux
	provider := func(pattern, place, kind string, h endpoint) {
		mux.HandleFunc(pattern, s.handle(place, kind, h))
	}
	provider("GET /.well-known/openid-configuration", "discovery", "discovery", s.handleDiscovery)
	provider("GET /.well-known/oauth-authorization-server", "discovery", "discovery", s.handleDiscovery)
	provider("GET /jwks", "jwks", "jwks", s.handleJWKS)
	provider("POST /bc-authorize", "bc", "backchannel", s.handleBackchannel)
	provider("POST /token", "token", "token", s.handleToken)
	provider("POST /device_authorization", "device", "device", s.handleDeviceAuthorization)
	provider("POST /revoke", "revoke", "revocation", s.handleRevocation)
	provider("GET /userinfo", "userinfo", "userinfo", s.handleUserInfo)
	provider("POST /userinfo", "userinfo", "userinfo", s.handleUserInfo)
	provider("POST /register", "register", "registration", s.handleRegistration)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		provider(method+" /register/{id}", "configuration", "registration", s.handleClientConfiguration)
	}
	provider("GET /api/customer", "api", "api", s.handleCustomer)

	// Aliases for clients with a certificate (RFC 8705 section 5). UserInfo has none, so
	// clients must fall back to its main address.
	provider("POST "+mtlsPath+"/bc-authorize", "bc", "backchannel", s.handleBackchannel)
	provider("POST "+mtlsPath+"/token", "token", "token", s.handleToken)
	provider("POST "+mtlsPath+"/revoke", "revoke", "revocation", s.handleRevocation)

	mux.Handle("/dev/", s.controlRoutes())
	return s.underIssuerPath(mux)
}

// underIssuerPath serves everything a second time under the issuer's path, if it has
// one.
func (s *Server) underIssuerPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		issuer, _ := url.Parse(s.Issuer())
		if prefix := strings.TrimSuffix(issuer.Path, "/"); prefix != "" && strings.HasPrefix(r.URL.Path, prefix+"/") {
			http.StripPrefix(prefix, next).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
