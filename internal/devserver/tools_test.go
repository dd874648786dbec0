package devserver

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// verifies reports whether a token is signed, with an allowed algorithm, by the
// published key that it names.
func verifies(token string, jwks []byte) bool {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		return false
	}
	var set jose.JSONWebKeySet
	if json.Unmarshal(jwks, &set) != nil {
		return false
	}
	var claims map[string]any
	for _, k := range set.Key(parsed.Headers[0].KeyID) {
		if parsed.Claims(k.Key, &claims) == nil {
			return true
		}
	}
	return false
}

// recorder is a ResponseWriter that needs no socket.
type recorder struct {
	header   http.Header
	status   int
	body     []byte
	panicked any
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(s int)   { r.status = s }
func (r *recorder) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return len(b), nil
}

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}
