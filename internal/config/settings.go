// Package config reads the settings: the environment variables KIOSK_*, and the files and systemd credentials that they
// name. It records the origin of each value and reports all problems at once, in sentences for a technician. The packages
// that use keys, certificates, layouts and language codes parse them.
//
// On a device, systemd sets the environment from /etc/kiosk/kiosk.env. For commands that a technician runs by hand, LoadFile
// reads the same file, and Load copies the missing variables to the environment, where envconfig reads them. An empty
// variable counts as not set. White space around a value is removed. A secret comes only from a file or a credential.
//
// Each setting is one field of a section (sections.go). Its tags are the source of its name, default and documentation. A
// field type checks its value and stores the problem instead of returning it, because envconfig stops at the first error
// and quotes the value in its text.
//
// Reading and writing environment files is our own code: it must agree with systemd's syntax, keep a technician's lines,
// and report faults without values, which no library examined does.
package config

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// ClientAuth is a method of client authentication (OpenID Connect Core 9).
type ClientAuth string

// The methods of client authentication.
const (
	PrivateKeyJWT     ClientAuth = "private_key_jwt"
	ClientSecretBasic ClientAuth = "client_secret_basic"
	ClientSecretPost  ClientAuth = "client_secret_post"
	TLSClientAuth     ClientAuth = "tls_client_auth"             // RFC 8705 2.1
	SelfSignedTLS     ClientAuth = "self_signed_tls_client_auth" // RFC 8705 2.2
)

// isMutualTLS reports whether the client authenticates by its TLS certificate.
func (a ClientAuth) isMutualTLS() bool { return a == TLSClientAuth || a == SelfSignedTLS }

// Identifier is the kind of identifier that customers enter.
type Identifier string

// The kinds of identifiers.
const (
	TextIdentifier   Identifier = "text"
	EmailIdentifier  Identifier = "email"
	PhoneIdentifier  Identifier = "phone"
	NumberIdentifier Identifier = "number"
)

// NoSubjectCheck is the value of KIOSK_SUBJECT_CLAIM that switches the check off.
const NoSubjectCheck = "none"

// Settings are all settings. A setting with a problem has its zero value.
type Settings struct {
	// Issuer is the issuer exactly as written: it is compared byte by byte with the server's (OpenID Connect Discovery 4.3).
	Issuer       string
	ClientID     string
	ClientAuth   ClientAuth   // derived if not set
	ClientSecret kiosk.Secret // without trailing newlines; nil if not set
	ClientKey    File         // PEM (PKCS#8, SEC1) or JWK, not parsed
	ClientKeyID  string       // kid; empty: from the key, "none": none
	ClientCert   File         // PEM chain for mutual TLS, not parsed; never without CertKey or ClientKey
	CertKey      File         // key of ClientCert, as ClientKey; without data, ClientKey is
	CA           File         // PEM bundle, not parsed; without data, the system's roots
	Profile      string       // empty selects by discovery

	Scope                []string // contains openid
	Audience             string
	Resource             string // absolute URI (RFC 8707)
	ACRValues            []string
	AuthorizationDetails string // JSON array (RFC 9396); its elements are not checked
	Identifier           Identifier
	ScanOnly             bool // identifiers are scanned, never typed
	// LoginHint is a pattern over {identifier} and {issuer}, or iss_sub, or iss_sub: and a pattern. See IssSub.
	LoginHint    string
	LookupURL    *url.URL // nil if not set
	SubjectClaim string   // as set; see SubjectClaims

	BindingMessage  string        // pattern over {code} and {site}
	RequestedExpiry time.Duration // whole seconds, 1 to 3600
	Delivery        string        // "poll" or "ping"
	PingListen      string        // with ping: host:port; the host may be empty
	PingCert        File          // with ping: PEM chain
	PingKey         File          // with ping: PEM key
	DeviceClientID  string        // client of the device flow; empty offers no device flow
	SignedRequest   bool          // never without ClientKey
	DPoP            bool
	IDTokenAlgs     []string // accepted signature algorithms of ID tokens

	BootstrapClientID string   // client of a technician's sign-in; empty: the device cannot register itself
	BootstrapScope    []string // contains openid
	TechnicianClaim   string   // name=value of the claim that identifies technicians; empty offers no menu
	TechnicianScope   []string // contains openid

	APIURL       *url.URL // nil shows the validated claims
	ResultLayout File     // without data, the built-in layout

	Site          string
	Open          Hours    // nil is always
	Languages     []string // at least one; the first is the default
	Theme         string
	Logo          File              // PNG picture, not parsed
	Welcome       map[string]string // headline of the first screen by language; the empty key is for all others
	Accent        string            // #rrggbb; empty: the theme's
	Keypad        string            // "auto", "always" or "never"
	Touch         string            // "auto", "off", "90", "180" or "270"
	Font          string            // path of a console font, "keep", or empty: a complete one
	BlankAfter    time.Duration     // 0 is never
	Sound         bool              // the terminal's bell
	Mirror        string            // path of a Unix socket that sends the screens as text; empty is off
	ReadyLink     string            // address that the first screen shows as a QR code; empty shows none
	IdleTimeout   time.Duration
	ResultTimeout time.Duration

	StateDir  string
	Socket    string
	Retention time.Duration
	// StoreKey is the key file of the store. Without data, the store makes it at its Path on first start.
	StoreKey    File
	GuardPerson string // as ParseRate reads it
	GuardDevice string

	MetricsListen string // loopback address; empty is off
	LogLevel      slog.Level

	rows  []Row
	named []namedFile
}

// Rows returns every setting with its effective value and its origin, in the order of the documentation. It contains no
// secret.
func (s *Settings) Rows() []Row { return append([]Row(nil), s.rows...) }

// SubjectClaims returns the names of the ID token's claims of which one must equal the identifier: KIOSK_SUBJECT_CLAIM, or
// those that follow from the login hint and the kind of identifier. It returns nil if the check is switched off.
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

// IssSub reports whether the login hint has Auth0's JSON form {"format":"iss_sub","iss":…,"sub":…}, and returns the pattern
// of the subject.
func (s *Settings) IssSub() (subject string, ok bool) { return issSub(s.LoginHint) }

// HasAPI reports whether an API is called after approval.
func (s *Settings) HasAPI() bool { return s.APIURL != nil }
