package enrol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// ClientSettings are what the registration permits besides authentication with the device's key.
type ClientSettings struct {
	Scope    string // of the kiosk's authentication requests, and of those for its technicians
	Delivery string // poll or ping
	PingURL  string // with ping
	Signed   bool   // signed authentication requests
	// OmitsOpenID reports whether a server wants registrations without the scope openid; nil means that none does.
	OmitsOpenID func(*oidc.Metadata) bool
}

// grantRefresh is the grant type of refresh tokens. (RFC 6749, section 6)
const grantRefresh = "refresh_token"

// grants returns the grant types to register. Refresh tokens are for the sake of revocation: at Keycloak only the revocation
// of a refresh token ends the session that each visit begins. The kiosk never refreshes anything.
func (c *ClientSettings) grants(m *oidc.Metadata) []string {
	if slices.Contains(m.GrantTypes, grantRefresh) {
		return []string{oidc.GrantCIBA, grantRefresh}
	}
	return []string{oidc.GrantCIBA}
}

// scope returns the scopes to register.
func (c *ClientSettings) scope(m *oidc.Metadata) string {
	all := strings.Fields(c.Scope)
	if c.OmitsOpenID != nil && c.OmitsOpenID(m) {
		all = slices.DeleteFunc(all, func(s string) bool { return s == "openid" })
	}
	return strings.Join(all, " ")
}

// clientMetadata returns the body of the registration request. (RFC 7591, section 2; CIBA Core, section 4)
func (e *Enrolment) clientMetadata(m *oidc.Metadata, name string) (map[string]any, error) {
	settings := e.options.Client
	keys, err := jwks([]*oidc.ClientKey{e.key})
	if err != nil {
		return nil, err
	}
	body := map[string]any{
		"client_name": name, "grant_types": settings.grants(m), "response_types": []string{}, "redirect_uris": []string{},
		"token_endpoint_auth_method": oidc.PrivateKeyJWT, "token_endpoint_auth_signing_alg": "ES256",
		"jwks": keys, "scope": settings.scope(m), "backchannel_token_delivery_mode": settings.Delivery,
		"software_id": "ciba-kiosk",
	}
	if settings.Delivery == "ping" {
		body["backchannel_client_notification_endpoint"] = settings.PingURL
	}
	if m.UserCode {
		body["backchannel_user_code_parameter"] = true
	}
	if settings.Signed {
		body["backchannel_authentication_request_signing_alg"] = "ES256"
	}
	return body, nil
}

// register registers the device with an initial access token. It records the intention before the request and the
// outcome before anything else.
func (e *Enrolment) register(ctx context.Context, token kiosk.Secret) error {
	const what = "registration"
	fail := func(r kiosk.Reason, err error) error { return kiosk.Fail(r, what, err) }
	m, err := e.discovery.Get(ctx)
	if err != nil {
		return err
	}
	endpoint := m.Endpoint(oidc.Registration, false)
	if endpoint == "" {
		return fail(kiosk.Misconfigured, errors.New("the server publishes no registration_endpoint; register the device by hand: kiosk provision --manual"))
	}
	name := fmt.Sprintf("%s (%.8s)", e.options.ClientName, e.key.ID())
	body, err := e.clientMetadata(m, name)
	if err != nil {
		return fail(kiosk.Internal, err)
	}
	pending := record{Stage: StageRegistering, Issuer: e.options.Issuer, Name: name, Since: e.options.Now().UTC().Truncate(time.Second)}
	if err := e.dir.saveRecord(pending); err != nil {
		return fail(kiosk.Internal, err)
	}
	e.record = pending
	o, err := e.sendJSON(ctx, http.MethodPost, endpoint, token, body)
	var refused *oauthError
	if errors.As(err, &refused) && refused.status < 500 {
		// Nothing was registered: the next run may try again.
		e.record = record{}
		if failed := e.dir.removeFile(recordFile); failed != nil {
			err = errors.Join(err, failed)
		}
		if refused.code == "insufficient_scope" || refused.code == "invalid_client_metadata" {
			err = fmt.Errorf("%w: allow registrations with the scopes %s at the server (Keycloak: Clients, Client registration, Allowed Client Scopes), or change KIOSK_SCOPE and KIOSK_TECHNICIAN_SCOPE",
				err, e.options.Client.scope(m))
		}
		return fail(reasonFor(err), err)
	}
	if err != nil {
		return fail(reasonFor(err), fmt.Errorf("%w; %w", err, e.unknownOutcome()))
	}
	done, err := e.parseRegistration(pending, o)
	if err != nil {
		return fail(kiosk.Untrusted, fmt.Errorf("%w; %w", err, e.unknownOutcome()))
	}
	if err := e.dir.saveRecord(done); err != nil {
		return fail(kiosk.Internal, fmt.Errorf("%w; %w", err, e.unknownOutcome()))
	}
	e.record = done
	return nil
}

// ClientName returns the name of the client at the server, by which an operator finds it among hundreds and
// recognises an orphan; empty before the first registration.
func (e *Enrolment) ClientName() string { return e.record.Name }

// ErrUnknownOutcome means that a registration may or may not exist at the server.
var ErrUnknownOutcome = errors.New("the outcome of the registration is unknown")

// unknownOutcome is ErrUnknownOutcome with what a technician needs to find out.
func (e *Enrolment) unknownOutcome() error {
	return fmt.Errorf("%w: delete the client named %q at the server if it exists, then run kiosk provision --again", ErrUnknownOutcome, e.record.Name)
}

// parseRegistration reads the client information response into r. (RFC 7591, section 3.2.1)
func (e *Enrolment) parseRegistration(r record, o strictjson.Object) (record, error) {
	r.Stage = StageRegistered
	r.ClientID, _ = o.Text("client_id")
	if r.ClientID == "" || len(r.ClientID) > 255 || sanitize.ASCII(r.ClientID, 255) != r.ClientID {
		return r, errors.New("the response contains no client_id")
	}
	if method, ok := o.Text("token_endpoint_auth_method"); ok && method != oidc.PrivateKeyJWT {
		return r, errors.New("the server registered another client authentication method than private_key_jwt")
	}
	if grants, ok := o.Texts("grant_types"); ok && !slices.Contains(grants, oidc.GrantCIBA) {
		return r, errors.New("the server registered the device without CIBA")
	}
	uri, _ := o.Text("registration_client_uri")
	token, _ := o.Text("registration_access_token")
	if _, err := safeurl.Parse(uri); err == nil && token != "" {
		sealed, err := sealToken(e.key, kiosk.Secret(token))
		if err != nil {
			return r, err
		}
		r.ManagementURI, r.SealedToken = uri, sealed
	}
	metadata := maps.Clone(o)
	for _, secret := range []string{"client_secret", "registration_access_token", "jwks"} {
		delete(metadata, secret)
	}
	var err error
	r.Metadata, err = json.Marshal(metadata)
	return r, err
}
