// Package config is the settings: environment variables KIOSK_*, the files and
// systemd credentials that they name, and where each value came from. It checks
// everything it can check without the network and reports all problems at once,
// in sentences for a technician.
//
// It leaves to others: what keys, certificates, layouts and language codes mean
// (the packages that use them parse the bytes), and acting on any of it.
//
// # Where values come from
//
// The environment of the process, which envconfig reads by itself: there is no
// way to hand it another one, so tests use t.Setenv. On a device systemd fills
// it from /etc/kiosk/kiosk.env; for verbs that a technician runs by hand,
// LoadFile reads the same file and Load puts what is missing into the
// environment. A variable that is set but empty counts as not set. White space
// around a value is dropped. A secret is never taken from a variable, only from
// a file or a credential.
//
// # How envconfig is used
//
// Every setting is one field of a section struct (sections.go), whose tags are
// the one source of names, defaults and documentation. The field types check
// their own value and keep the problem instead of returning it, because
// envconfig stops at the first error and quotes the value in its text.
package config

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// ClientAuth is how the kiosk authenticates itself to the authorization server
// (OpenID Connect Core, section 9).
type ClientAuth string

// The ways of client authentication.
const (
	PrivateKeyJWT     ClientAuth = "private_key_jwt"
	ClientSecretBasic ClientAuth = "client_secret_basic"
	ClientSecretPost  ClientAuth = "client_secret_post"
	TLSClientAuth     ClientAuth = "tls_client_auth"             // RFC 8705, section 2.1
	SelfSignedTLS     ClientAuth = "self_signed_tls_client_auth" // RFC 8705, section 2.2
)

// isMutualTLS says whether the proof is the certificate of mutual TLS.
func (a ClientAuth) isMutualTLS() bool { return a == TLSClientAuth || a == SelfSignedTLS }

// Identifier is the kind of thing that customers type or scan.
type Identifier string

// The kinds.
const (
	TextIdentifier   Identifier = "text"
	EmailIdentifier  Identifier = "email"
	PhoneIdentifier  Identifier = "phone"
	NumberIdentifier Identifier = "number"
)

// NoSubjectCheck is the KIOSK_SUBJECT_CLAIM that switches the check off.
const NoSubjectCheck = "none"

// Settings are all settings, checked. What Load could not make sense of has its zero value.
type Settings struct {
	// Issuer is the issuer exactly as written: it is compared byte by byte with
	// what the server says (OpenID Connect Discovery, section 4.3).
	Issuer       string
	ClientID     string
	ClientAuth   ClientAuth   // never empty without a problem: derived where not set
	ClientSecret kiosk.Secret // without its trailing newline; nil if none
	ClientKey    File         // PEM (PKCS#8, SEC1) or JWK, not parsed
	ClientCert   File         // PEM chain for mutual TLS, not parsed; never without ClientKey
	CA           File         // PEM bundle, not parsed; without data: the system's roots
	Profile      string       // empty: by discovery

	Scope     []string // holds openid
	Audience  string
	Resource  string // absolute URI (RFC 8707)
	ACRValues []string
	// AuthorizationDetails is a JSON array (RFC 9396), looked at for its form only.
	AuthorizationDetails string
	Identifier           Identifier
	// LoginHint is the pattern: words with {identifier} and {issuer}, or iss_sub,
	// or iss_sub: with a pattern behind it. See IssSub.
	LoginHint    string
	LookupURL    *url.URL // nil: no lookup
	SubjectClaim string   // as set; empty: see SubjectClaims

	BindingMessage  string        // pattern with {code} and perhaps {site}
	RequestedExpiry time.Duration // whole seconds, 1 to 3600
	Delivery        string        // "poll" or "ping"
	PingListen      string        // host:port, with ping; the host may be empty
	PingCert        File          // with ping: PEM chain
	PingKey         File          // with ping: PEM key
	DeviceClientID  string        // the second road's client; empty: that road is not offered
	SignedRequest   bool          // never without ClientKey
	DPoP            bool

	BootstrapClientID string   // a technician's sign-in; empty: the device cannot register itself by one
	BootstrapScope    []string // holds openid
	TechnicianClaim   string   // name=value of the claim that makes a technician; empty: the screen has no menu
	TechnicianScope   []string // holds openid

	APIURL       *url.URL // nil: the verified claims are shown instead
	ResultLayout File     // without data: built in

	Site          string
	Open          Hours    // nil: always
	Languages     []string // at least one; the first is the default
	Theme         string
	Keypad        string        // "auto", "always" or "never"
	Touch         string        // "auto", "off", "90", "180" or "270"
	Font          string        // path of a console font, "keep", or empty: a complete one
	BlankAfter    time.Duration // 0: never
	Sound         bool          // the terminal's bell
	Mirror        string        // path of a Unix socket that tells the screens; empty: none
	ReadyLink     string        // address shown as QR code on the Ready screen; empty: none
	IdleTimeout   time.Duration
	ResultTimeout time.Duration

	StateDir  string
	Socket    string
	Retention time.Duration
	// StoreKey is the key file of the store. Without data it is to be made at
	// its Path on first start.
	StoreKey    File
	GuardPerson string // as guard.ParseRate reads it: number/duration
	GuardDevice string

	MetricsListen string // loopback address; empty: none
	LogLevel      slog.Level

	rows []Row
}

// Rows lists every setting with its value, secrets masked, and its origin, in the
// order of the documentation.
func (s *Settings) Rows() []Row { return append([]Row(nil), s.rows...) }

// SubjectClaims names the ID-token claims of which one must equal what was asked
// for: the one that was set, else those that follow from the login hint and the
// kind of identifier. It is empty where the check is switched off.
func (s *Settings) SubjectClaims() []string {
	_, issSub := s.IssSub()
	switch {
	case s.SubjectClaim == NoSubjectCheck:
		return nil
	case s.SubjectClaim != "":
		return []string{s.SubjectClaim}
	case issSub || s.LookupURL != nil:
		return []string{"sub"}
	case s.Identifier == EmailIdentifier:
		return []string{"email"}
	case s.Identifier == PhoneIdentifier:
		return []string{"phone_number"}
	}
	return []string{"preferred_username", "sub"}
}

// IssSub says whether the login hint is Auth0's JSON form
// {"format":"iss_sub","iss":…,"sub":…}, and with what pattern for the subject.
func (s *Settings) IssSub() (subject string, ok bool) { return issSub(s.LoginHint) }

// HasAPI says whether a protected API is called after approval.
func (s *Settings) HasAPI() bool { return s.APIURL != nil }
