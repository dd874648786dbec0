package app

import (
	"crypto/tls"
	"errors"
	"net/url"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/api"
	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/guard"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// build builds everything but the guard and the record.
func (a *App) build() error {
	return errors.Join(a.openCatalogs(), a.buildFace(), a.buildServers())
}

func (a *App) openCatalogs() error {
	var unknown config.Problems
	for _, l := range a.settings.Languages {
		c, err := words.Open(l)
		if err != nil {
			unknown = append(unknown, a.settings.UnknownValue("KIOSK_LANGUAGES", l, words.Languages()))
			continue
		}
		a.catalogs = append(a.catalogs, c)
	}
	if unknown != nil {
		return unknown
	}
	return nil
}

// buildServers builds the clients of the authorization server and of the protected API.
func (a *App) buildServers() error {
	s := a.settings
	roots, err := s.Roots()
	if err != nil {
		return err
	}
	a.buildClock()
	credentials, err := a.readCredentials()
	if err != nil {
		return err
	}
	if a.auth, err = oidc.NewClientAuth(credentials); err != nil {
		return err
	}
	a.transport = oidc.NewTransport(oidc.TransportOptions{Roots: roots, Certificate: credentials.Certificate, Clock: a.time})
	var dpop *oidc.DPoP
	if s.DPoP {
		dpop = oidc.NewDPoP(a.time.Now)
	}
	if err := a.buildClients(credentials, dpop); err != nil {
		return err
	}
	return a.buildResource(dpop)
}

func (a *App) buildClock() {
	o := oidc.ClockOptions{
		Issuer: a.settings.Issuer, Wall: a.clock.Wall, Uptime: a.clock.Now, Synchronised: a.clock.IsKept, Earliest: a.clock.Floor(),
	}
	if a.wall != nil {
		o.Wall, o.Synchronised = a.wall, nil
	}
	a.time = oidc.NewClock(o)
}

// readCredentials reads secret, key and certificate, which authenticate this client.
func (a *App) readCredentials() (o oidc.AuthOptions, err error) {
	s := a.settings
	o = oidc.AuthOptions{Method: string(s.ClientAuth), ClientID: s.ClientID, Secret: s.ClientSecret, Now: a.time.Now}
	if s.ClientKey.IsSet() {
		if o.Key, err = oidc.ParseClientKey(s.ClientKey.Data); err != nil {
			return o, kiosk.Fail(kiosk.Misconfigured, "KIOSK_CLIENT_KEY_FILE", err)
		}
		if o.Key, err = o.Key.WithID(s.ClientKeyID); err != nil {
			return o, kiosk.Fail(kiosk.Misconfigured, "KIOSK_CLIENT_KEY_ID", err)
		}
	}
	if s.Delivery == "ping" {
		if a.pingCert, err = tls.X509KeyPair(s.PingCert.Data, s.PingKey.Data); err != nil {
			return o, kiosk.Fail(kiosk.Misconfigured, "KIOSK_PING_CERT_FILE and KIOSK_PING_KEY_FILE", err)
		}
		a.pings = ciba.NewPings(a.clock.Now, a.log)
	}
	if !s.ClientCert.IsSet() {
		return o, nil
	}
	certKey := o.Key
	if s.CertKey.IsSet() {
		if certKey, err = oidc.ParseClientKey(s.CertKey.Data); err != nil {
			return o, kiosk.Fail(kiosk.Misconfigured, "KIOSK_CLIENT_CERT_KEY_FILE", err)
		}
	}
	if o.Certificate, err = oidc.ParseCertificate(s.ClientCert.Data, certKey); err != nil {
		return o, kiosk.Fail(kiosk.Misconfigured, "KIOSK_CLIENT_CERT_FILE", err)
	}
	if !strings.HasPrefix(s.Issuer, "https:") {
		return o, kiosk.Fail(kiosk.Misconfigured, "KIOSK_CLIENT_CERT_FILE", errMTLSNeedsTLS)
	}
	a.certificate = o.Certificate
	if err := o.Certificate.CheckValidity(a.time.Now()); err != nil {
		a.log.Warn("mutual TLS", "problem", err.Error())
	}
	return o, nil
}

var errMTLSNeedsTLS = errors.New("mutual TLS requires a KIOSK_ISSUER with https")

// buildClients builds the CIBA clients: for customers and, if configured, for technicians.
func (a *App) buildClients(credentials oidc.AuthOptions, dpop *oidc.DPoP) (err error) {
	s := a.settings
	c := a.clientConfig(credentials, dpop)
	if a.client, err = ciba.New(c); err != nil || s.TechnicianClaim == "" {
		return err
	}
	a.technicians, err = ciba.New(technicianConfig(c, s))
	return err
}

// clientConfig returns the configuration of the customers' client.
func (a *App) clientConfig(credentials oidc.AuthOptions, dpop *oidc.DPoP) ciba.Config {
	s := a.settings
	c := ciba.Config{
		Issuer: s.Issuer, ClientID: s.ClientID, Auth: a.auth, Contact: a.contact.Set,
		Transport: a.transport, DPoP: dpop, Certificate: credentials.Certificate, AuthorizationDetails: s.AuthorizationDetails,
		Now: a.time.Now, Clock: a.time, Uptime: a.clock.Now, Log: a.log, Profile: s.Profile,
		Scope: strings.Join(s.Scope, " "), Audience: s.Audience, Resource: s.Resource, ACRValues: strings.Join(s.ACRValues, " "),
		RequestedExpiry: s.RequestedExpiry, BindingMessage: s.BindingMessage, Site: s.Site,
		Identifier: string(s.Identifier), LoginHint: s.LoginHint, LookupURL: text(s.LookupURL), SubjectClaim: s.SubjectClaim,
		DeviceClientID: s.DeviceClientID, Pings: a.pings, IDTokenAlgs: s.IDTokenAlgs,
	}
	if s.SignedRequest {
		c.SignKey = credentials.Key
	}
	return c
}

// technicianConfig returns c for technicians, whose visits ask only who they are and use no API. The binding message tells
// the phone that this is no ordinary sign-in.
func technicianConfig(c ciba.Config, s *config.Settings) ciba.Config {
	c.Scope, c.RequiredClaim = strings.Join(s.TechnicianScope, " "), s.TechnicianClaim
	c.Audience, c.Resource, c.AuthorizationDetails = "", "", ""
	c.BindingMessage = "service-" + c.BindingMessage
	return c
}

func (a *App) buildResource(dpop *oidc.DPoP) error {
	s := a.settings
	var layout *api.Layout
	var err error
	if s.ResultLayout.IsSet() {
		if layout, err = api.ParseLayout(s.ResultLayout.Path, s.ResultLayout.Data); err != nil {
			return kiosk.Fail(kiosk.Misconfigured, "KIOSK_RESULT_LAYOUT", err)
		}
	}
	a.resource, err = api.New(api.Options{URL: s.APIURL, Layout: layout, Transport: a.transport, DPoP: dpop})
	if err != nil {
		return kiosk.Fail(kiosk.Misconfigured, "KIOSK_API_URL", err)
	}
	return nil
}

// buildGuard builds the push guard, whose memory is the record.
func (a *App) buildGuard() error {
	person, err := guard.ParseRate(a.settings.GuardPerson)
	if err != nil {
		return kiosk.Fail(kiosk.Misconfigured, "KIOSK_GUARD_PERSON", err)
	}
	device, err := guard.ParseRate(a.settings.GuardDevice)
	if err != nil {
		return kiosk.Fail(kiosk.Misconfigured, "KIOSK_GUARD_DEVICE", err)
	}
	a.guard = guard.New(guard.Limits{Person: person, Device: device, Lifetime: a.settings.RequestedExpiry}, a.record, a.clock)
	return nil
}

func text(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.String()
}
