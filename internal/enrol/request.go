package enrol

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// requestTimeout limits one request. None of them waits for a person.
const requestTimeout = 30 * time.Second

// quotedErrors are the error codes that are quoted to a technician (RFC 6749, 6750, 7591 and 8628). Nothing else of
// an error response is.
var quotedErrors = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"invalid_token", "insufficient_scope", "access_denied", "expired_token", "authorization_pending", "slow_down",
	"invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement",
	"server_error", "temporarily_unavailable",
}

// oauthError is an OAuth error response.
type oauthError struct {
	status int
	code   string // one of quotedErrors; empty for any other
}

func (r *oauthError) Error() string {
	if r.code == "" {
		return fmt.Sprintf("the server responded with status %d", r.status)
	}
	return fmt.Sprintf("the server responded with %s (status %d)", r.code, r.status)
}

// postForm posts a form as a public client.
func (e *Enrolment) postForm(ctx context.Context, to string, form url.Values) (strictjson.Object, error) {
	r, err := http.NewRequest(http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("malformed address")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return e.send(ctx, r)
}

// sendJSON sends client metadata with a bearer token.
func (e *Enrolment) sendJSON(ctx context.Context, method, to string, token kiosk.Secret, metadata any) (strictjson.Object, error) {
	body, err := json.Marshal(metadata)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(method, to, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("malformed address")
	}
	r.Header.Set("Content-Type", "application/json")
	if len(token) > 0 {
		r.Header.Set("Authorization", "Bearer "+string(token))
	}
	return e.send(ctx, r)
}

// send sends a request once, on a new connection, because most of these must not arrive twice. It returns the object
// of a 2xx response; any other response is an *oauthError.
func (e *Enrolment) send(ctx context.Context, r *http.Request) (strictjson.Object, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r.Header.Set("Accept", "application/json")
	reply, err := e.options.Transport.SendOnce(r.WithContext(ctx), oidc.MaxResponse)
	if err != nil && (reply == nil || reply.Status < 400) {
		return nil, err
	}
	o, bad := strictjson.Parse(reply.Body)
	if reply.Status < 200 || reply.Status > 299 {
		code, _ := o.Text("error")
		if !slices.Contains(quotedErrors, code) {
			code = ""
		}
		return nil, &oauthError{reply.Status, code}
	}
	if bad != nil {
		return nil, bad
	}
	return o, nil
}

// reasonFor returns the reason of an error, which decides the exit code.
func reasonFor(err error) kiosk.Reason {
	var r *oauthError
	switch {
	case errors.As(err, &r) && (r.status >= 500 || r.status == http.StatusTooManyRequests):
		return kiosk.Unreachable
	case errors.As(err, &r):
		return kiosk.Misconfigured
	}
	var link *oidc.TransportError
	if errors.As(err, &link) {
		return kiosk.Unreachable
	}
	return kiosk.Untrusted
}
