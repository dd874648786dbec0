package ciba

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// maxRetryAfter bounds Retry-After: no request lives longer.
	maxRetryAfter = time.Hour

	// maxTokenSize bounds each token. The largest in use have about 8 KiB.
	maxTokenSize = 64 << 10

	// maxTokenLifetime bounds expires_in of an access token.
	maxTokenLifetime = 30 * 24 * time.Hour

	pollOperation = "token request"

	// unknownRequestFix names the causes of invalid_grant that an operator can remove. Keycloak sends it if the account
	// has a required action that is not done.
	unknownRequestFix = "if the person had approved, look at the server for required actions of the account, and for a restart of the server"
)

// verdicts maps the errors of the token endpoint to verdicts (CIBA Core 11). The code decides, never the status: Auth0
// answers 403, others 400.
var verdicts = map[string]kiosk.Verdict{
	"authorization_pending":   kiosk.Pending,
	"slow_down":               kiosk.SlowDown,
	"access_denied":           kiosk.Denied,
	"expired_token":           kiosk.TimedOut,
	"invalid_grant":           kiosk.UnknownRequest,
	"temporarily_unavailable": kiosk.Retryable,
	"server_error":            kiosk.Retryable,
	"too_many_requests":       kiosk.Retryable,
}

// Poll sends one request to the token endpoint (CIBA Core 10.1). It gives up after 40 s.
func (k *Client) Poll(ctx context.Context, requestID kiosk.Secret) kiosk.PollAnswer {
	a := k.poll(ctx, requestID)
	k.reportContact(ctx, a.Err, a.Verdict == kiosk.Retryable && !a.ServerReached)
	outcome := verdictName(a.Verdict)
	switch a.Verdict {
	case kiosk.Fatal:
		k.log.Warn(pollOperation, "outcome", outcome, "reason", a.Reason.String())
	case kiosk.UnknownRequest:
		k.log.Info(pollOperation, "outcome", outcome, "fix", unknownRequestFix)
	default:
		k.log.Debug(pollOperation, "outcome", outcome)
	}
	return a
}

func (k *Client) poll(ctx context.Context, requestID kiosk.Secret) kiosk.PollAnswer {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	if len(requestID) == 0 {
		return fatal(kiosk.Internal, errors.New("no auth_req_id"))
	}
	m, err := k.metadata(ctx)
	if err != nil {
		return retryable(err, false)
	}
	who, form := k.pollForm(requestID)
	made := k.clockCorrections()
	reply, err := k.postWith(ctx, who, m, oidc.Token, form, k.config.Transport.Send)
	var a kiosk.PollAnswer
	var own *kiosk.Error
	switch {
	case err == nil:
		a = k.readPollReply(reply)
		a.Tokens.Client = k.tokenClient(requestID)
		if refusesProof(reply) && k.config.Clock != nil {
			k.config.Clock.Confirm()
		}
		if !hasTokens(a.Tokens) && refusesProof(reply) && k.clockCorrections() != made {
			// The proof was made by a wrong clock, which this very answer has corrected. The next poll has a new proof; if
			// that is refused as well, the clock was not the cause.
			a = retryable(errors.New("the proof was made by a wrong clock, which has been corrected"), true)
		}
		if k.config.DPoP != nil && a.Verdict == kiosk.Granted {
			k.config.DPoP.BindAccessToken(proofID(form), a.Tokens.Access)
		}
	case errors.As(err, &own):
		return fatal(own.Reason, err)
	default:
		a = retryable(err, reply != nil)
	}
	if reply != nil { // the header counts even if the body is incomplete
		a.RetryAfter = retryAfter(reply.Header, k.config.Now())
	}
	return a
}

// clockCorrections returns how often the clock was corrected.
func (k *Client) clockCorrections() uint64 {
	if k.config.Clock == nil {
		return 0
	}
	return k.config.Clock.Corrections()
}

func hasTokens(t kiosk.Tokens) bool { return len(t.Access)+len(t.Refresh) > 0 }

// refusesProof reports whether an answer refuses a proof that a wrong clock invalidates.
func refusesProof(reply *oidc.Reply) bool {
	e := readError(reply.Body)
	return e != nil && (e.code == "invalid_client" || e.code == "invalid_dpop_proof")
}

// readPollReply turns a complete answer into a verdict.
func (k *Client) readPollReply(reply *oidc.Reply) kiosk.PollAnswer {
	if e := readError(reply.Body); e != nil {
		v, ok := verdicts[e.code]
		switch {
		case v == kiosk.SlowDown:
			return kiosk.PollAnswer{Verdict: v, Interval: readInterval(e.body)}
		case ok && v == kiosk.Retryable:
			return retryable(e, true)
		case ok:
			return kiosk.PollAnswer{Verdict: v}
		}
		if r, ok := pollReasons[e.code]; ok {
			if e.code == "invalid_dpop_proof" && k.isClockOff(reply.Header) {
				r = kiosk.BadClock // a server refuses proofs for their time
			}
			return fatalWithTokens(r, e, readRevocable(e.body))
		}
		if reply.Status >= 500 || reply.Status == http.StatusTooManyRequests {
			return retryable(e, true)
		}
		return fatalWithTokens(kiosk.Refused, e, readRevocable(e.body)) // any other code is final (RFC 8628 3.5)
	}
	if reply.Status != http.StatusOK {
		return retryable(statusError(reply), true)
	}
	if !json.Valid(reply.Body) { // the page of a hotspot or a proxy
		return retryable(errors.New("status 200 without JSON"), true)
	}
	t, reason, err := k.readTokens(reply.Body)
	if err != nil {
		return fatalWithTokens(reason, err, t)
	}
	return kiosk.PollAnswer{Verdict: kiosk.Granted, Tokens: t}
}

func retryable(err error, reached bool) kiosk.PollAnswer {
	return kiosk.PollAnswer{Verdict: kiosk.Retryable, ServerReached: reached, Err: kiosk.Fail(kiosk.Unreachable, pollOperation, err)}
}

func fatal(r kiosk.Reason, err error) kiosk.PollAnswer {
	return kiosk.PollAnswer{Verdict: kiosk.Fatal, Reason: r, Err: kiosk.Fail(r, pollOperation, err)}
}

// fatalWithTokens is fatal with tokens that must not be used and have to be revoked.
func fatalWithTokens(r kiosk.Reason, err error, t kiosk.Tokens) kiosk.PollAnswer {
	a := fatal(r, err)
	a.Tokens = t
	return a
}

// retryAfter reads Retry-After, seconds or a date (RFC 9110 10.2.3). A date is compared with the server's own Date if
// there is one.
func retryAfter(h http.Header, now time.Time) time.Duration {
	s := strings.TrimSpace(h.Get("Retry-After"))
	if s != "" && strings.Trim(s, "0123456789") == "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil { // out of range
			return maxRetryAfter
		}
		return strictjson.Seconds(n, 0, maxRetryAfter)
	}
	at, err := http.ParseTime(s)
	if err != nil {
		return 0
	}
	if d, err := http.ParseTime(h.Get("Date")); err == nil {
		now = d
	}
	return max(0, min(at.Sub(now), maxRetryAfter))
}

// readTokens makes the outer checks of a token response (RFC 6749 5.1; OpenID Connect Core 3.1.3.3). With an error it
// returns the tokens that have to be revoked.
func (k *Client) readTokens(body []byte) (kiosk.Tokens, kiosk.Reason, error) {
	o, err := strictjson.Parse(body)
	if err != nil {
		return kiosk.Tokens{}, kiosk.Untrusted, err
	}
	bad := func(r kiosk.Reason, why string) (kiosk.Tokens, kiosk.Reason, error) {
		return readRevocable(o), r, errors.New(why)
	}
	t := readRevocable(o)
	t.ID = readToken(o, "id_token")
	// A token of an unknown type must not be used (RFC 6749 7.1), and there is no default type.
	typ, _ := o.Text("token_type")
	switch {
	case o.Has("error"):
		return bad(kiosk.Untrusted, "error is not a string")
	case t.Access == nil:
		return bad(kiosk.Untrusted, "access_token is missing or malformed")
	case t.ID == nil: // the scope openid was requested
		return bad(kiosk.Untrusted, "id_token is missing or malformed")
	case t.Refresh == nil && o.Has("refresh_token"):
		return bad(kiosk.Untrusted, "refresh_token is malformed")
	case !strings.EqualFold(typ, k.tokenType()):
		return bad(kiosk.Untrusted, "token_type is not "+k.tokenType())
	}
	t.Type = k.tokenType()
	if granted, err := readDetails(o); err != nil {
		return bad(kiosk.Untrusted, detailsParameter+" is malformed")
	} else if granted.exceed(k.details) {
		return bad(kiosk.Untrusted, "more "+detailsParameter+" granted than requested")
	}
	t.Scope = k.config.Scope
	if o.Has("scope") {
		granted, ok := o.Text("scope")
		if !ok || hasControl(granted) {
			return bad(kiosk.Untrusted, "scope is malformed")
		}
		t.Scope = granted
		for _, s := range k.neededScopes() {
			if !hasScope(granted, s) {
				return bad(kiosk.NoAccess, "fewer scopes granted than requested")
			}
		}
	}
	return t, kiosk.NoReason, nil
}

// readRevocable reads the tokens that can be revoked; absent or malformed ones are nil.
func readRevocable(o strictjson.Object) kiosk.Tokens {
	t := kiosk.Tokens{Access: readToken(o, "access_token"), Refresh: readRefreshToken(o, "refresh_token")}
	if n, err := o.Integer("expires_in"); err == nil { // optional (RFC 6749 5.1)
		t.Expires = strictjson.Seconds(n, 0, maxTokenLifetime)
	}
	return t
}

// readToken reads a token that travels in a header or is a JWT; nil if it is absent or could not be sent on (RFC 6750 2.1;
// RFC 7515 7.1).
func readToken(o strictjson.Object, name string) kiosk.Secret {
	s := readRefreshToken(o, name)
	if bytes.IndexByte(s, ' ') >= 0 {
		return nil
	}
	return s
}

// readRefreshToken reads a token that is only ever sent in a form, so that it may contain blanks; nil if it is absent or
// malformed (RFC 6749 A.17).
func readRefreshToken(o strictjson.Object, name string) kiosk.Secret {
	s, ok := o.Text(name)
	if !ok || s == "" || len(s) > maxTokenSize || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil
	}
	return kiosk.Secret(s)
}

// neededScopes returns the scopes that must have been granted: all requested ones but openid, which the ID token
// proves, and offline_access, without which there is merely no refresh token. With a resource, the answer's scope is
// about that resource alone (RFC 8707 2.2), so the scopes for claims are left out.
func (k *Client) neededScopes() []string {
	var out []string
	for _, s := range strings.Fields(k.config.Scope) {
		switch s {
		case "openid", "offline_access":
		case "profile", "email", "address", "phone":
			if k.config.Resource == "" {
				out = append(out, s)
			}
		default:
			out = append(out, s)
		}
	}
	return out
}

func verdictName(v kiosk.Verdict) string {
	names := [...]string{"pending", "slow down", "granted", "denied", "timed out", "unknown request", "retryable", "fatal"}
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}
