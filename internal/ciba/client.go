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
	// askTimeout bounds one backchannel request. Some servers answer only when the
	// normalizePhone has been told, so it is longer than for a document.
	askTimeout = 30 * time.Second

	// pollTimeout bounds one poll. A server may hold a poll back for 30 s and
	// answer the moment the person has (CIBA Core, section 10.1).
	pollTimeout = 40 * time.Second

	// auxiliaryTimeout bounds the calls beside the flow: lookup, UserInfo, revocation.
	auxiliaryTimeout = 15 * time.Second
)

// Config is all that a Client needs to know. Strings are as in the settings of
// the same name.
type Config struct {
	Issuer    string           // KIOSK_ISSUER
	ClientID  string           // KIOSK_CLIENT_ID
	Auth      oidc.ClientAuth  // how this client proves who it is
	Transport *oidc.Transport  // how servers are reached
	Now       func() time.Time // the time as it is known best
	Clock     *oidc.Clock      // where Now is not the wall clock: what it is; else nil
	// Uptime is monotonic; Ack.Age is measured by it. nil leaves that at 0.
	Uptime func() time.Duration
	Log    *slog.Logger // nil logs nothing; gets outcomes only, never a secret or an identifier
	// Contact is told, from any goroutine, how it went whenever a visit needed the
	// authorization server; nil tells nobody.
	Contact func(Contact)
	Profile string // KIOSK_PROFILE; empty is by discovery

	Scope           string        // KIOSK_SCOPE; must hold openid
	Audience        string        // KIOSK_AUDIENCE; empty sends none
	Resource        string        // KIOSK_RESOURCE; empty sends none
	ACRValues       string        // KIOSK_ACR_VALUES; empty asks and checks none
	RequestedExpiry time.Duration // KIOSK_REQUESTED_EXPIRY; 0 sends none
	BindingMessage  string        // KIOSK_BINDING_MESSAGE; empty is {code}
	Site            string        // KIOSK_SITE, for {site}

	Identifier   string // KIOSK_IDENTIFIER: text, email, phone, number; empty is text
	LoginHint    string // KIOSK_LOGIN_HINT; empty is {identifier}
	LookupURL    string // KIOSK_LOOKUP_URL; empty asks none
	SubjectClaim string // KIOSK_SUBJECT_CLAIM; empty is its default rule

	// Claim is a claim that whoever approves must carry, too, as name=value
	// (KIOSK_TECHNICIAN_CLAIM); empty requires none. Without it the approval is
	// kiosk.NoAccess.
	RequiredClaim string

	Pings          *Pings // KIOSK_DELIVERY=ping; nil polls only
	DeviceClientID string // KIOSK_DEVICE_CLIENT_ID; empty is no second road

	AuthorizationDetails string            // KIOSK_AUTHORIZATION_DETAILS; empty asks none, and takes none
	SignKey              *oidc.ClientKey   // signs requests (KIOSK_SIGNED_REQUEST); nil signs none
	DPoP                 *oidc.DPoP        // proofs of possession (KIOSK_DPOP); nil makes none
	Certificate          *oidc.Certificate // the one of mutual TLS, to be warned of in time; nil if there is none

	IDTokenAlgs []string // allow-list for ID tokens; nil is oidc.DefaultAlgs
}

// Client is a kiosk.Authorizer that speaks CIBA in poll mode. It is safe for
// concurrent use and holds no visit's data between calls.
type Client struct {
	config    Config
	log       *slog.Logger
	discovery *oidc.Discovery
	keys      *oidc.Keys
	verifier  *oidc.Verifier
	hintRule  hintRule
	details   details // as asked for
	required  requiredClaim
	profile   *Profile                      // as configured; nil is by discovery
	checked   atomic.Pointer[oidc.Metadata] // the copy of which the log has said what is ignored

	recognized atomic.Pointer[recognizedProfile]
}

var _ kiosk.Authorizer = (*Client)(nil)

// New makes a Client. It sends nothing: the server is looked up when it is first
// needed, so that a kiosk starts without a network. The error is a
// kiosk.Misconfigured that names the setting.
func New(c Config) (*Client, error) {
	bad := func(setting string, err error) (*Client, error) {
		return nil, kiosk.Fail(kiosk.Misconfigured, setting, err)
	}
	if c.Auth == nil || c.Transport == nil || c.Now == nil {
		return nil, kiosk.Fail(kiosk.Internal, "authorization server", errors.New("not wired"))
	}
	if c.ClientID == "" {
		return bad("KIOSK_CLIENT_ID", errors.New("not set"))
	}
	d, err := oidc.NewDiscovery(c.Issuer, c.Transport, c.Now)
	if err != nil {
		return bad("KIOSK_ISSUER", errors.Unwrap(err))
	}
	if !hasScope(c.Scope, "openid") {
		return bad("KIOSK_SCOPE", errors.New("openid is not in it"))
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
		return bad("KIOSK_BINDING_MESSAGE", errors.New("{code} must be in it, once"))
	}
	if c.RequestedExpiry < 0 || c.RequestedExpiry > 0 && c.RequestedExpiry < time.Second {
		return bad("KIOSK_REQUESTED_EXPIRY", errors.New("at least one second"))
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
		k.profile = &p
	}
	return k, nil
}

// Profile is the profile in use: the configured one, else what the server was
// recognizedProfile as, generic until it has been asked once.
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

// recognizedProfile is a server's profile, by a copy of its metadata: each request asks for it.
type recognizedProfile struct {
	metadata *oidc.Metadata
	profile  Profile
}

// Probe asks the server for its metadata and keys anew and tells what is wrong,
// for whoever checks the device. Nobody's phone is involved. The error is a
// *kiosk.Error.
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

// checkServer tells whether this server does what we need, in a sentence for the
// technician if not. A bad address of an endpoint that it can do without is only
// noted in the log, once for each copy of the metadata.
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
		for name, value := range map[string]string{"audience": k.config.Audience, "resource": k.config.Resource} {
			if value != p.parameter(name, value) {
				k.log.Warn(what, "not sent", "KIOSK_"+strings.ToUpper(name), "because", "a server of profile "+p.Name+" does not read it")
			}
		}
	}
	if m.Endpoint(oidc.Backchannel, mtls) == "" {
		return kiosk.Fail(kiosk.Misconfigured, what, errors.New("the server publishes no backchannel_authentication_endpoint: it does not offer CIBA, or not for this issuer; switch it on there or correct KIOSK_ISSUER"))
	}
	mode := "poll"
	if k.config.Pings != nil {
		mode = "ping"
	}
	if !oidc.Offers(m.DeliveryModes, mode) {
		return kiosk.Fail(kiosk.Misconfigured, what, fmt.Errorf("the server offers CIBA, but not in %s mode (KIOSK_DELIVERY)", mode))
	}
	if err := k.checkProofs(m); err != nil {
		return kiosk.Fail(kiosk.Misconfigured, what, err)
	}
	return nil
}

// metadata gives the metadata of a request under way: a refresh must not move the
// token endpoint in the middle of it.
func (k *Client) metadata(ctx context.Context) (*oidc.Metadata, error) {
	if m := k.discovery.Cached(); m != nil {
		return m, nil
	}
	return k.discovery.Get(ctx)
}

// post sends one authenticated form to an endpoint, by Send or SendOnce.
func (k *Client) post(ctx context.Context, m *oidc.Metadata, to oidc.Endpoint, form url.Values,
	send func(*http.Request, int64) (*oidc.Reply, error)) (*oidc.Reply, error) {
	return k.postWith(ctx, k.config.Auth, m, to, form, send)
}

// postWith is post as another client. A request by Send is sent again, with fresh proofs, where a kept connection has ended;
// a token request also where the server demands its nonce (see wantsProofAnew). A request by SendOnce is never repeated
// otherwise.
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

// setNonEmpty sets a parameter that has a value: an empty one counts as sent with some
// servers (RFC 6749, section 3.1).
func setNonEmpty(form url.Values, name, value string) {
	if value != "" {
		form.Set(name, value)
	}
}

// hasScope tells whether a scope list, separated by spaces, holds one.
func hasScope(list, one string) bool {
	for _, s := range strings.Fields(list) {
		if s == one {
			return true
		}
	}
	return false
}

// statusError words an answer that held no OAuth error.
func statusError(r *oidc.Reply) error {
	return fmt.Errorf("status %d without a usable answer", r.Status)
}
