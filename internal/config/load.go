package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"
)

const prefix = "KIOSK_"

// Load reads and checks all settings. It first copies the files' variables to the environment, except those that are
// already set there: the environment wins, then the earlier file.
//
// The Settings are never nil. With an error they contain the valid values, enough for `config show` and for provisioning
// but not for a visit. The error contains Problems (errors.As), possibly ErrNotProvisioned (errors.Is), and has a reason
// (kiosk.ReasonOf).
func Load(files ...*EnvFile) (*Settings, error) {
	l := loader{origin: map[string]string{}}
	for _, f := range files {
		l.fillEnvironment(f)
	}
	l.loadProvisioned()
	for _, section := range l.each() {
		if err := envconfig.Process("kiosk", section.fields); err != nil {
			l.rejectEnvironment(err)
		}
	}
	for _, f := range l.fields() {
		l.resolve(f)
	}
	s := l.settings()
	for _, f := range l.fields() {
		l.addRow(f)
	}
	s.rows, s.named = l.rows, l.named
	l.findUnknown()
	unregistered := l.checkRegistration(s)
	if l.unreadable != "" && slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Missing }) {
		unregistered = false // the registration may be in the file that this process may not read
		l.problems = append(slices.DeleteFunc(l.problems, func(p Problem) bool { return p.Missing }),
			Problem{Setting: prefix + "*", Cause: l.unreadable + ": cannot be opened: permission denied", Denied: true})
	}
	if len(l.problems) == 0 {
		return s, nil
	}
	if unregistered {
		return s, notProvisioned{l.problems}
	}
	return s, l.problems
}

// ProvisionedFile is the name of the environment file in the state directory to which a device that registered itself
// writes its settings if it may not write to /etc. Every other source of settings wins over it.
const ProvisionedFile = "provisioned.env"

// loadProvisioned reads the ProvisionedFile, if there is one.
func (l *loader) loadProvisioned() {
	dir := cmp.Or(firstDir(os.Getenv("STATE_DIRECTORY")), strings.TrimSpace(os.Getenv("KIOSK_STATE_DIR")), defaultStateDir())
	f, err := LoadFile(filepath.Join(dir, ProvisionedFile))
	switch {
	case err == nil:
		l.fillEnvironment(f)
	case errors.Is(err, fs.ErrPermission):
		l.unreadable = filepath.Join(dir, ProvisionedFile)
	case !errors.Is(err, fs.ErrNotExist):
		l.problems = append(l.problems, Problem{Setting: prefix + "*", Cause: err.Error()})
	}
}

// loader is the state of one Load.
type loader struct {
	sections
	origin     map[string]string // by variable; as in Row
	problems   Problems
	unreadable string // a file that this process may not read; it may contain the registration
	rows       []Row
	named      []namedFile
}

// fillEnvironment copies a file's settings to the environment, where envconfig reads them. The file's other variables are
// for systemd.
func (l *loader) fillEnvironment(f *EnvFile) {
	if f == nil {
		return
	}
	for _, v := range f.Vars {
		if strings.TrimSpace(os.Getenv(v.Name)) != "" || !strings.HasPrefix(v.Name, prefix) {
			continue // an empty variable counts as not set
		}
		if os.Setenv(v.Name, v.Value) == nil {
			l.origin[v.Name] = fmt.Sprintf("file %s:%d", f.Path, v.Line)
		}
	}
}

// rejectEnvironment adds a problem for an error of envconfig itself, which the fields never cause. The error's text is not
// used because it quotes the value.
func (l *loader) rejectEnvironment(err error) {
	p := Problem{Setting: prefix + "*", Cause: "the environment cannot be read"}
	var e *envconfig.ParseError
	if errors.As(err, &e) {
		p.Setting, p.Cause = e.KeyName, "cannot be read"
	}
	l.problems = append(l.problems, p)
}

// resolve completes one setting: it records the origin, applies the default of an empty variable, checks the range or the
// words in the tags, and reads the file.
func (l *loader) resolve(f entry) {
	c := f.field.base()
	if value, set := os.LookupEnv(f.Name); strings.TrimSpace(value) == "" {
		delete(l.origin, f.Name)
		if f.Default != "" {
			l.origin[f.Name] = "default"
			if set {
				_ = f.field.(envconfig.Decoder).Decode(f.Default) // stores its problem instead of returning it
			}
		}
	} else if l.origin[f.Name] == "" {
		l.origin[f.Name] = "environment"
	}
	switch v := f.field.(type) {
	case *choice:
		words := strings.Fields(f.tag.Get("oneof"))
		if c.problem == "" && c.text != "" && !slices.Contains(words, c.text) {
			c.suggestion = suggest(c.text, words, maxTypos)
			problem := "unknown value"
			if f.Name == "KIOSK_DELIVERY" && c.text == "push" {
				problem, c.suggestion = pushRefused, ""
			}
			c.reject(strings.Join(words, ", "), "%s", problem)
		}
	case *seconds:
		low, high := f.tag.Get("min"), f.tag.Get("max")
		if c.problem == "" && c.text != "" && (v.n < tagNumber(low) || v.n > tagNumber(high)) {
			c.reject(fmt.Sprintf("a number of seconds from %s to %s", low, high), "is out of range")
		}
	case *timespan:
		low, high := f.tag.Get("min"), f.tag.Get("max")
		if c.problem == "" && c.text != "" && (v.d < tagDuration(low) || v.d > tagDuration(high)) {
			c.reject(fmt.Sprintf("a duration from %s to %s", low, high), "is out of range")
		}
	case *path:
		// A Unix socket's address has 108 bytes, with the zero at its end (unix(7)).
		if most := tagNumber(f.tag.Get("max")); most > 0 && len(c.text) > most {
			c.reject(fmt.Sprintf("a path of at most %d bytes", most), "has %d bytes", len(c.text))
		}
	case *file:
		most := maxFile
		if own := tagNumber(f.tag.Get("max")); own > 0 {
			most = own
		}
		v.load(f.Credential, f.tag.Get("secret") != "", most)
		if v.read.Origin == "" && v.read.Path != "" {
			v.read.Origin = l.origin[f.Name]
		}
		if v.read.Origin != "" {
			l.origin[f.Name] = v.read.Origin
		}
	}
}

// pushRefused is the problem of the delivery mode push, which CIBA Core 5 defines.
const pushRefused = "push is refused: the server would send tokens to the device unasked, which FAPI-CIBA forbids"

// tagNumber and tagDuration parse the tags min and max, which a test checks.
func tagNumber(tag string) (n int) {
	_, _ = fmt.Sscan(tag, &n)
	return n
}

func tagDuration(tag string) time.Duration {
	d, _ := time.ParseDuration(tag)
	return d
}

// settings makes Settings of the checked fields.
func (l *loader) settings() *Settings {
	server, request, delivery, enrolment, screen, operation := &l.server, &l.request, &l.delivery, &l.enrolment, &l.screen, &l.operation
	s := &Settings{
		Issuer:               server.Issuer.valid(),
		ClientID:             server.ClientID.valid(),
		ClientAuth:           ClientAuth(server.ClientAuth.valid()),
		ClientSecret:         server.ClientSecretFile.read.Text(),
		ClientKey:            server.ClientKeyFile.read,
		ClientKeyID:          server.ClientKeyID.valid(),
		ClientCert:           server.ClientCertFile.read,
		CertKey:              server.ClientCertKeyFile.read,
		CA:                   server.CAFile.read,
		Profile:              server.Profile.valid(),
		Scope:                request.Scope.list,
		Audience:             request.Audience.valid(),
		Resource:             request.Resource.valid(),
		ACRValues:            request.ACRValues.list,
		AuthorizationDetails: request.AuthorizationDetails.valid(),
		Identifier:           Identifier(request.Identifier.valid()),
		ScanOnly:             request.Identify.valid() == "scan",
		LoginHint:            request.LoginHint.valid(),
		LookupURL:            request.LookupURL.url,
		SubjectClaim:         request.SubjectClaim.valid(),
		BindingMessage:       request.BindingMessage.valid(),
		RequestedExpiry:      time.Duration(request.RequestedExpiry.n) * time.Second,
		Delivery:             delivery.Delivery.valid(),
		PingListen:           delivery.PingListen.valid(),
		PingCert:             delivery.PingCertFile.read,
		PingKey:              delivery.PingKeyFile.read,
		DeviceClientID:       delivery.DeviceClientID.valid(),
		BootstrapClientID:    enrolment.BootstrapClientID.valid(),
		BootstrapScope:       enrolment.BootstrapScope.list,
		TechnicianClaim:      enrolment.TechnicianClaim.valid(),
		TechnicianScope:      enrolment.TechnicianScope.list,
		SignedRequest:        delivery.SignedRequest.on,
		DPoP:                 delivery.DPOP.on,
		IDTokenAlgs:          delivery.IDTokenAlgs.list,
		APIURL:               screen.ApiURL.url,
		ResultLayout:         screen.ResultLayout.read,
		Site:                 screen.Site.valid(),
		Open:                 screen.Open.week,
		Languages:            screen.Languages.list,
		Theme:                screen.Theme.valid(),
		Logo:                 screen.Logo.read,
		Welcome:              screen.Welcome.byLanguage,
		Accent:               screen.Accent.valid(),
		Keypad:               screen.Keypad.valid(),
		Touch:                screen.Touch.valid(),
		Font:                 screen.Font.valid(),
		BlankAfter:           screen.BlankAfter.d,
		Sound:                screen.Sound.on,
		Mirror:               screen.Mirror.valid(),
		ReadyLink:            screen.ReadyLink.valid(),
		IdleTimeout:          screen.IdleTimeout.d,
		ResultTimeout:        screen.ResultTimeout.d,
		StateDir:             operation.StateDir.valid(),
		Socket:               operation.Socket.valid(),
		Retention:            operation.Retention.d,
		StoreKey:             operation.StoreKeyFile.read,
		GuardPerson:          operation.GuardPerson.valid(),
		GuardDevice:          operation.GuardDevice.valid(),
		MetricsListen:        operation.MetricsListen.valid(),
		LogLevel:             operation.LogLevel.level,
	}
	if f := &l.server.ClientSecretFile; !isSendableSecret(s.ClientSecret) && f.problem == "" {
		f.reject("one line of visible ASCII characters (RFC 6749, appendix A.2)", "is not a client secret; perhaps it is the wrong file")
		s.ClientSecret = nil
	}
	l.derive(s)
	return s
}

// isSendableSecret reports whether a client secret can be sent, or is empty.
func isSendableSecret(secret []byte) bool {
	for _, c := range secret {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// derive sets the values that follow from other settings and from systemd's variables.
func (l *loader) derive(s *Settings) {
	set := func(name string, c *field, field *string, value, origin string) {
		c.text, c.problem, *field = value, "", value
		l.origin[name] = origin
	}
	if l.server.ClientAuth.text == "" {
		method := ClientSecretBasic
		if l.server.ClientKeyFile.isSet() {
			method = PrivateKeyJWT
		}
		set("KIOSK_CLIENT_AUTH", &l.server.ClientAuth.field, (*string)(&s.ClientAuth), string(method), "derived")
	}
	if l.screen.Site.text == "" {
		set("KIOSK_SITE", &l.screen.Site.field, &s.Site, defaultSite(), "derived")
	}
	if dir := firstDir(os.Getenv("STATE_DIRECTORY")); dir != "" {
		set("KIOSK_STATE_DIR", &l.operation.StateDir.field, &s.StateDir, dir, "environment STATE_DIRECTORY")
	}
	if l.operation.StateDir.text == "" {
		set("KIOSK_STATE_DIR", &l.operation.StateDir.field, &s.StateDir, defaultStateDir(), "derived")
	}
	if l.operation.Socket.text == "" {
		dir := cmp.Or(firstDir(os.Getenv("RUNTIME_DIRECTORY")), s.StateDir)
		if dir == packagedStateDir {
			dir = packagedRuntimeDir
		}
		set("KIOSK_SOCKET", &l.operation.Socket.field, &s.Socket, filepath.Join(dir, "kiosk.sock"), "derived")
	}
	if k := &l.operation.StoreKeyFile; k.read.Path == "" && k.problem == "" {
		k.read.Path, k.read.Origin = filepath.Join(s.StateDir, "store.key"), "derived"
		s.StoreKey = k.read
		l.origin["KIOSK_STORE_KEY_FILE"] = "derived"
	}
	if t := &l.enrolment.TechnicianScope; t.text == "" {
		for _, scope := range s.Scope {
			switch scope { // OpenID Connect Core 5.4
			case "openid", "profile", "email", "phone", "address":
				s.TechnicianScope = append(s.TechnicianScope, scope)
			}
		}
		t.text, l.origin["KIOSK_TECHNICIAN_SCOPE"] = strings.Join(s.TechnicianScope, " "), "derived"
	}
	if l.request.SubjectClaim.text == "" {
		l.request.SubjectClaim.text = strings.Join(s.SubjectClaims(), " or ")
		l.origin["KIOSK_SUBJECT_CLAIM"] = "derived"
	}
}

// The directories of the package's units. Tests replace them, and isRoot.
var (
	packagedStateDir   = "/var/lib/kiosk"
	packagedRuntimeDir = "/run/kiosk"
	isRoot             = func() bool { return os.Geteuid() == 0 }
)

// defaultStateDir returns the state directory if none is set: that of the package's units for root and where the package is
// installed, else one in the current directory. Root must not trust a file or a socket there, which may be anybody's.
func defaultStateDir() string {
	if _, err := os.Lstat(packagedStateDir); err == nil || isRoot() {
		return packagedStateDir
	}
	return "./state"
}

// firstDir returns the first directory of a list separated by colons, as systemd passes it.
func firstDir(dirs string) string {
	for dir := range strings.SplitSeq(dirs, ":") {
		if dir != "" {
			return filepath.Clean(dir)
		}
	}
	return ""
}

// Supervised reports whether a service manager that expects notifications started this process (sd_notify(3)). Then SIGHUP
// comes from the service manager and not from a closed terminal window.
func Supervised() bool { return os.Getenv("NOTIFY_SOCKET") != "" }

// ClearEnvironment removes the variables from the environment that still have their value from the file. systemd or an
// earlier Load set them, and the file is about to be read again.
func ClearEnvironment(f *EnvFile) {
	if f == nil {
		return
	}
	for _, v := range f.Vars {
		if strings.HasPrefix(v.Name, prefix) && os.Getenv(v.Name) == v.Value {
			_ = os.Unsetenv(v.Name)
		}
	}
}
