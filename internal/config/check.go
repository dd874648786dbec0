package config

import (
	"os"
	"slices"
	"strings"
	"unicode"
)

// report turns a field into its row and its problem.
func (l *loader) report(f field) {
	c := f.cell.base()
	value := ""
	switch v := f.cell.(type) {
	case *file:
		value = v.shown()
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
	if c.what != "" {
		secret, ok := f.cell.(*file)
		l.problems = append(l.problems, Problem{
			Setting: f.Name, Value: quotable(value), What: c.what, Allowed: c.allowed, Near: c.near, Origin: origin,
			Denied: c.denied, Sealed: ok && secret.read.Sealed,
		})
	}
}

// oneLine keeps a value from moving the cursor of a technician's terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// unknown finds every KIOSK_* variable that is no setting. envconfig's own
// CheckDisallowed knows one struct only and stops at the first find. The value is
// never told: it is most likely to be a secret where the name is wrong.
func (l *loader) unknown() {
	var known []string
	for _, f := range l.fields() {
		known = append(known, f.Name)
	}
	var strange []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, prefix) && !slices.Contains(known, name) {
			strange = append(strange, name)
		}
	}
	slices.Sort(strange)
	for _, name := range strange {
		p := Problem{Setting: oneLine(quotable(name)), What: "there is no such setting", Near: nearest(name, known, anySlip), Origin: l.origin[name]}
		if slices.Contains(known, name+"_FILE") {
			p.What = "a secret is never taken from a variable, only from a file or a credential"
		}
		l.problems = append(l.problems, p)
	}
}

// registration checks that issuer, client identifier and a credential that fits
// the way of authentication are there. It says whether nothing of them is.
func (l *loader) registration(s *Settings) (nothing bool) {
	v := &l.server
	noSecret, noKey := !v.ClientSecretFile.named(), !v.ClientKeyFile.named()
	noFile := noSecret && noKey && !v.ClientCertFile.named()
	missing := func(setting, what, allowed string) {
		l.problems = append(l.problems, Problem{Setting: setting, What: what, Allowed: allowed, Missing: true})
	}
	secret := func(setting, what string, credentials ...string) {
		missing(setting, what+unseen(), "a file, or the credential "+strings.Join(credentials, " or "))
	}
	if v.Issuer.text == "" {
		missing("KIOSK_ISSUER", "is missing", issuerAllowed)
	}
	if v.ClientID.text == "" {
		missing("KIOSK_CLIENT_ID", "is missing", visible)
	}
	switch {
	case v.ClientAuth.what != "": // told already
	case noSecret && noKey && l.origin["KIOSK_CLIENT_AUTH"] == "derived":
		secret("KIOSK_CLIENT_KEY_FILE", "is missing, and so is KIOSK_CLIENT_SECRET_FILE", "client-key", "client-secret")
	case s.ClientAuth == PrivateKeyJWT && noKey:
		secret("KIOSK_CLIENT_KEY_FILE", "is missing: KIOSK_CLIENT_AUTH is private_key_jwt", "client-key")
	case s.ClientAuth.mutual() && noKey:
		secret("KIOSK_CLIENT_KEY_FILE", "is missing: KIOSK_CLIENT_AUTH is "+string(s.ClientAuth), "client-key")
	case s.ClientAuth.mutual() && !v.ClientCertFile.named():
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
			{"KIOSK_PING_CERT_FILE", "a file", d.PingCertFile.named()},
			{"KIOSK_PING_KEY_FILE", "a file", d.PingKeyFile.named()},
		} {
			if !need.there {
				missing(need.setting, "is missing: KIOSK_DELIVERY is ping", need.allowed)
			}
		}
	}
	if !noFile && noKey { // without a registration there is nothing to complain of yet
		if l.delivery.SignedRequest.on {
			secret("KIOSK_CLIENT_KEY_FILE", "is missing: KIOSK_SIGNED_REQUEST is true, and it is the key that signs", "client-key")
		}
		if v.ClientCertFile.named() && !s.ClientAuth.mutual() {
			secret("KIOSK_CLIENT_KEY_FILE", "is missing: KIOSK_CLIENT_CERT_FILE is of no use without its key", "client-key")
		}
	}
	// A device that knows its server and who may set it up there is as good as new, too.
	return v.ClientID.text == "" && noFile && (v.Issuer.text == "" || s.BootstrapClientID != "")
}

// hostName is the default site: the device's name, without what could not be shown.
func hostName() string {
	name, _ := os.Hostname() // no name is as good as an unusable one
	name = strings.Map(func(r rune) rune {
		if r > '~' || r <= ' ' {
			return -1
		}
		return r
	}, name)
	name, _, _ = strings.Cut(name, ".") // customers do not care for the domain
	if name == "" {
		return "kiosk"
	}
	return name[:min(len(name), 63)] // the most that a label of a host name has (RFC 1035)
}
