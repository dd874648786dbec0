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

// Profile is what is peculiar to one kind of authorization server, as data.
// There is no code per server.
type Profile struct {
	Name string

	// Hint is the pattern of KIOSK_LOGIN_HINT that takes the place of the default
	// one, {identifier}, where the server knows people by another form only; empty
	// where it does not. HintMax is the longest login_hint the server takes, in
	// characters; 0 where no limit is known.
	HintPattern string
	HintMax     int

	// BindingExtra are the characters that a binding message may hold beside
	// letters and digits of ASCII; BindingMax is how long it may be.
	BindingExtra string
	BindingMax   int

	// MergesRefusal says that the server has one answer for "refused" and "nobody
	// answered", so that only the clock can tell them apart.
	AmbiguousDenial bool

	// Audience is whom a client assertion is addressed to.
	Audience oidc.Audience

	// Ignores are the parameters that the server is known not to read, of audience
	// and resource. They are not sent, and the log says so.
	Ignores []string

	// ExpiryMin and ExpiryMax are the shortest and the longest lifetime that may be
	// asked for without the server refusing it or taking it to mean something else;
	// 0 where no limit is known.
	ExpiryMin, ExpiryMax time.Duration

	// Where is the sentence that says where to look on the phone.
	PhoneHint kiosk.PhoneHint

	// backchannel and token recognise the server: how the paths of its endpoints
	// end. An empty backchannel is never recognizedProfile.
	backchannel, token string
}

// Generic is the profile of a server about which nothing is known: what every
// server looked at accepts.
const Generic = "generic"

// commonBindingChars are the characters that every server looked at takes in a binding message.
const commonBindingChars = "-._+"

// profiles is the table. Sources are the servers' own code and manuals. Where one
// says nothing, what is generic stands.
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
		ExpiryMax:       300 * time.Second, // above it Auth0 sends an e-mail instead of a push
		PhoneHint:       kiosk.GuardianApp,
		backchannel:     "/bc-authorize",
		token:           "/oauth/token",
	},
	{
		Name:         "keycloak",
		BindingExtra: "-._+/!?#",
		BindingMax:   50,
		PhoneHint:    kiosk.AnyApp,
		backchannel:  "/protocol/openid-connect/ext/ciba/auth",
		token:        "/protocol/openid-connect/token",
	},
	{
		Name:         "node-oidc-provider",
		BindingExtra: "-._+/!?#",
		BindingMax:   20,
		Ignores:      []string{"audience"}, // it has resource indicators (RFC 8707)
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
		Ignores:      []string{"audience"}, // as above
		ExpiryMin:    time.Second,
		ExpiryMax:    300 * time.Second, // the client's default lifetime; above it is an error, not a smaller one
		PhoneHint:    kiosk.AnyApp,
		backchannel:  "/connect/ciba",
		token:        "/connect/token",
	},
	{
		Name:         "wso2",
		BindingExtra: " -._+/!?#,:", // all but control characters and angle brackets
		BindingMax:   20,
		PhoneHint:    kiosk.LinkMessage, // it sends a link by e-mail or text message
		backchannel:  "/oauth2/ciba",
		token:        "/oauth2/token",
	},
	{
		Name:         "pingfederate",
		BindingExtra: commonBindingChars,
		BindingMax:   20,
		ExpiryMax:    120 * time.Second, // its default, which a client can only shorten
		PhoneHint:    kiosk.AnyApp,
		backchannel:  "/as/bc-auth.ciba",
		token:        "/as/token.oauth2",
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

// Profiles lists the names that Config.Profile may have, in the table's order.
func Profiles() []string {
	var out []string
	for _, p := range profiles {
		out = append(out, p.Name)
	}
	return out
}

// profileNamed finds a profile by name.
func profileNamed(name string) (Profile, error) {
	i := slices.IndexFunc(profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, errors.New("unknown profile; known are " + strings.Join(Profiles(), ", "))
	}
	return profiles[i], nil
}

// recognize recognises a server by how its endpoints are called; generic if by
// nothing. Two of them must fit: /bc-authorize alone is a common name.
func recognize(m *oidc.Metadata) Profile {
	for _, p := range profiles {
		if p.backchannel != "" && hasPathSuffix(m.Endpoint(oidc.Backchannel, false), p.backchannel) &&
			hasPathSuffix(m.Endpoint(oidc.Token, false), p.token) {
			return p
		}
	}
	return profiles[0]
}

func hasPathSuffix(address, path string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.HasSuffix(u.Path, path)
}

// parameter are the parameters audience and resource as this server is to get them.
func (p *Profile) parameter(name, value string) string {
	if slices.Contains(p.Ignores, name) {
		return ""
	}
	return value
}

// requestedExpiry is what may be asked for of what is wished; 0 asks for nothing.
func (p *Profile) requestedExpiry(wish time.Duration) time.Duration {
	if wish <= 0 {
		return 0
	}
	if p.ExpiryMax > 0 {
		wish = min(wish, p.ExpiryMax)
	}
	return max(wish, p.ExpiryMin)
}
