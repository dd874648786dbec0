package ciba

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// maxRetryAfter bounds a server's wish to be left alone; no request lives longer.
	maxRetryAfter = time.Hour

	// maxBearer bounds each token; the largest in use are about 8 KiB.
	maxBearer = 64 << 10

	whatPoll = "token request"
)

// verdicts are the errors of the token endpoint that a visit knows (CIBA Core,
// section 11). The code decides, never the status: Auth0 answers 403, others 400.
var verdicts = map[string]kiosk.Verdict{
	"authorization_pending":   kiosk.Pending,
	"slow_down":               kiosk.SlowDown,
	"access_denied":           kiosk.Denied,
	"expired_token":           kiosk.TimedOut,
	"invalid_grant":           kiosk.Gone,
	"temporarily_unavailable": kiosk.Trouble,
	"server_error":            kiosk.Trouble,
	"too_many_requests":       kiosk.Trouble,
}

// Poll asks the token endpoint once (CIBA Core, section 10.1). It gives up after
// 40 s by itself.
func (k *Client) Poll(ctx context.Context, requestID kiosk.Secret) kiosk.Answer {
	a := k.poll(ctx, requestID)
	outcome := verdictName(a.Verdict)
	if a.Verdict == kiosk.Hopeless {
		k.log.Warn(whatPoll, "outcome", outcome, "reason", a.Reason.String())
	} else {
		k.log.Debug(whatPoll, "outcome", outcome)
	}
	return a
}

func (k *Client) poll(ctx context.Context, requestID kiosk.Secret) kiosk.Answer {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	if len(requestID) == 0 {
		return hopeless(kiosk.Internal, errors.New("no auth_req_id"))
	}
	m, err := k.known(ctx)
	if err != nil {
		return trouble(err, false)
	}
	form := url.Values{}
	form.Set("grant_type", oidc.GrantCIBA)
	form.Set("auth_req_id", string(requestID))
	reply, err := k.post(ctx, m, oidc.Token, form, k.c.Transport.Send)
	if err != nil {
		var own *kiosk.Error
		if errors.As(err, &own) {
			return hopeless(own.Reason, err)
		}
		if errors.Is(err, oidc.ErrTooLong) && reply.Status == http.StatusOK {
			return hopeless(kiosk.Untrusted, err)
		}
		return trouble(err, reply != nil)
	}
	a := k.judge(reply, requestID)
	a.RetryAfter = retryAfter(reply.Header, k.c.Now())
	return a
}

// judge turns a whole answer into a verdict.
func (k *Client) judge(reply *oidc.Reply, requestID kiosk.Secret) kiosk.Answer {
	if e := readError(reply.Body, requestID); e != nil {
		v, ok := verdicts[e.code]
		switch {
		case v == kiosk.SlowDown:
			return kiosk.Answer{Verdict: v, Interval: slowInterval(e.body)}
		case ok && v == kiosk.Trouble:
			return trouble(e, true)
		case ok:
			return kiosk.Answer{Verdict: v}
		}
		if r, ok := pollReasons[e.code]; ok {
			return hopeless(r, e)
		}
		if reply.Status >= 500 || reply.Status == http.StatusTooManyRequests {
			return trouble(e, true)
		}
		return hopeless(kiosk.Refused, e) // any other code ends it: RFC 8628, section 3.5
	}
	if reply.Status != http.StatusOK {
		return trouble(status(reply), true)
	}
	t, reason, err := k.readTokens(reply.Body)
	if err != nil {
		return hopeless(reason, err)
	}
	return kiosk.Answer{Verdict: kiosk.Granted, Tokens: t}
}

func trouble(err error, reached bool) kiosk.Answer {
	return kiosk.Answer{Verdict: kiosk.Trouble, Reached: reached, Err: kiosk.Fail(kiosk.Unreachable, whatPoll, err)}
}

func hopeless(r kiosk.Reason, err error) kiosk.Answer {
	return kiosk.Answer{Verdict: kiosk.Hopeless, Reason: r, Err: kiosk.Fail(r, whatPoll, err)}
}

// slowInterval is the new interval that some servers put beside slow_down; 0 if
// there is none.
func slowInterval(o oidc.Object) time.Duration {
	n, err := o.Integer("interval")
	if err != nil || n == 0 {
		return 0
	}
	return oidc.Seconds(n, time.Second, maxExpires)
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds or a date. The
// date is the server's, so it is compared with the server's own Date where there
// is one.
func retryAfter(h http.Header, now time.Time) time.Duration {
	s := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(s, 10, 62); err == nil {
		return oidc.Seconds(int64(n), 0, maxRetryAfter)
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

// readTokens makes the outer checks of a token response (RFC 6749, section 5.1;
// OpenID Connect Core 1.0, section 3.1.3.3).
func (k *Client) readTokens(body []byte) (kiosk.Tokens, kiosk.Reason, error) {
	var t kiosk.Tokens
	o, err := oidc.ParseObject(body)
	if err != nil {
		return t, kiosk.Untrusted, err
	}
	if o.Has("error") {
		return t, kiosk.Untrusted, errors.New("an error that is no text")
	}
	token := func(name string, into *kiosk.Secret) error {
		s, ok := o.Text(name)
		if !ok || s == "" || len(s) > maxBearer || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("%s is missing or malformed", name)
		}
		*into = kiosk.Secret(s)
		return nil
	}
	// Scope openid was asked for, so an ID token has to be there.
	if err := errors.Join(token("access_token", &t.Access), token("id_token", &t.ID)); err != nil {
		return kiosk.Tokens{}, kiosk.Untrusted, err
	}
	if o.Has("refresh_token") {
		if err := token("refresh_token", &t.Refresh); err != nil {
			return kiosk.Tokens{}, kiosk.Untrusted, err
		}
	}
	// A token of another type cannot be used by whoever does not know the type
	// (RFC 6749, section 7.1), and no default is assumed for a missing one.
	if typ, _ := o.Text("token_type"); !strings.EqualFold(typ, "Bearer") {
		return kiosk.Tokens{}, kiosk.Untrusted, errors.New("token_type is not Bearer")
	}
	t.Type = "Bearer"
	t.Scope = k.c.Scope
	if o.Has("scope") {
		granted, ok := o.Text("scope")
		if !ok || hasControl(granted) {
			return kiosk.Tokens{}, kiosk.Untrusted, errors.New("scope is malformed")
		}
		t.Scope = granted
		for _, s := range k.needed() {
			if !hasScope(granted, s) {
				return kiosk.Tokens{}, kiosk.NoAccess, errors.New("fewer scopes were granted than asked for")
			}
		}
	}
	return t, kiosk.NoReason, nil
}

// needed are the scopes that must have been granted: all that are asked for but
// openid, of which the ID token is the proof, and offline_access, without which
// there is merely no refresh token. With a resource the answer's scope is about that
// resource alone (RFC 8707, section 2.2), so the scopes that stand for claims are not
// looked for in it.
func (k *Client) needed() []string {
	var out []string
	for _, s := range strings.Fields(k.c.Scope) {
		switch s {
		case "openid", "offline_access":
		case "profile", "email", "address", "phone":
			if k.c.Resource == "" {
				out = append(out, s)
			}
		default:
			out = append(out, s)
		}
	}
	return out
}

func verdictName(v kiosk.Verdict) string {
	names := [...]string{"pending", "slow down", "granted", "denied", "timed out", "gone", "trouble", "hopeless"}
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}
