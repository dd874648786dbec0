package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// What the doctor asks of the authorization server, the lookup and the API.

// reach has one exchange with the server, whatever it says, and keeps the date that it gave.
func (e *exam) reach(ctx context.Context) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.issuer.Scheme+"://"+e.issuer.Host+"/.well-known/openid-configuration", nil)
	if err != nil {
		e.reached = err
		return
	}
	reply, err := e.app.transport.Send(r, oidc.MaxDocument)
	if e.reached = err; reply != nil {
		e.date, _ = http.ParseTime(reply.Header.Get("Date"))
	}
}

// tls looks at the server's certificate. Which one it was is asked for again, since only
// whole answers have it.
func (e *exam) tls(ctx context.Context) doctor.Finding {
	if e.issuer.Scheme != "https" {
		return doctor.Skip("the server is on this device, without TLS")
	}
	if e.reached != nil && (isTLS(e.reached) || strings.HasPrefix(e.reached.Error(), "TLS: ")) {
		return e.badTLS(e.reached)
	}
	if e.reached != nil { // there was a line, and no answer: that is the server's business
		return doctor.Fail(kiosk.Unreachable, e.reached.Error(), "is the server up? its own log knows more")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, e.issuer.String(), nil)
	if err != nil {
		return doctor.Fail(kiosk.Internal, "bad address", "")
	}
	resp, err := e.app.transport.ClientOnce().Do(r)
	if err != nil || resp.TLS == nil || len(resp.TLS.PeerCertificates) == 0 {
		return doctor.OK("the certificate is good")
	}
	resp.Body.Close()
	leaf := resp.TLS.PeerCertificates[0]
	left := int(leaf.NotAfter.Sub(e.app.time.Now()) / (24 * time.Hour))
	what := fmt.Sprintf("the certificate is good for %d days", left)
	if left < soonExpired {
		return doctor.Warn(what, "have the server's certificate renewed")
	}
	return doctor.OK("%s", what)
}

// soonExpired: certificates that renew themselves do so 30 days before their end; when
// two weeks are left, something there has failed for two weeks.
const soonExpired = 14

func (e *exam) badTLS(err error) doctor.Finding {
	cure := "have the server's certificate put right"
	what := err.Error()
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, new(x509.UnknownAuthorityError)):
		cure = "set KIOSK_CA_FILE to the bundle of the authority that signed it, or have the server send its whole chain"
	case errors.As(err, new(x509.HostnameError)):
		cure = "set KIOSK_ISSUER to a name that is in the certificate, or have the certificate made for this one"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		what += " on " + invalid.Cert.NotAfter.UTC().Format(time.DateOnly) + "; this device believes it to be " + e.now().UTC().Format(time.DateOnly)
		cure = "if that is the date, have the server's certificate renewed; else set the clock"
	case strings.Contains(what, "does not speak it"):
		cure = "is the port in KIOSK_ISSUER one for https?"
	}
	return doctor.Fail(kiosk.Unreachable, what, cure)
}

func (e *exam) discovery(ctx context.Context) doctor.Finding {
	e.meta, e.probed = e.app.client.Probe(ctx)
	if e.meta != nil {
		return doctor.OK("the server knows itself as KIOSK_ISSUER; profile %s", e.app.client.Profile().Name)
	}
	cure := "is this the server, and is it up? its own log knows more"
	if kiosk.ReasonOf(e.probed) == kiosk.Misconfigured {
		cure = "set KIOSK_ISSUER exactly as the server publishes it, the slash at its end included"
	}
	return doctor.Fail(kiosk.ReasonOf(e.probed), shown(e.probed), cure)
}

// shown is an error without the name of the operation, which the check has already.
func shown(err error) string {
	var k *kiosk.Error
	if errors.As(err, &k) && k.Err != nil {
		return k.Err.Error()
	}
	return err.Error()
}

// keysFailed says whether the last probe failed at the keys only.
func (e *exam) keysFailed() bool {
	var k *kiosk.Error
	return errors.As(e.probed, &k) && k.What == "server keys"
}

// offers holds what is set against what the server says it can do.
func (e *exam) offers(context.Context) doctor.Finding {
	m, s := e.meta, e.Settings
	wrong := func(what, cure string) doctor.Finding { return doctor.Fail(kiosk.Misconfigured, what, cure) }
	if e.probed != nil && !e.keysFailed() {
		cure := "switch it on at the server, or change the setting that asks for it"
		switch text := e.probed.Error(); {
		case m.Endpoint(oidc.Backchannel, e.app.auth.MTLS()) == "":
			cure = "switch CIBA on at the server, or set KIOSK_ISSUER to one that has it"
		case strings.Contains(text, "KIOSK_DELIVERY"):
			cure = "set KIOSK_DELIVERY to what the server offers: " + list(m.DeliveryModes)
		case strings.Contains(text, "DPOP"):
			cure = "set KIOSK_DPOP=false, or switch ES256 on there"
		case strings.Contains(text, "signed requests"):
			cure = "set KIOSK_SIGNED_REQUEST=false, or switch it on there"
		}
		return wrong(shown(e.probed), cure)
	}
	if !oidc.Offers(m.GrantTypes, oidc.GrantCIBA) {
		return wrong("the server does not list CIBA among its grant types", "switch the grant "+oidc.GrantCIBA+" on at the server")
	}
	if way := e.app.auth.Method(); !oidc.Offers(m.AuthMethods, way) {
		return wrong("the server does not take "+way+" as client authentication", "set KIOSK_CLIENT_AUTH to what it takes: "+list(m.AuthMethods))
	}
	if s.DPoP && m.DPoPAlgs == nil {
		return doctor.Warn("KIOSK_DPOP is true, and the server does not say that it knows DPoP", "set KIOSK_DPOP=false if visits end as untrusted")
	}
	if asked := slices.DeleteFunc(slices.Clone(s.ACRValues), func(a string) bool { return oidc.Offers(m.ACRValues, a) }); len(asked) > 0 {
		return doctor.Warn("the server does not list "+list(asked)+" of KIOSK_ACR_VALUES", "correct KIOSK_ACR_VALUES, or allow them at the server")
	}
	return doctor.OK("CIBA, %s, %s", s.Delivery, e.app.auth.Method())
}

// list words what a server published, cut to what fits a line.
func list(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return oidc.Printable(strings.Join(words, ", "), 200)
}

func (e *exam) certificate(context.Context) doctor.Finding {
	c := e.app.mine
	if c == nil {
		return doctor.Skip("no mutual TLS")
	}
	now := e.app.time.Now()
	err := c.Trouble(now)
	switch {
	case err == nil:
		return doctor.OK("good until %s", c.Expires().UTC().Format(time.DateOnly))
	case now.After(c.Expires()):
		return doctor.Fail(kiosk.Misconfigured, err.Error(), "renew KIOSK_CLIENT_CERT_FILE, then: systemctl reload kiosk")
	}
	return doctor.Warn(err.Error(), "renew KIOSK_CLIENT_CERT_FILE, then: systemctl reload kiosk")
}

func (e *exam) client(ctx context.Context) doctor.Finding {
	err := oidc.Prove(ctx, e.app.transport, e.meta, e.app.auth)
	switch {
	case err == nil:
		return doctor.OK("the server knows this client")
	case oidc.CertificateRefused(err):
		return doctor.Fail(kiosk.Misconfigured, shown(err), "have this device's certificate registered at the server, or its authority trusted there")
	case kiosk.ReasonOf(err) == kiosk.Misconfigured && strings.Contains(err.Error(), "unauthorized_client"):
		return doctor.Fail(kiosk.Misconfigured, shown(err), "allow the grant "+oidc.GrantCIBA+" to this client at the server")
	case kiosk.ReasonOf(err) == kiosk.Misconfigured:
		return doctor.Fail(kiosk.Misconfigured, shown(err), "compare KIOSK_CLIENT_ID and the key or secret with the server's, or: kiosk provision")
	}
	return doctor.Fail(kiosk.ReasonOf(err), shown(err), "the server's own log knows more")
}

func (e *exam) keys(context.Context) doctor.Finding {
	if e.keysFailed() {
		return doctor.Fail(kiosk.ReasonOf(e.probed), shown(e.probed), "have the server's jwks_uri put right: without its keys no answer can be checked")
	}
	if e.probed != nil {
		return doctor.Skip("they were not asked for")
	}
	return doctor.OK("they can be read")
}

func (e *exam) scopes(context.Context) doctor.Finding {
	lacking := func(wanted []string) (lacks []string) {
		for _, s := range wanted {
			if !oidc.Offers(e.meta.Scopes, s) {
				lacks = append(lacks, s)
			}
		}
		return lacks
	}
	lacks := lacking(e.Settings.Scope)
	if len(lacks) == 0 {
		if e.Settings.TechnicianClaim != "" {
			if lacks = lacking(e.Settings.TechnicianScope); len(lacks) > 0 {
				return doctor.Warn("the server does not list "+strings.Join(lacks, ", ")+" of KIOSK_TECHNICIAN_SCOPE: technicians may not get in",
					"correct KIOSK_TECHNICIAN_SCOPE, or make the scope known at the server")
			}
		}
		return doctor.OK("%s", strings.Join(e.Settings.Scope, " "))
	}
	what := "the server does not list " + strings.Join(lacks, ", ") + " of KIOSK_SCOPE"
	const cure = "correct KIOSK_SCOPE, or make the scope known at the server"
	// Scopes of an API need not be on the authorization server's own list.
	if e.Settings.Audience != "" || e.Settings.Resource != "" {
		return doctor.Warn(what, cure)
	}
	return doctor.Fail(kiosk.Misconfigured, what, cure)
}

func (e *exam) binding(context.Context) doctor.Finding {
	message, whole := e.app.client.Binding("ABC234")
	if !whole {
		return doctor.Warn("the server takes less than KIOSK_BINDING_MESSAGE has; phones show "+message, "shorten KIOSK_BINDING_MESSAGE or KIOSK_SITE")
	}
	return doctor.OK("phones show %s", message)
}

func (e *exam) subject(context.Context) doctor.Finding {
	claims := e.Settings.SubjectClaims()
	if len(claims) == 0 {
		return doctor.Warn("KIOSK_SUBJECT_CLAIM is none: whoever approves is taken for whoever was asked for", "set KIOSK_SUBJECT_CLAIM, or leave it out")
	}
	return doctor.OK("who approves is compared by %s", strings.Join(claims, " or "))
}

// lookup asks for somebody whom nobody knows.
func (e *exam) lookup(ctx context.Context) doctor.Finding {
	if e.Settings.LookupURL == nil {
		return doctor.Skip("none is set")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.Settings.LookupURL.String(), strings.NewReader(`{"identifier":"kiosk-doctor"}`))
	if err != nil {
		return doctor.Fail(kiosk.Misconfigured, "bad address", "correct KIOSK_LOOKUP_URL")
	}
	r.Header.Set("Content-Type", "application/json")
	reply, err := e.app.transport.Send(r, oidc.MaxAnswer)
	if err != nil {
		return doctor.Fail(kiosk.Unreachable, err.Error(), "is KIOSK_LOOKUP_URL right, and is what stands there up?")
	}
	switch {
	case reply.Status == http.StatusBadRequest, reply.Status == http.StatusNotFound, reply.Status == http.StatusNoContent, reply.Status == http.StatusOK:
		return doctor.OK("it answers")
	case reply.Status >= 500:
		return doctor.Fail(kiosk.Unreachable, fmt.Sprintf("status %d", reply.Status), "have what stands at KIOSK_LOOKUP_URL put right; its own log knows more")
	}
	return doctor.Fail(kiosk.Misconfigured, fmt.Sprintf("status %d", reply.Status), "correct KIOSK_LOOKUP_URL, or let this device in there")
}

// api calls the API without a token. That it wants one is what is hoped for.
func (e *exam) api(ctx context.Context) doctor.Finding {
	if !e.Settings.HasAPI() {
		return doctor.Skip("none is set: the verified claims are shown")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.Settings.APIURL.String(), nil)
	if err != nil {
		return doctor.Fail(kiosk.Misconfigured, "bad address", "correct KIOSK_API_URL")
	}
	r.Header.Set("Accept", "application/json")
	reply, err := e.app.transport.Send(r, oidc.MaxDocument)
	if reply == nil {
		return doctor.Fail(kiosk.ServiceDown, err.Error(), "is KIOSK_API_URL right, and is the API up?")
	}
	switch s := reply.Status; {
	case s == http.StatusBadRequest, s == http.StatusUnauthorized, s == http.StatusForbidden:
		return doctor.OK("it answers, and wants a token (status %d)", s)
	case s >= 200 && s < 300:
		return doctor.Warn("it answers without a token", "is that the protected resource? compare KIOSK_API_URL")
	case s >= 500:
		return doctor.Fail(kiosk.ServiceDown, fmt.Sprintf("status %d", s), "have the API put right; its own log knows more")
	default:
		return doctor.Fail(kiosk.ServiceDown, fmt.Sprintf("status %d", s), "correct KIOSK_API_URL: redirects are not followed")
	}
}
