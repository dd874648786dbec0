package enrol

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
	"github.com/ciba-kiosk/ciba-kiosk/internal/wait"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Options configure Open. All are required unless their comment says otherwise.
type Options struct {
	Dir               string // state directory, made if it does not exist
	Issuer            string
	BootstrapClientID string // public client for the technician's sign-in; not needed with an initial access token
	Scope             string // of the technician's sign-in
	ClientName        string // at the server; the beginning of the key ID is added
	Client            ClientSettings

	Transport *oidc.Transport
	Now       func() time.Time     // wall clock
	Uptime    func() time.Duration // monotonic
	Log       *slog.Logger
	// Sleep waits for d or the end of ctx; nil uses a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Enrolment is the registration of this device. It is held until Close.
type Enrolment struct {
	options   Options
	dir       *stateDir
	record    record
	key       *oidc.ClientKey
	discovery *oidc.Discovery
}

// Open loads the registration and makes the device's key if there is none. Errors have a kiosk.Reason; ErrBusy if
// another process holds the registration.
func Open(o Options) (*Enrolment, error) {
	dir, err := openStateDir(o.Dir)
	if err != nil {
		return nil, kiosk.Fail(kiosk.Internal, "provision", err)
	}
	e := &Enrolment{options: o, dir: dir}
	if e.record, err = dir.loadRecord(); err == nil {
		e.key, err = dir.loadKey(KeyFile, true)
	}
	if err == nil {
		e.discovery, err = oidc.NewDiscovery(o.Issuer, o.Transport, o.Now)
	}
	if err != nil {
		dir.close()
		if kiosk.ReasonOf(err) == kiosk.Misconfigured {
			return nil, err
		}
		return nil, kiosk.Fail(kiosk.Internal, "provision", err)
	}
	return e, nil
}

// Close lets other processes open the registration.
func (e *Enrolment) Close() { e.dir.close() }

// Key returns the device's key.
func (e *Enrolment) Key() *oidc.ClientKey { return e.key }

// KeyPath returns the path of the device's key.
func (e *Enrolment) KeyPath() string { return e.dir.path(KeyFile) }

// ClientID returns the registered client_id; empty if there is none with this issuer.
func (e *Enrolment) ClientID() string {
	if e.record.Stage != StageRegistered || e.record.Issuer != e.options.Issuer {
		return ""
	}
	return e.record.ClientID
}

// IsManaged reports whether the server lets this device change its registration.
func (e *Enrolment) IsManaged() bool { return e.record.ManagementURI != "" }

// Register registers the device, unless it is registered with this issuer already. The token initial permits it. If
// initial is empty, Register asks a technician for approval and calls show with what they need for it. If again is
// true, it also registers a device whose earlier registration has an unknown outcome or is with another issuer.
// Errors have a kiosk.Reason; ErrUnknownOutcome if only the operator can tell whether there is a registration.
func (e *Enrolment) Register(ctx context.Context, initial kiosk.Secret, again bool, show func(Approval)) error {
	switch {
	case e.ClientID() != "":
		return nil
	case e.record.Stage == StageRegistering && !again:
		return kiosk.Fail(kiosk.NotProvisioned, "an earlier registration was interrupted", e.unknownOutcome())
	case e.record.Stage == StageRegistered && !again:
		return kiosk.Fail(kiosk.Misconfigured, "provision", errors.New("the device is registered with another server; to register it here too, run kiosk provision --again"))
	}
	if len(initial) > 0 {
		return e.register(ctx, initial)
	}
	tokens, err := e.requestApproval(ctx, show)
	if err != nil {
		return err
	}
	defer tokens.Zero()
	err = e.register(ctx, tokens.Access)
	e.revoke(context.WithoutCancel(ctx), tokens)
	return err
}

// revoke revokes both tokens of the technician, each by a request of its own: some servers end the session only for the
// refresh token, others do not revoke the access token with it. They expire by themselves, so a failure only goes to the
// log. (RFC 7009, section 2.1)
func (e *Enrolment) revoke(ctx context.Context, tokens kiosk.Tokens) {
	m := e.discovery.Cached()
	if m == nil || m.Endpoint(oidc.Revocation, false) == "" {
		return
	}
	for _, t := range []struct {
		hint  string
		token kiosk.Secret
	}{{"refresh_token", tokens.Refresh}, {"access_token", tokens.Access}} {
		if len(t.token) == 0 {
			continue
		}
		form := url.Values{"token": {string(t.token)}, "token_type_hint": {t.hint}, "client_id": {e.options.BootstrapClientID}}
		_, err := e.postForm(ctx, m.Endpoint(oidc.Revocation, false), form)
		var r *oauthError
		if errors.As(err, &r) { // not for a 200 with an empty body, which is a success without an object
			e.options.Log.Info("a token of the technician was not revoked and will expire", "token", t.hint, "status", r.status)
		}
	}
}

// ProbeClient returns an error if the server rejects the device's key. It alerts no phone.
func (e *Enrolment) ProbeClient(ctx context.Context, clientID string) error {
	return e.probe(ctx, clientID, e.key)
}

func (e *Enrolment) probe(ctx context.Context, clientID string, key *oidc.ClientKey) error {
	m, err := e.discovery.Get(ctx)
	if err != nil {
		return err
	}
	auth, err := oidc.NewClientAuth(oidc.AuthOptions{Method: oidc.PrivateKeyJWT, ClientID: clientID, Key: key, Now: e.options.Now})
	if err != nil {
		return err
	}
	return oidc.ProbeClientAuth(ctx, e.options.Transport, m, auth)
}

func (e *Enrolment) sleep(ctx context.Context, d time.Duration) error {
	if e.options.Sleep != nil {
		return e.options.Sleep(ctx, d)
	}
	if !wait.For(ctx, d) {
		return ctx.Err()
	}
	return nil
}

// updateRegistration sends the whole registration again, with these keys. (RFC 7592, section 2.2)
func (e *Enrolment) updateRegistration(ctx context.Context, keys ...*oidc.ClientKey) error {
	const what = "registration update"
	var body map[string]any
	if err := json.Unmarshal(e.record.Metadata, &body); err != nil {
		return kiosk.Fail(kiosk.Internal, what, err)
	}
	for _, name := range []string{"registration_client_uri", "registration_access_token", "client_id_issued_at", "client_secret_expires_at"} {
		delete(body, name) // must not be sent (section 2.2)
	}
	set, err := jwks(keys)
	if err != nil {
		return kiosk.Fail(kiosk.Internal, what, err)
	}
	body["client_id"], body["jwks"] = e.record.ClientID, set
	m, err := e.discovery.Get(ctx)
	if err != nil {
		return err
	}
	body["grant_types"] = e.options.Client.grants(m) // a device of an earlier version has no refresh tokens yet
	token, err := e.record.openToken(e.key)
	if err != nil {
		return kiosk.Fail(kiosk.Internal, what, err)
	}
	defer token.Zero()
	o, err := e.sendJSON(ctx, http.MethodPut, e.record.ManagementURI, token, body)
	if err != nil {
		return kiosk.Fail(reasonFor(err), what, err)
	}
	// The server may have replaced the token and the address.
	fresh := e.record
	if next, ok := o.Text("registration_access_token"); ok && next != "" {
		if fresh.SealedToken, err = sealToken(e.key, kiosk.Secret(next)); err != nil {
			return kiosk.Fail(kiosk.Internal, what, err)
		}
	}
	if at, ok := o.Text("registration_client_uri"); ok {
		if _, err := safeurl.Parse(at); err == nil {
			fresh.ManagementURI = at
		}
	}
	if err := e.dir.saveRecord(fresh); err != nil {
		return kiosk.Fail(kiosk.Internal, what, err)
	}
	e.record = fresh
	return nil
}
