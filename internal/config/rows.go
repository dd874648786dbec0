package config

import (
	"os"
	"slices"
	"strings"
	"unicode"
)

// addRow adds a setting's row and its problem, if it has one.
func (l *loader) addRow(f entry) {
	c := f.field.base()
	value := ""
	switch v := f.field.(type) {
	case *file:
		value = v.displayPath()
	case *issuer, *endpoint, *link, *resource:
		value = shownAddress(c.text)
	default:
		value = c.text
	}
	origin := l.origin[f.Name]
	preset := f.Default
	if preset == "" {
		preset = f.Derived
	}
	l.rows = append(l.rows, Row{
		Name: f.Name, Value: oneLine(value), Origin: origin, Doc: f.Doc, Default: preset, Credential: f.Credential,
	})
	if _, ok := f.field.(*file); ok && c.text != "" && c.problem == "" {
		l.named = append(l.named, namedFile{setting: f.Name, path: c.text, origin: origin})
	}
	if c.problem != "" {
		secret, ok := f.field.(*file)
		l.problems = append(l.problems, Problem{
			Setting: f.Name, Value: shorten(value), Cause: c.problem, Allowed: c.allowed, Suggestion: c.suggestion, Origin: origin,
			Denied: c.denied, Sealed: ok && secret.read.Sealed,
		})
	}
}

// oneLine replaces invisible characters, which could move the cursor of a technician's terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// findUnknown reports every KIOSK_* variable that is not a setting, without its value, which may be a secret.
// envconfig.CheckDisallowed knows only one struct and stops at the first such variable.
func (l *loader) findUnknown() {
	var known []string
	for _, f := range l.fields() {
		known = append(known, f.Name)
	}
	var unknown []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, prefix) && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		p := Problem{Setting: oneLine(shorten(name)), Cause: "there is no such setting", Suggestion: suggest(name, known, anyDistance), Origin: l.origin[name]}
		if slices.Contains(known, name+"_FILE") {
			p.Cause = "a secret is never taken from a variable; use a file or a credential"
		}
		l.problems = append(l.problems, p)
	}
}

// checkRegistration reports the missing parts of the registration: the issuer, the client identifier, the credentials for
// the client authentication, and what ping mode needs. none reports that the device has no registration yet.
func (l *loader) checkRegistration(s *Settings) (none bool) {
	v := &l.server
	noSecret, noKey := !v.ClientSecretFile.isSet(), !v.ClientKeyFile.isSet()
	noCertKey := noKey && !v.ClientCertKeyFile.isSet()
	noFile := noSecret && noCertKey && !v.ClientCertFile.isSet()
	missing := func(setting, what, allowed string) {
		l.problems = append(l.problems, Problem{Setting: setting, Cause: what, Allowed: allowed, Missing: true})
	}
	secret := func(setting, what string, credentials ...string) {
		missing(setting, what+hiddenHint(), "a file, or the credential "+strings.Join(credentials, " or "))
	}
	if v.Issuer.text == "" {
		missing("KIOSK_ISSUER", "is missing", issuerAllowed)
	}
	if v.ClientID.text == "" {
		missing("KIOSK_CLIENT_ID", "is missing", tokenAllowed)
	}
	switch {
	case v.ClientAuth.problem != "": // reported already
	case noSecret && noKey && l.origin["KIOSK_CLIENT_AUTH"] == "derived":
		secret("KIOSK_CLIENT_KEY_FILE", "is missing, and so is KIOSK_CLIENT_SECRET_FILE", "client-key", "client-secret")
	case s.ClientAuth == PrivateKeyJWT && noKey:
		secret("KIOSK_CLIENT_KEY_FILE", "is missing: KIOSK_CLIENT_AUTH is private_key_jwt", "client-key")
	case s.ClientAuth.isMutualTLS() && noCertKey:
		secret("KIOSK_CLIENT_KEY_FILE", "is missing: KIOSK_CLIENT_AUTH is "+string(s.ClientAuth), "client-key")
	case s.ClientAuth.isMutualTLS() && !v.ClientCertFile.isSet():
		secret("KIOSK_CLIENT_CERT_FILE", "is missing: KIOSK_CLIENT_AUTH is "+string(s.ClientAuth), "client-cert")
	case (s.ClientAuth == ClientSecretBasic || s.ClientAuth == ClientSecretPost) && noSecret:
		secret("KIOSK_CLIENT_SECRET_FILE", "is missing: KIOSK_CLIENT_AUTH is "+string(s.ClientAuth), "client-secret")
	}
	if d := &l.delivery; s.Delivery == "ping" {
		for _, need := range []struct {
			setting, allowed string
			there            bool
		}{
			{"KIOSK_PING_LISTEN", "host:port", d.PingListen.text != ""},
			{"KIOSK_PING_CERT_FILE", "a file", d.PingCertFile.isSet()},
			{"KIOSK_PING_KEY_FILE", "a file", d.PingKeyFile.isSet()},
		} {
			if !need.there {
				missing(need.setting, "is missing: KIOSK_DELIVERY is ping", need.allowed)
			}
		}
	}
	if !noFile && noKey { // without a registration, its absence is the only problem
		if l.delivery.SignedRequest.on {
			secret("KIOSK_CLIENT_KEY_FILE", "is missing: KIOSK_SIGNED_REQUEST is true, and this key signs", "client-key")
		}
		if v.ClientCertFile.isSet() && noCertKey && !s.ClientAuth.isMutualTLS() {
			secret("KIOSK_CLIENT_KEY_FILE", "is missing: it is the key of KIOSK_CLIENT_CERT_FILE", "client-key")
		}
	}
	return v.ClientID.text == "" && noFile
}

// defaultSite returns the host name up to its first dot, without invisible characters.
func defaultSite() string {
	name, _ := os.Hostname() // on an error the name is empty
	name = strings.Map(func(r rune) rune {
		if r > '~' || r <= ' ' {
			return -1
		}
		return r
	}, name)
	name, _, _ = strings.Cut(name, ".") // the domain means nothing to customers
	if name == "" {
		return "kiosk"
	}
	return name[:min(len(name), 63)] // the longest label of a host name (RFC 1035)
}
