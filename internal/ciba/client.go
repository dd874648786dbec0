package ciba

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// askTimeout bounds one backchannel authentication request. It is longer than for a document, because some servers
	// answer only after they have reached the phone.
	askTimeout = 30 * time.Second

	// pollTimeout bounds one poll: a server may hold a poll for 30 s (CIBA Core 10.1).
	pollTimeout = 40 * time.Second

	// auxiliaryTimeout bounds the calls beside the flow: lookup, UserInfo, revocation.
	auxiliaryTimeout = 15 * time.Second
)

// Config configures a Client. Strings are as in the settings of the same name.
type Config struct {
	Issuer    string           // KIOSK_ISSUER
	ClientID  string           // KIOSK_CLIENT_ID
	Auth      oidc.ClientAuth  // how this client authenticates
	Transport *oidc.Transport  // how servers are reached
	Now       func() time.Time // the best known time
	Clock     *oidc.Clock      // the source of Now if it is not the wall clock; else nil
	// Uptime is the monotonic clock by which Ack.Age is measured; nil leaves Age at 0.
	Uptime func() time.Duration
	Log    *slog.Logger // nil logs nothing; receives no secret and no identifier
	// Contact is called, from any goroutine, after each time a visit needed the authorization server; may be nil.
	Contact func(Contact)
	Profile string // KIOSK_PROFILE; empty selects by discovery

	Scope           string        // KIOSK_SCOPE; must contain openid
	Audience        string        // KIOSK_AUDIENCE; empty sends none
	Resource        string        // KIOSK_RESOURCE; empty sends none
	ACRValues       string        // KIOSK_ACR_VALUES; empty requests and checks none
	RequestedExpiry time.Duration // KIOSK_REQUESTED_EXPIRY; 0 sends none
	BindingMessage  string        // KIOSK_BINDING_MESSAGE; empty is {code}
	Site            string        // KIOSK_SITE, for {site}

	Identifier   string // KIOSK_IDENTIFIER: text, email, phone, number; empty is text
	LoginHint    string // KIOSK_LOGIN_HINT; empty is {identifier}
	LookupURL    string // KIOSK_LOOKUP_URL; empty uses none
	SubjectClaim string // KIOSK_SUBJECT_CLAIM; empty selects the default rule

	// RequiredClaim is a claim that the approver must carry, as name=value (KIOSK_TECHNICIAN_CLAIM); empty requires
	// none. An approval without it is refused as kiosk.NoAccess.
	RequiredClaim string

	Pings          *Pings // KIOSK_DELIVERY=ping; nil only polls
	DeviceClientID string // KIOSK_DEVICE_CLIENT_ID; empty offers no device flow

	AuthorizationDetails string            // KIOSK_AUTHORIZATION_DETAILS; empty requests and accepts none
	SignKey              *oidc.ClientKey   // signs requests (KIOSK_SIGNED_REQUEST); nil signs none
	DPoP                 *oidc.DPoP        // makes DPoP proofs (KIOSK_DPOP); nil makes none
	Certificate          *oidc.Certificate // of mutual TLS, to warn before it expires; nil if not configured

	IDTokenAlgs []string // accepted signature algorithms of ID tokens; nil is oidc.DefaultAlgs
}

// Client is a kiosk.Authorizer for CIBA and the device flow. It is safe for concurrent use and keeps no data of a visit
// between calls.
type Client struct {
	config    Config
	log       *slog.Logger
	discovery *oidc.Discovery
	keys      *oidc.Keys
	verifier  *oidc.Verifier
	hintRule  hintRule
	details   details // as requested
	required  requiredClaim
	profile   *Profile                      // as configured; nil selects by discovery
	checked   atomic.Pointer[oidc.Metadata] // the metadata whose ignored parts are already in the log

	recognized atomic.Pointer[recognizedProfile]
}

var _ kiosk.Authorizer = (*Client)(nil)

// New returns a Client. It sends nothing, so that a kiosk starts without a network. The error is a kiosk.Misconfigured
// that names the setting.
func New(c Config) (*Client, error) {
	bad := func(setting string, err error) (*Client, error) {
		return nil, kiosk.Fail(kiosk.Misconfigured, setting, err)
	}
	if c.Auth == nil || c.Transport == nil || c.Now == nil {
		return nil, kiosk.Fail(kiosk.Internal, "authorization server", errors.New("incomplete configuration"))
	}
	if c.ClientID == "" {
		return bad("KIOSK_CLIENT_ID", errors.New("not set"))
	}
	d, err := oidc.NewDiscovery(c.Issuer, c.Transport, c.Now)
	if err != nil {
		return bad("KIOSK_ISSUER", errors.Unwrap(err))
	}
	if !hasScope(c.Scope, "openid") {
		return bad("KIOSK_SCOPE", errors.New("does not contain openid"))
	}
	if c.LookupURL != "" {
		if _, err := safeurl.Parse(c.LookupURL); err != nil {
			return bad("KIOSK_LOOKUP_URL", err)
		}
	}
	if c.BindingMessage == "" {
		c.BindingMessage = "{code}"
	}
	if strings.Count(c.BindingMessage, "{code}") != 1 {
		return bad("KIOSK_BINDING_MESSAGE", errors.New("must contain {code} exactly once"))
	}
	if c.RequestedExpiry < 0 || c.RequestedExpiry > 0 && c.RequestedExpiry < time.Second {
		return bad("KIOSK_REQUESTED_EXPIRY", errors.New("must be at least one second"))
	}
	k := &Client{config: c, log: c.Log, discovery: d, keys: oidc.NewKeys(c.Transport, c.Now)}
	k.verifier = oidc.NewVerifier(k.keys, c.Now)
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	if k.hintRule, err = newHintRule(c); err != nil {
		return bad("KIOSK_LOGIN_HINT", err)
	}
	if err := checkSubjectClaim(c); err != nil {
		return bad("KIOSK_SUBJECT_CLAIM", err)
	}
	if k.required, err = parseClaim(c.RequiredClaim); err != nil {
		return bad("KIOSK_TECHNICIAN_CLAIM", err)
	}
	if c.SignKey != nil {
		if err := c.SignKey.CheckRequestKey(); err != nil {
			return bad("KIOSK_SIGNED_REQUEST", err)
		}
	}
	if k.details, err = parseDetails(c.AuthorizationDetails); err != nil {
		return bad("KIOSK_AUTHORIZATION_DETAILS", err)
	}
	if c.Profile != "" {
		p, err := profileNamed(c.Profile)
		if err != nil {
			return bad("KIOSK_PROFILE", err)
		}
		if err := p.checkSettings(c); err != nil {
			return nil, err
		}
		k.profile = &p
	}
	return k, nil
}

// Profile returns the profile in use: the configured one, or the one recognized by discovery. It is generic until the
// server has been reached once.
func (k *Client) Profile() Profile {
	if k.profile != nil {
		return *k.profile
	}
	m := k.discovery.Cached()
	if m == nil {
		return profiles[0]
	}
	was := k.recognized.Load()
	if was == nil || was.metadata != m {
		was = &recognizedProfile{m, recognize(m)}
		k.recognized.Store(was)
	}
	return was.profile
}

// recognizedProfile caches the profile of a copy of the metadata.
type recognizedProfile struct {
	metadata *oidc.Metadata
	profile  Profile
}

// Probe fetches the server's metadata and keys again and returns what is wrong, as a *kiosk.Error. Nobody's phone
// rings.
func (k *Client) Probe(ctx context.Context) (*oidc.Metadata, error) {
	m, err := k.discovery.Refresh(ctx)
	if err != nil {
		return m, err
	}
	if err := k.checkServer(m); err != nil {
		return m, err
	}
	return m, k.keys.Prefetch(ctx, m.Endpoint(oidc.JWKS, false))
}

// checkServer reports what keeps a visit from succeeding at this server, in a sentence for the technician. A malformed
// address of an optional endpoint is only logged, once for each copy of the metadata.
func (k *Client) checkServer(m *oidc.Metadata) error {
	const what = "discovery"
	mtls := k.config.Auth.MTLS()
	for _, e := range []oidc.Endpoint{oidc.Backchannel, oidc.Token} {
		if err := m.EndpointError(e, mtls); err != nil {
			return kiosk.Fail(kiosk.Misconfigured, what, err)
		}
	}
	if k.checked.Swap(m) != m {
		for _, e := range []oidc.Endpoint{oidc.UserInfo, oidc.Revocation} {
			if err := m.EndpointError(e, mtls); err != nil {
				k.log.Warn(what, "ignored", err.Error())
			}
		}
		k.warnOfExpiry(k.config.Now())
		p := k.Profile()
		if err := p.checkSettings(k.config); err != nil {
			k.checked.Store(nil) // it is said each time
			return err
		}
		for _, name := range p.ignoredSettings(k.config.Audience, k.config.Resource) {
			k.log.Warn(what, "not_sent", name, "profile", p.Name)
		}
	}
	if m.Endpoint(oidc.Backchannel, mtls) == "" {
		return kiosk.Fail(kiosk.Misconfigured, what, errors.New("the server publishes no backchannel_authentication_endpoint. Enable CIBA there, or correct KIOSK_ISSUER"))
	}
	mode := "poll"
	if k.config.Pings != nil {
		mode = "ping"
	}
	if !oidc.Offers(m.DeliveryModes, mode) {
		return kiosk.Fail(kiosk.Misconfigured, what, fmt.Errorf("the server does not support %s mode (KIOSK_DELIVERY)", mode))
	}
	if err := k.checkProofs(m); err != nil {
		return kiosk.Fail(kiosk.Misconfigured, what, err)
	}
	return nil
}

// metadata returns the cached metadata of a request in progress, even if it is old: a refresh must not move the token
// endpoint.
func (k *Client) metadata(ctx context.Context) (*oidc.Metadata, error) {
	if m := k.discovery.Cached(); m != nil {
		return m, nil
	}
	return k.discovery.Get(ctx)
}

// post sends one authenticated form to an endpoint by Send or SendOnce.
func (k *Client) post(ctx context.Context, m *oidc.Metadata, to oidc.Endpoint, form url.Values,
	send func(*http.Request, int64) (*oidc.Reply, error)) (*oidc.Reply, error) {
	return k.postWith(ctx, k.config.Auth, m, to, form, send)
}

// postWith is post with another client authentication. A request by Send is repeated with fresh proofs if a kept
// connection has ended, and a token request also if the server demands its nonce (needsNonce). A request by SendOnce is
// repeated only for that nonce.
func (k *Client) postWith(ctx context.Context, who oidc.ClientAuth, m *oidc.Metadata, to oidc.Endpoint, form url.Values,
	send func(*http.Request, int64) (*oidc.Reply, error)) (*oidc.Reply, error) {
	address := m.Endpoint(to, who.MTLS())
	for nonceSent := false; ; {
		h := http.Header{}
		call := oidc.AuthTarget{Metadata: m, Endpoint: to, Audience: k.Profile().Audience}
		if err := who.Apply(call, form, h); err != nil {
			return nil, kiosk.Fail(kiosk.Internal, "client authentication", err)
		}
		if err := k.addDPoPProof(to, address, form, h); err != nil {
			return nil, kiosk.Fail(kiosk.Internal, "proof of possession", err)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
		if err != nil {
			return nil, kiosk.Fail(kiosk.Internal, string(to), errors.New("bad address"))
		}
		r.Header = h
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "application/json")
		reply, err := send(r, oidc.MaxResponse)
		again := k.needsNonce(to, address, reply)
		switch {
		case oidc.IsStaleConnection(err):
			send = k.config.Transport.SendOnce // on a new connection, which cannot be stale
		case err == nil && again && !nonceSent:
			nonceSent = true
		default:
			return reply, err
		}
	}
}

// setNonEmpty sets a parameter that has a value: some servers count an empty one as sent (RFC 6749 3.1).
func setNonEmpty(form url.Values, name, value string) {
	if value != "" {
		form.Set(name, value)
	}
}

// hasScope reports whether a scope is in a list separated by spaces.
func hasScope(list, one string) bool {
	for _, s := range strings.Fields(list) {
		if s == one {
			return true
		}
	}
	return false
}

// statusError describes an answer without an OAuth error.
func statusError(r *oidc.Reply) error {
	return fmt.Errorf("status %d without a usable answer", r.Status)
}
