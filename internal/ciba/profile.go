package ciba

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Profile is what is particular to one kind of authorization server, as data. There is no code for a single server.
type Profile struct {
	Name string

	// HintPattern replaces the default of KIOSK_LOGIN_HINT if the server accepts another form only. HintMax is the
	// longest login_hint in characters; 0 if no limit is known.
	HintPattern string
	HintMax     int

	// BindingExtra are the characters that a binding message may contain besides ASCII letters and digits; BindingMax
	// is its maximum length.
	BindingExtra string
	BindingMax   int

	// AmbiguousDenial says that the server sends one code for declined and expired, so that only the time tells them
	// apart.
	AmbiguousDenial bool

	// Audience is the audience of client assertions.
	Audience oidc.Audience

	// Ignores are the parameters, of audience and resource, that the server does not read. They are not sent, and the
	// log says so.
	Ignores []string

	// ExpiryMin and ExpiryMax bound the requested expiry: outside, the server refuses it or gives it another meaning. 0
	// if no limit is known.
	ExpiryMin, ExpiryMax time.Duration

	// ClientIDInRequest says that a signed request must contain client_id, although iss is the same.
	ClientIDInRequest bool

	// CapsExpiry says that a request lives no longer than was requested, although the acknowledgement shows more.
	CapsExpiry bool

	// MissingPhone is the error code for a person without a phone, which is also that of a phone service that is down or
	// not configured; empty if a server tells them apart.
	MissingPhone string

	// NoOpenIDScope says that openid is no scope that a registration may name: the server grants it to every client.
	NoOpenIDScope bool

	// PhoneHint says where the customer looks on the phone.
	PhoneHint kiosk.PhoneHint

	// issuerPath is in the path of every issuer of this kind, by which a server is guessed before it was asked; empty if
	// issuers have no form of their own.
	issuerPath string

	// backchannel and token are path suffixes of the endpoints by which the server is recognized. A profile with an
	// empty backchannel is never recognized.
	backchannel, token string
}

// Generic is the profile of an unknown server: what every examined server accepts.
const Generic = "generic"

// commonBindingChars are accepted in a binding message by every examined server.
const commonBindingChars = "-._+"

// profiles is the table. Its sources are the servers' code and manuals; where they are silent, the generic value is
// used.
var profiles = []Profile{
	{
		Name:         Generic,
		BindingExtra: commonBindingChars,
		BindingMax:   20,
		PhoneHint:    kiosk.AnyApp,
	},
	{
		Name:            "auth0",
		HintPattern:     "iss_sub", // the only form in its manual
		BindingExtra:    " +-_.,:#",
		BindingMax:      64,
		AmbiguousDenial: true,
		ExpiryMin:       time.Second,
		ExpiryMax:       300 * time.Second, // above it Auth0 sends an email instead of a push
		PhoneHint:       kiosk.GuardianApp,
		backchannel:     "/bc-authorize",
		token:           "/oauth/token",
	},
	{
		Name:          "keycloak",
		BindingExtra:  "-._+/!?#",
		BindingMax:    50,
		Ignores:       []string{"audience", "resource"}, // mappers decide (#14355); seen on 26.7.5
		CapsExpiry:    true,                             // seen on 26.7.5: approvals after the requested expiry are lost
		MissingPhone:  "server_error",                   // status 503 unless the phone service answers 201
		NoOpenIDScope: true,                             // its registration policy refuses the name; seen on 26.7.5
		PhoneHint:     kiosk.AnyApp,
		issuerPath:    "/realms/",
		backchannel:   "/protocol/openid-connect/ext/ciba/auth",
		token:         "/protocol/openid-connect/token",
	},
	{
		Name:         "node-oidc-provider",
		BindingExtra: "-._+/!?#",
		BindingMax:   20,
		Ignores:      []string{"audience"}, // it uses resource indicators (RFC 8707)
		ExpiryMax:    600 * time.Second,
		PhoneHint:    kiosk.AnyApp,
		backchannel:  "/backchannel",
		token:        "/token",
	},
	{
		Name:         "duende",
		HintMax:      100,
		BindingExtra: " -._+#",
		BindingMax:   100,
		Ignores:      []string{"audience"}, // it uses resource indicators (RFC 8707)
		ExpiryMin:    time.Second,
		ExpiryMax:    300 * time.Second, // the client's default lifetime; a longer one is an error
		PhoneHint:    kiosk.AnyApp,
		backchannel:  "/connect/ciba",
		token:        "/connect/token",
	},
	{
		Name:         "wso2",
		BindingExtra: " -._+/!?#,:", // everything but control characters and angle brackets
		BindingMax:   20,
		PhoneHint:    kiosk.LinkMessage, // a link by email or text message
		backchannel:  "/oauth2/ciba",
		token:        "/oauth2/token",
	},
	{
		Name:         "pingfederate",
		BindingExtra: commonBindingChars,
		BindingMax:   20,
		ExpiryMax:    120 * time.Second, // the default, which a client can only shorten

		ClientIDInRequest: true, // inside and outside, as its manual says (pf_ciba_endpoint)
		PhoneHint:         kiosk.AnyApp,
		backchannel:       "/as/bc-auth.ciba",
		token:             "/as/token.oauth2",
	},
	{
		Name:         "pingone",
		BindingExtra: commonBindingChars,
		BindingMax:   20,
		PhoneHint:    kiosk.AnyApp,
		backchannel:  "/as/cibaAuthorization",
		token:        "/as/token",
	},
	{
		Name:         "pingam",
		BindingExtra: commonBindingChars,
		BindingMax:   20,
		PhoneHint:    kiosk.AnyApp,
		backchannel:  "/bc-authorize",
		token:        "/access_token",
	},
}

// Profiles returns the names for Config.Profile, in the table's order.
func Profiles() []string {
	var out []string
	for _, p := range profiles {
		out = append(out, p.Name)
	}
	return out
}

// profileNamed returns the profile of a name.
func profileNamed(name string) (Profile, error) {
	i := slices.IndexFunc(profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, errors.New("unknown profile; known are " + strings.Join(Profiles(), ", "))
	}
	return profiles[i], nil
}

// recognize returns the profile of a server by the paths of its endpoints, or the generic one. Two paths must match,
// because /bc-authorize alone is common.
func recognize(m *oidc.Metadata) Profile {
	for _, p := range profiles {
		if p.backchannel != "" && hasPathSuffix(m.Endpoint(oidc.Backchannel, false), p.backchannel) &&
			hasPathSuffix(m.Endpoint(oidc.Token, false), p.token) {
			return p
		}
	}
	return profiles[0]
}

// FindProfile returns the profile of a name (KIOSK_PROFILE), or the one of a server's metadata if the name is empty.
func FindProfile(name string, m *oidc.Metadata) (Profile, error) {
	if name == "" {
		return recognize(m), nil
	}
	return profileNamed(name)
}

// IgnoredSettings returns which of KIOSK_AUDIENCE and KIOSK_RESOURCE have a value that the server does not read, and its
// profile. Without a profile's name the issuer decides, so that no server has to be asked.
func IgnoredSettings(name, issuer, audience, resource string) (profile string, ignored []string) {
	u, err := url.Parse(issuer)
	i := slices.IndexFunc(profiles, func(p Profile) bool {
		if name != "" {
			return p.Name == name
		}
		return p.issuerPath != "" && err == nil && strings.Contains(u.Path, p.issuerPath)
	})
	if i < 0 {
		return "", nil
	}
	return profiles[i].Name, profiles[i].ignoredSettings(audience, resource)
}

// ignoredSettings returns which of KIOSK_AUDIENCE and KIOSK_RESOURCE have a value that the server does not read.
func (p *Profile) ignoredSettings(audience, resource string) (names []string) {
	if audience != p.parameter("audience", audience) {
		names = append(names, "KIOSK_AUDIENCE")
	}
	if resource != p.parameter("resource", resource) {
		names = append(names, "KIOSK_RESOURCE")
	}
	return names
}

func hasPathSuffix(address, path string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.HasSuffix(u.Path, path)
}

// parameter returns the value of audience or resource as this server gets it.
func (p *Profile) parameter(name, value string) string {
	if slices.Contains(p.Ignores, name) {
		return ""
	}
	return value
}

// requestedExpiry fits a wanted expiry to what the server accepts; 0 requests none.
func (p *Profile) requestedExpiry(wish time.Duration) time.Duration {
	if wish <= 0 {
		return 0
	}
	if p.ExpiryMax > 0 {
		wish = min(wish, p.ExpiryMax)
	}
	return max(wish, p.ExpiryMin)
}
