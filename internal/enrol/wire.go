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

// callLimit bounds one request. Registration is a write at the server, not a wait for a person.
const requestTimeout = 30 * time.Second

// known are the error codes that are repeated to a technician, of RFC 6749, 6750, 7591
// and 8628; nothing else of what a server writes is.
var repeatableErrors = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"invalid_token", "insufficient_scope", "access_denied", "expired_token", "authorization_pending", "slow_down",
	"invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement",
	"server_error", "temporarily_unavailable",
}

// refusal is an OAuth error answer.
type oauthError struct {
	status int
	code   string // one of known; empty for any other
}

func (r *oauthError) Error() string {
	if r.code == "" {
		return fmt.Sprintf("the server answers with status %d", r.status)
	}
	return fmt.Sprintf("the server answers %s (status %d)", r.code, r.status)
}

// postForm posts a form as a public client.
func (e *Enrolment) postForm(ctx context.Context, to string, form url.Values) (strictjson.Object, error) {
	r, err := http.NewRequest(http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("bad address")
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
		return nil, errors.New("bad address")
	}
	r.Header.Set("Content-Type", "application/json")
	if len(token) > 0 {
		r.Header.Set("Authorization", "Bearer "+string(token))
	}
	return e.send(ctx, r)
}

// send gives a 2xx answer's object. Any other is a *refusal; no answer is another error.
// The request goes out once, on a new connection: most of these must not arrive twice.
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
		if !slices.Contains(repeatableErrors, code) {
			code = ""
		}
		return nil, &oauthError{reply.Status, code}
	}
	if bad != nil {
		return nil, bad
	}
	return o, nil
}

// reasonFor sorts an error into those that a visit can end for: a technician's scripts
// know their exit codes.
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
