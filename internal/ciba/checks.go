package ciba

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Checks compares the settings with what the authorization server offers. Its checks share what CheckDiscovery learns;
// run that first. They ring no phone. The strings are as in the settings of the same name.
type Checks struct {
	Client          *Client
	Auth            oidc.ClientAuth
	Transport       *oidc.Transport
	Delivery        string
	DPoP            bool
	SignedRequest   bool
	IDTokenAlgs     []string // accepted algorithms of ID tokens
	Scope           []string
	ForeignScopes   bool     // some scopes belong to the API (audience or resource is set)
	TechnicianScope []string // nil if technicians cannot sign in
	ACRValues       []string
	SubjectClaims   []string // claims that identify the approver
	LookupURL       *url.URL // nil if not configured

	metadata *oidc.Metadata
	err      error
}

// CheckDiscovery reads the server's metadata and keys.
func (c *Checks) CheckDiscovery(ctx context.Context) check.Outcome {
	c.metadata, c.err = c.Client.Probe(ctx)
	if c.metadata != nil {
		return check.Pass("the server's issuer is KIOSK_ISSUER; profile %s", c.Client.Profile().Name)
	}
	fix := "check that this is the right server and that it runs; see its own log"
	if kiosk.ReasonOf(c.err) == kiosk.Misconfigured {
		fix = "set KIOSK_ISSUER exactly as the server publishes it, including a slash at the end"
	}
	return check.Fail(kiosk.ReasonOf(c.err), check.Cause(c.err), fix)
}

// CheckClient examines whether the server accepts this client's authentication.
func (c *Checks) CheckClient(ctx context.Context) check.Outcome {
	return oidc.CheckClient(ctx, c.Transport, c.metadata, c.Auth)
}

// failedAtKeys reports whether discovery succeeded but reading the server's keys failed.
func (c *Checks) failedAtKeys() bool {
	var k *kiosk.Error
	return errors.As(c.err, &k) && k.Operation == "server keys"
}

// CheckOffers compares the settings with the capabilities in the server's metadata.
func (c *Checks) CheckOffers(context.Context) check.Outcome {
	m := c.metadata
	mismatch := func(text, fix string) check.Outcome { return check.Fail(kiosk.Misconfigured, text, fix) }
	if c.err != nil && !c.failedAtKeys() {
		return mismatch(check.Cause(c.err), c.missingOffer())
	}
	if !oidc.Offers(m.GrantTypes, oidc.GrantCIBA) {
		return mismatch("the server does not list CIBA among its grant types", "enable the grant "+oidc.GrantCIBA+" at the server")
	}
	if method := c.Auth.Method(); !oidc.Offers(m.AuthMethods, method) {
		return mismatch("the server does not support "+method+" as client authentication", "set KIOSK_CLIENT_AUTH to one that it supports: "+listOf(m.AuthMethods))
	}
	if len(oidc.AcceptedAlgs(c.IDTokenAlgs, m)) == 0 {
		return mismatch("the server signs ID tokens with none of KIOSK_ID_TOKEN_ALGS", "set KIOSK_ID_TOKEN_ALGS to one of "+listOf(m.IDTokenAlgs)+", if it is safe, or choose another algorithm for this client at the server")
	}
	p := c.Client.Profile()
	if ignored := p.ignoredSettings(c.Client.config.Audience, c.Client.config.Resource); len(ignored) > 0 {
		return check.Warn("the server ignores "+listOf(ignored), "remove the setting, and let the server choose the audience of access tokens (docs/servers.md)")
	}
	if c.DPoP && m.DPoPAlgs == nil {
		return check.Warn("KIOSK_DPOP is true, but the server does not announce DPoP", "set KIOSK_DPOP=false if visits end as untrusted")
	}
	if missing := notOffered(m.ACRValues, c.ACRValues); len(missing) > 0 {
		return check.Warn("the server does not list "+listOf(missing)+" of KIOSK_ACR_VALUES", "correct KIOSK_ACR_VALUES, or allow them at the server")
	}
	return check.Pass("CIBA, %s, %s", c.Delivery, c.Auth.Method())
}

// missingOffer returns the fix for what Probe found missing in the metadata, in the order in which Probe looks.
func (c *Checks) missingOffer() string {
	m := c.metadata
	switch {
	case m.Endpoint(oidc.Backchannel, c.Auth.MTLS()) == "":
		return "enable CIBA at the server, or set KIOSK_ISSUER to a server that offers it"
	case !oidc.Offers(m.DeliveryModes, c.Delivery):
		return "set KIOSK_DELIVERY to what the server offers: " + listOf(m.DeliveryModes)
	case c.DPoP && m.DPoPAlgs != nil && !oidc.Offers(m.DPoPAlgs, oidc.DPoPAlg):
		return "set KIOSK_DPOP=false, or enable ES256 at the server"
	case c.SignedRequest:
		return "set KIOSK_SIGNED_REQUEST=false, or enable signed requests at the server"
	}
	return "enable it at the server, or change the setting that asks for it"
}

func notOffered(offered, wanted []string) (missing []string) {
	return slices.DeleteFunc(slices.Clone(wanted), func(w string) bool { return oidc.Offers(offered, w) })
}

// listOf joins words that a server published, cut to a line.
func listOf(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return sanitize.ASCII(strings.Join(words, ", "), 200)
}

// CheckKeys examines the server's signing keys.
func (c *Checks) CheckKeys(context.Context) check.Outcome {
	if c.failedAtKeys() {
		return check.Fail(kiosk.ReasonOf(c.err), check.Cause(c.err), "correct the server's jwks_uri: without its keys no token can be verified")
	}
	if c.err != nil {
		return check.Skip("the keys were not requested")
	}
	return check.Pass("the keys can be read")
}

// CheckScopes examines whether the server knows the scopes that the kiosk requests.
func (c *Checks) CheckScopes(context.Context) check.Outcome {
	missing := notOffered(c.metadata.Scopes, c.Scope)
	if len(missing) == 0 {
		if missing = notOffered(c.metadata.Scopes, c.TechnicianScope); len(missing) > 0 {
			return check.Warn("the server does not list "+strings.Join(missing, ", ")+" of KIOSK_TECHNICIAN_SCOPE: technicians may be unable to sign in",
				"correct KIOSK_TECHNICIAN_SCOPE, or add the scope at the server")
		}
		return check.Pass("%s", strings.Join(c.Scope, " "))
	}
	text := "the server does not list " + strings.Join(missing, ", ") + " of KIOSK_SCOPE"
	const fix = "correct KIOSK_SCOPE, or add the scope at the server"
	if c.ForeignScopes { // an API's scopes need not be in the authorization server's list
		return check.Warn(text, fix)
	}
	return check.Fail(kiosk.Misconfigured, text, fix)
}

// CheckBinding shows what of KIOSK_BINDING_MESSAGE the server accepts.
func (c *Checks) CheckBinding(context.Context) check.Outcome {
	message, whole := c.Client.PreviewBindingMessage("ABC234")
	if !whole {
		return check.Warn("the server does not accept all of KIOSK_BINDING_MESSAGE; phones show "+message, "shorten KIOSK_BINDING_MESSAGE or KIOSK_SITE")
	}
	return check.Pass("phones show %s", message)
}

// CheckSubject shows how the approver is compared with the person asked for.
func (c *Checks) CheckSubject(context.Context) check.Outcome {
	if len(c.SubjectClaims) == 0 {
		return check.Warn("KIOSK_SUBJECT_CLAIM is none: the kiosk does not check who approves", "set KIOSK_SUBJECT_CLAIM, or remove the line")
	}
	return check.Pass("the approver is compared by %s", strings.Join(c.SubjectClaims, " or "))
}

// CheckLookup asks the lookup service for an identifier that does not exist.
func (c *Checks) CheckLookup(ctx context.Context) check.Outcome {
	if c.LookupURL == nil {
		return check.Skip("KIOSK_LOOKUP_URL is not set")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.LookupURL.String(), strings.NewReader(`{"identifier":"kiosk-doctor"}`))
	if err != nil {
		return check.Fail(kiosk.Misconfigured, "bad address", "correct KIOSK_LOOKUP_URL")
	}
	r.Header.Set("Content-Type", "application/json")
	reply, err := c.Transport.SendOnce(r, oidc.MaxResponse)
	if err != nil {
		return check.Fail(kiosk.Unreachable, err.Error(), "check KIOSK_LOOKUP_URL, and that the service there runs")
	}
	switch s := reply.Status; {
	case s == http.StatusBadRequest, s == http.StatusNotFound, s == http.StatusNoContent, s == http.StatusOK:
		return check.Pass("the service answers")
	case s >= 500:
		return check.Fail(kiosk.Unreachable, fmt.Sprintf("status %d", s), "repair the service at KIOSK_LOOKUP_URL; see its own log")
	}
	return check.Fail(kiosk.Misconfigured, fmt.Sprintf("status %d", reply.Status), "correct KIOSK_LOOKUP_URL, or give this device access to it")
}
