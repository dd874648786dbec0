package ciba

import (
	"cmp"
	"errors"
	"fmt"
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
	// is its maximum length. With BindingUpper, letters are capitals only.
	BindingExtra string
	BindingMax   int
	BindingUpper bool

	// ServerWords is the member of the acknowledgement with the words that both screens show, if the server chooses them.
	// No binding message is sent then. Empty if the kiosk chooses.
	ServerWords string

	// SignedOnly says that the server takes signed requests only, RequiresACR that acr_values must be in them.
	SignedOnly, RequiresACR bool

	// ExpiryName is the parameter for the requested expiry, if it is not requested_expiry.
	ExpiryName string

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
		BindingExtra: " -._+/!?#,:",     // everything but control characters and angle brackets
		BindingMax:   100,               // it checks no length (CibaAuthRequestValidator); more does not fit a phone's screen
		ExpiryMax:    time.Hour,         // a longer one is cut silently
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
		BindingMax:   100, // its manual: oauth2-bc-authorize-endpoint
		SignedOnly:   true,
		RequiresACR:  true,
		PhoneHint:    kiosk.AnyApp,
		backchannel:  "/bc-authorize",
		token:        "/access_token",
	},
	{
		Name:         "okta",
		BindingExtra: commonBindingChars,
		BindingMax:   20,
		ExpiryName:   "request_expiry", // its guide: configure-ciba
		PhoneHint:    kiosk.AnyApp,
		backchannel:  "/v1/bc/authorize",
		token:        "/v1/token",
	},
	{
		// Merchant-initiated login. Its paths are not published, so it is chosen by KIOSK_PROFILE.
		Name:         "vipps",
		HintPattern:  "urn:msisdn:{identifier}",
		BindingExtra: "-",
		BindingMax:   8, // ^[A-Z0-9\-]{5,8}$
		BindingUpper: true,
		ExpiryMin:    60 * time.Second,
		ExpiryMax:    900 * time.Second,
		PhoneHint:    kiosk.AnyApp,
	},
	{
		// BankID Norway through Idura (Criipto): it chooses two words, which both screens show.
		Name:         "idura-no",
		HintPattern:  "sub:ssn:{identifier}",
		BindingExtra: commonBindingChars,
		BindingMax:   20,
		ServerWords:  "bindingMessage",
		ExpiryMax:    900 * time.Second,
		PhoneHint:    kiosk.AnyApp,
	},
	{
		// BankID Sweden through Idura (Criipto). Both have the same endpoints, so they are chosen by KIOSK_PROFILE.
		Name:         "idura-se",
		HintPattern:  "sub:ssn:{identifier}",
		BindingExtra: commonBindingChars,
		BindingMax:   20,
		PhoneHint:    kiosk.AnyApp,
	},
	{
		// Telephone companies (CAMARA). Their servers may ignore binding message and expiry.
		Name:         "camara",
		HintPattern:  "tel:{identifier}",
		BindingExtra: commonBindingChars,
		BindingMax:   20,
		PhoneHint:    kiosk.AnyApp,
	},
	{
		Name:         "cidaas",
		BindingExtra: commonBindingChars,
		BindingMax:   20,
		PhoneHint:    kiosk.AnyApp,
		backchannel:  "/authz-srv/ciba",
		token:        "/token-srv/token",
	},
	{
		Name:         "thunderid",
		BindingExtra: commonBindingChars,
		BindingMax:   256, // its guide: backchannel-authentication
		ExpiryMax:    600 * time.Second,
		PhoneHint:    kiosk.AnyApp,
		backchannel:  "/oauth2/bc-authorize",
		token:        "/oauth2/token",
	},
}

// ProfileFacts are the facts of a profile that an operator has to know, for the documents.
type ProfileFacts struct {
	Name      string
	Endpoints string // by which the server is recognized; empty if KIOSK_PROFILE must name it
	Hint      string // pattern of the login hint; empty for KIOSK_LOGIN_HINT's default
	Message   string // form of the binding message
	Lifetime  string // range of the requested expiry, and its parameter
	Requires  string // what the settings must contain
}

// Facts returns the facts of all profiles, in the table's order.
func Facts() (all []ProfileFacts) {
	for _, p := range profiles {
		all = append(all, p.facts())
	}
	return all
}

func (p *Profile) facts() ProfileFacts {
	f := ProfileFacts{Name: p.Name, Hint: p.HintPattern, Lifetime: p.expiryName()}
	if p.backchannel != "" {
		f.Endpoints = p.backchannel + ", " + p.token
	}
	letters := "letters"
	if p.BindingUpper {
		letters = "capital letters"
	}
	f.Message = fmt.Sprintf("at most %d: %s, digits and %q", p.BindingMax, letters, p.BindingExtra)
	if p.ServerWords != "" {
		f.Message = "chosen by the server: " + p.ServerWords
	}
	if p.ExpiryMin > 0 {
		f.Lifetime += fmt.Sprintf(" from %.0f s", p.ExpiryMin.Seconds())
	}
	if p.ExpiryMax > 0 {
		f.Lifetime += fmt.Sprintf(" to %.0f s", p.ExpiryMax.Seconds())
	}
	if p.SignedOnly {
		f.Requires = "KIOSK_SIGNED_REQUEST"
	}
	if p.RequiresACR {
		f.Requires += " KIOSK_ACR_VALUES"
	}
	return f
}

// expiryName returns the name of the parameter for the requested expiry.
func (p *Profile) expiryName() string { return cmp.Or(p.ExpiryName, "requested_expiry") }

// checkSettings returns why the settings cannot work with such a server; nil if they can.
func (p *Profile) checkSettings(c Config) error {
	switch {
	case p.SignedOnly && c.SignKey == nil:
		return kiosk.Fail(kiosk.Misconfigured, "KIOSK_SIGNED_REQUEST", fmt.Errorf("servers of the profile %s take signed requests only: set it to true", p.Name))
	case p.RequiresACR && c.ACRValues == "":
		return kiosk.Fail(kiosk.Misconfigured, "KIOSK_ACR_VALUES", fmt.Errorf("servers of the profile %s require it", p.Name))
	}
	return nil
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
