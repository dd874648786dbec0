package app

import (
	"cmp"
	"crypto/tls"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/api"
	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/mirror"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Check finds problems of valid settings that only the parts that use them can find: keys, certificates, layouts, names and
// paths. It opens no record and sends nothing.
func Check(s *config.Settings) error { return CheckAll(s, nil) }

// CheckAll returns all problems of the settings at once: loadErr, which is from loading them, and those that Check finds. A
// setting with a problem in loadErr is not examined again. As root it examines files with the rights of the kiosk's user.
func CheckAll(s *config.Settings, loadErr error) error {
	var loaded config.Problems
	if loadErr != nil && !errors.As(loadErr, &loaded) {
		return loadErr // the settings could not be read, so nothing is known of the others
	}
	c := &settingsCheck{App: newApp(s, slog.New(slog.DiscardHandler)), reported: map[string]bool{}}
	for _, p := range loaded {
		c.reported[p.Setting] = true
	}
	c.checkNames()
	c.checkFiles()
	c.checkServer()
	c.add(c.buildGuard())
	return config.Merge(loadErr, c.found)
}

// settingsCheck collects the problems of settings.
type settingsCheck struct {
	*App
	reported map[string]bool // settings with a problem
	found    config.Problems
}

// add adds the problem in err, if it is one of a setting without a problem so far.
func (c *settingsCheck) add(err error) {
	if err == nil {
		return
	}
	all, ok := err.(config.Problems)
	if joined, several := err.(interface{ Unwrap() []error }); several && !ok {
		for _, one := range joined.Unwrap() {
			c.add(one)
		}
		return
	}
	var e *kiosk.Error
	switch {
	case ok:
	case errors.As(err, &e) && e.Err != nil:
		all = config.Problems{c.settings.Problem(e.Operation, e.Err.Error())}
	default:
		all = config.Problems{{Setting: "settings", Cause: err.Error()}}
	}
	for _, p := range all {
		if !c.reported[p.Setting] {
			c.reported[p.Setting] = true
			c.found = append(c.found, p)
		}
	}
}

func (c *settingsCheck) checkNames() {
	c.add(c.openCatalogs())
	c.add(c.buildFace())
}

// checkFiles examines the files and paths that the settings name, with the rights of the kiosk's user.
func (c *settingsCheck) checkFiles() {
	s := c.settings
	user, isOther := host.FindServiceUser(s.StateDir)
	if isOther {
		unreadable, err := s.UnreadableFiles(user.Name, user.Do)
		if err != nil {
			c.add(kiosk.Fail(kiosk.Internal, "files", err))
		}
		if unreadable != nil {
			c.add(unreadable)
		}
	}
	err := user.Do(func() {
		if s.Font != "" && s.Font != tui.KeepFont {
			c.addSetting("KIOSK_FONT", font.CheckFile(s.Font))
		}
		// The unit makes the folder of the socket when it starts.
		if s.Mirror != "" && filepath.Dir(s.Mirror) != filepath.Dir(s.Socket) {
			c.addSetting("KIOSK_MIRROR", mirror.CheckPath(s.Mirror))
		}
	})
	if err != nil {
		c.add(kiosk.Fail(kiosk.Internal, "files", err))
	}
	if s.ResultLayout.IsSet() {
		_, err := api.ParseLayout(s.ResultLayout.Path, s.ResultLayout.Data)
		c.addSetting("KIOSK_RESULT_LAYOUT", err)
	}
}

// addSetting adds the problem of one setting.
func (c *settingsCheck) addSetting(name string, err error) {
	if err != nil {
		c.add(kiosk.Fail(kiosk.Misconfigured, name, err))
	}
}

// checkServer examines what authenticates this client, and the settings of its requests.
func (c *settingsCheck) checkServer() {
	s := c.settings
	roots, err := s.Roots()
	c.add(err)
	c.buildClock()
	credentials := c.checkCredentials()
	if s.ClientID != "" && !c.reported["KIOSK_CLIENT_SECRET_FILE"] && !c.reported["KIOSK_CLIENT_KEY_FILE"] && !c.reported["KIOSK_CLIENT_CERT_FILE"] && !c.reported["KIOSK_CLIENT_AUTH"] {
		c.auth, err = oidc.NewClientAuth(credentials)
		c.add(err)
	}
	c.transport = oidc.NewTransport(oidc.TransportOptions{Roots: roots, Clock: c.time})
	var dpop *oidc.DPoP
	if s.DPoP {
		dpop = oidc.NewDPoP(c.time.Now)
	}
	config := c.clientConfig(credentials, dpop)
	c.checkClient(config)
	if s.TechnicianClaim != "" {
		c.checkClient(technicianConfig(config, s))
	}
	if s.APIURL != nil {
		_, err := api.New(api.Options{URL: s.APIURL, Transport: c.transport})
		c.addSetting("KIOSK_API_URL", err)
	}
}

// checkCredentials parses each of the keys and certificates, and returns those that are valid.
func (c *settingsCheck) checkCredentials() oidc.AuthOptions {
	s := c.settings
	o := oidc.AuthOptions{Method: string(s.ClientAuth), ClientID: s.ClientID, Secret: s.ClientSecret, Now: c.time.Now}
	var err error
	if s.ClientKey.IsSet() {
		o.Key, err = oidc.ParseClientKey(s.ClientKey.Data)
		c.addSetting("KIOSK_CLIENT_KEY_FILE", err)
	}
	if s.Delivery == "ping" && s.PingCert.IsSet() && s.PingKey.IsSet() {
		_, err := tls.X509KeyPair(s.PingCert.Data, s.PingKey.Data)
		c.addSetting("KIOSK_PING_CERT_FILE and KIOSK_PING_KEY_FILE", err)
	}
	if s.ClientCert.IsSet() && o.Key != nil {
		o.Certificate, err = oidc.ParseCertificate(s.ClientCert.Data, o.Key)
		c.addSetting("KIOSK_CLIENT_CERT_FILE", err)
	}
	if s.ClientCert.IsSet() && s.Issuer != "" && !strings.HasPrefix(s.Issuer, "https:") {
		c.addSetting("KIOSK_CLIENT_CERT_FILE", errMTLSNeedsTLS)
	}
	return o
}

// checkClient examines the settings of requests. ciba.New reports one problem at a time; a setting with a problem is then
// replaced by a valid value.
func (c *settingsCheck) checkClient(o ciba.Config) {
	if o.Auth == nil {
		o.Auth, _ = oidc.NewClientAuth(oidc.AuthOptions{Method: oidc.SecretBasic, ClientID: "check", Secret: kiosk.Secret("check")})
	}
	o.ClientID, o.Issuer = cmp.Or(o.ClientID, "check"), cmp.Or(o.Issuer, "https://localhost") // loading reports what is missing
	for range len(validValues) + 1 {
		_, err := ciba.New(o)
		var e *kiosk.Error
		if !errors.As(err, &e) {
			return
		}
		replace := validValues[e.Operation]
		if !c.reported[e.Operation] {
			c.add(err)
		}
		if replace == nil {
			return
		}
		replace(&o)
	}
}

// validValues replace the settings that ciba.New examines.
var validValues = map[string]func(*ciba.Config){
	"KIOSK_ISSUER":                func(c *ciba.Config) { c.Issuer = "https://localhost" },
	"KIOSK_SCOPE":                 func(c *ciba.Config) { c.Scope = "openid" },
	"KIOSK_LOOKUP_URL":            func(c *ciba.Config) { c.LookupURL = "" },
	"KIOSK_BINDING_MESSAGE":       func(c *ciba.Config) { c.BindingMessage = "{code}" },
	"KIOSK_REQUESTED_EXPIRY":      func(c *ciba.Config) { c.RequestedExpiry = 0 },
	"KIOSK_LOGIN_HINT":            func(c *ciba.Config) { c.LoginHint = "{identifier}" },
	"KIOSK_SUBJECT_CLAIM":         func(c *ciba.Config) { c.SubjectClaim = "sub" },
	"KIOSK_TECHNICIAN_CLAIM":      func(c *ciba.Config) { c.RequiredClaim = "" },
	"KIOSK_SIGNED_REQUEST":        func(c *ciba.Config) { c.SignKey = nil },
	"KIOSK_AUTHORIZATION_DETAILS": func(c *ciba.Config) { c.AuthorizationDetails = "" },
	"KIOSK_PROFILE":               func(c *ciba.Config) { c.Profile = "" },
}
