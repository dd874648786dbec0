package oidc

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// GrantCIBA is the extension grant type of CIBA. (CIBA Core, section 4)
const GrantCIBA = "urn:openid:params:grant-type:ciba"

// Endpoint is the name of an address in the server's metadata.
type Endpoint string

// The endpoints, by their names in the metadata document.
const (
	Backchannel  Endpoint = "backchannel_authentication_endpoint"
	Token        Endpoint = "token_endpoint"
	UserInfo     Endpoint = "userinfo_endpoint"
	Revocation   Endpoint = "revocation_endpoint"
	Device       Endpoint = "device_authorization_endpoint"
	Registration Endpoint = "registration_endpoint"
	JWKS         Endpoint = "jwks_uri"
)

const idTokenAlgs = "id_token_signing_alg_values_supported"

var endpointNames = []Endpoint{Backchannel, Token, UserInfo, Revocation, Device, Registration, JWKS}

// Metadata is what a server publishes about itself. A nil list was not published, which differs from an empty one.
// (OpenID Connect Discovery 1.0, section 3; RFC 8414; CIBA Core, section 4)
type Metadata struct {
	Issuer        string
	DeliveryModes []string // backchannel_token_delivery_modes_supported
	GrantTypes    []string // grant_types_supported
	Scopes        []string // scopes_supported
	AuthMethods   []string // token_endpoint_auth_methods_supported
	AuthAlgs      []string // token_endpoint_auth_signing_alg_values_supported
	IDTokenAlgs   []string // id_token_signing_alg_values_supported
	RequestAlgs   []string // backchannel_authentication_request_signing_alg_values_supported
	DPoPAlgs      []string // dpop_signing_alg_values_supported
	ACRValues     []string // acr_values_supported
	UserCode      bool     // backchannel_user_code_parameter_supported

	endpoints     map[Endpoint]string
	mtlsEndpoints map[Endpoint]string // mtls_endpoint_aliases

	endpointErrors, mtlsEndpointErrors map[Endpoint]error // why a published address counts as absent
}

// Endpoint returns an address, empty if the server has none. With mtls the alias for clients with a certificate comes
// first, endpoint by endpoint. (RFC 8705, section 5)
func (m *Metadata) Endpoint(e Endpoint, mtls bool) string {
	if mtls && m.mtlsEndpoints[e] != "" {
		return m.mtlsEndpoints[e]
	}
	return m.endpoints[e]
}

// EndpointError returns why an address that the server publishes counts as absent; nil if it does not. The text
// quotes nothing of the address.
func (m *Metadata) EndpointError(e Endpoint, mtls bool) error {
	if mtls && (m.mtlsEndpoints[e] != "" || m.mtlsEndpointErrors[e] != nil) {
		return m.mtlsEndpointErrors[e]
	}
	return m.endpointErrors[e]
}

// Offers reports whether a published list contains a value. A list that was not published contains every value.
func Offers(list []string, value string) bool {
	return list == nil || slices.Contains(list, value)
}

// parseMetadata reads the metadata of the given issuer. Errors that a technician can fix are a metadataError.
func parseMetadata(data []byte, issuer string) (*Metadata, error) {
	o, err := strictjson.Parse(data)
	if err != nil {
		return nil, err
	}
	// Byte for byte, slash included. (Discovery 1.0, section 4.3)
	published, _ := o.Text("issuer")
	if published != issuer {
		if strings.TrimSuffix(published, "/") == strings.TrimSuffix(issuer, "/") && published != "" {
			return nil, metadataError{errors.New("the published issuer and KIOSK_ISSUER differ in the slash at the end; set KIOSK_ISSUER exactly as published")}
		}
		return nil, metadataError{fmt.Errorf("the published issuer %q is not the one in KIOSK_ISSUER", sanitize.ASCII(published, 200))}
	}
	m := &Metadata{Issuer: issuer}
	https := strings.HasPrefix(issuer, "https:")
	m.endpoints, m.endpointErrors = parseEndpoints(o, https)
	if a, ok := o["mtls_endpoint_aliases"].(strictjson.Object); ok {
		m.mtlsEndpoints, m.mtlsEndpointErrors = parseEndpoints(a, https)
	}
	// Without these three nothing works. A malformed address of another endpoint counts as absent; see EndpointError.
	for _, e := range []Endpoint{Token, JWKS, Backchannel} {
		if err := m.endpointErrors[e]; err != nil {
			return nil, metadataError{err}
		}
		if m.endpoints[e] == "" && e != Backchannel { // package ciba rejects a server without CIBA
			return nil, metadataError{fmt.Errorf("the server publishes no %s", e)}
		}
	}
	// A list that restricts which signatures are accepted is not passed over because it cannot be read.
	var ok bool
	if m.IDTokenAlgs, ok = o.Texts(idTokenAlgs); !ok && o.Has(idTokenAlgs) {
		return nil, metadataError{fmt.Errorf("the server publishes a malformed %s", idTokenAlgs)}
	}
	m.DeliveryModes, _ = o.Texts("backchannel_token_delivery_modes_supported")
	m.GrantTypes, _ = o.Texts("grant_types_supported")
	m.Scopes, _ = o.Texts("scopes_supported")
	m.AuthMethods, _ = o.Texts("token_endpoint_auth_methods_supported")
	m.AuthAlgs, _ = o.Texts("token_endpoint_auth_signing_alg_values_supported")
	m.RequestAlgs, _ = o.Texts("backchannel_authentication_request_signing_alg_values_supported")
	m.DPoPAlgs, _ = o.Texts("dpop_signing_alg_values_supported")
	m.ACRValues, _ = o.Texts("acr_values_supported")
	m.UserCode, _ = o["backchannel_user_code_parameter_supported"].(bool)
	return m, nil
}

// parseEndpoints reads the endpoints of a document, and the reasons why some of them may not be used.
func parseEndpoints(o strictjson.Object, https bool) (good map[Endpoint]string, bad map[Endpoint]error) {
	good, bad = map[Endpoint]string{}, map[Endpoint]error{}
	for _, e := range endpointNames {
		if !o.Has(string(e)) {
			continue
		}
		s, _ := o.Text(string(e))
		switch u, err := safeurl.Parse(s); {
		case err != nil:
			bad[e] = fmt.Errorf("the server publishes a malformed %s: %w", e, err)
		case https && u.Scheme != "https":
			// A remote server must not direct requests to a service on this machine.
			bad[e] = fmt.Errorf("the server publishes a %s without https", e)
		default:
			good[e] = s
		}
	}
	return good, bad
}

// metadataError is a well-formed document with the wrong content: a setting, here or at the server, must change.
type metadataError struct{ error }

func (w metadataError) Unwrap() error { return w.error }
