package ciba

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
)

// Profile is what is peculiar to one kind of authorization server, as data.
// There is no code per server.
type Profile struct {
	Name string

	// HintMax is the longest login_hint the server takes, in characters; 0 where
	// no limit is known.
	HintMax int

	// BindingExtra are the characters that a binding message may hold beside
	// letters and digits of ASCII; BindingMax is how long it may be.
	BindingExtra string
	BindingMax   int

	// MergesRefusal says that the server has one answer for "refused" and "nobody
	// answered", so that only the clock can tell them apart.
	MergesRefusal bool

	// Audience is whom a client assertion is addressed to.
	Audience oidc.Audience

	// ExpiryMax is the longest lifetime that may be asked for without the server
	// refusing it or taking it to mean something else; 0 where no limit is known.
	ExpiryMax time.Duration

	// Where is the key of the sentence that says where to look on the phone.
	Where string

	// published recognises the server by its backchannel endpoint.
	published func(path string, m *oidc.Metadata) bool
}

// Generic is the profile of a server about which nothing is known: what every
// server looked at accepts.
const Generic = "generic"

// profiles is the table. Sources are the servers' own code and manuals.
var profiles = []Profile{
	{
		Name:         Generic,
		BindingExtra: "-._+",
		BindingMax:   20,
		Where:        "where.generic",
	},
	{
		Name:          "auth0",
		BindingExtra:  " +-_.,:#",
		BindingMax:    64,
		MergesRefusal: true,
		ExpiryMax:     300 * time.Second, // above it Auth0 sends an e-mail instead of a push
		Where:         "where.auth0",
		published:     func(path string, _ *oidc.Metadata) bool { return strings.HasSuffix(path, "/bc-authorize") },
	},
	{
		Name:         "keycloak",
		BindingExtra: "-._+/!?#",
		BindingMax:   50,
		Where:        "where.keycloak",
		published: func(path string, _ *oidc.Metadata) bool {
			return strings.HasSuffix(path, "/protocol/openid-connect/ext/ciba/auth")
		},
	},
	{
		Name:         "node-oidc-provider",
		BindingExtra: "-._+/!?#",
		BindingMax:   20,
		ExpiryMax:    600 * time.Second,
		Where:        "where.generic",
		published: func(path string, m *oidc.Metadata) bool {
			return strings.HasSuffix(path, "/backchannel") && strings.HasSuffix(m.Endpoint(oidc.JWKS, false), "/jwks")
		},
	},
	{
		Name:         "duende",
		HintMax:      100,
		BindingExtra: " -._+#",
		BindingMax:   100,
		ExpiryMax:    300 * time.Second, // the client's default lifetime; above it is an error, not a smaller one
		Where:        "where.generic",
		published:    func(path string, _ *oidc.Metadata) bool { return strings.HasSuffix(path, "/connect/ciba") },
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

// profileOf recognises a server by what it publishes; generic if by nothing.
func profileOf(m *oidc.Metadata) Profile {
	if u, err := url.Parse(m.Endpoint(oidc.Backchannel, false)); err == nil {
		for _, p := range profiles {
			if p.published != nil && p.published(u.Path, m) {
				return p
			}
		}
	}
	return profiles[0]
}
