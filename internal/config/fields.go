package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxValue is the largest number of bytes in a variable. The longest useful value is KIOSK_AUTHORIZATION_DETAILS.
const maxValue = 4096

// maxText is the largest number of bytes in a text that people read, and in one token.
const maxText = 512

// field is what all field types have in common: the value as written, and its problem.
type field struct {
	text       string // effective value without surrounding white space; empty if not set
	problem    string // empty if the value is valid
	allowed    string // what would be valid
	suggestion string // the similar valid word; may be empty
	denied     bool   // the file exists, but this process may not read it
}

func (c *field) base() *field { return c }

// valid returns the value, or an empty string if it has a problem.
func (c *field) valid() string {
	if c.problem != "" {
		return ""
	}
	return c.text
}

// reject stores a problem. It always returns nil, so that envconfig goes on to the next field.
func (c *field) reject(allowed, problem string, args ...any) error {
	c.allowed, c.problem = allowed, fmt.Sprintf(problem, args...)
	return nil
}

// accept stores the value and reports whether there is one to check further.
func (c *field) accept(s string) bool {
	*c = field{text: strings.TrimSpace(s)}
	switch {
	case c.text == "":
		return false
	case len(c.text) > maxValue:
		c.reject(fmt.Sprintf("at most %d bytes", maxValue), "has %d bytes", len(c.text))
	case !utf8.ValidString(c.text):
		c.reject("UTF-8 text", "is not UTF-8")
	case strings.ContainsFunc(c.text, func(r rune) bool { return !unicode.IsPrint(r) }):
		c.reject("visible characters", "contains a control character or an invisible character")
	}
	return c.problem == ""
}

// freeText is a text for people.
type freeText struct{ field }

func (p *freeText) Decode(s string) error {
	if p.accept(s) && len(p.text) > maxText {
		return p.reject(textAllowed, "has %d bytes", len(p.text))
	}
	return nil
}

// jsonList is a JSON array. Package ciba checks its elements.
type jsonList struct{ field }

func (j *jsonList) Decode(s string) error {
	if !j.accept(s) {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal([]byte(j.text), &list) != nil || len(list) == 0 {
		return j.reject(jsonListAllowed, "is not a JSON array, or is empty")
	}
	return nil
}

// choice is one of the words of the field's oneof tag. Load compares them.
type choice struct{ field }

func (w *choice) Decode(s string) error { w.accept(s); return nil }

// shortName is a name in lower case. Another package has the list of valid names.
type shortName struct{ field }

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func (n *shortName) Decode(s string) error {
	if n.accept(s) && !namePattern.MatchString(n.text) {
		return n.reject(nameAllowed, "is not such a name")
	}
	return nil
}

// token is one word of visible ASCII characters (RFC 6749 appendix A: VSCHAR without the space).
type token struct{ field }

// isToken reports whether s is a token.
func isToken(s string) bool {
	return s != "" && len(s) <= maxText && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (t *token) Decode(s string) error {
	if t.accept(s) && !isToken(t.text) {
		return t.reject(tokenAllowed, "contains other characters or is too long")
	}
	return nil
}

// claimValue is a claim and its required value, as name=value.
type claimValue struct{ field }

func (c *claimValue) Decode(s string) error {
	if c.accept(s) {
		if i := strings.LastIndexByte(c.text, '='); i < 1 || i == len(c.text)-1 {
			return c.reject(claimAllowed, "is not name=value")
		}
	}
	return nil
}

// tokens is a list of tokens, separated by spaces.
type tokens struct {
	field
	list []string
}

func (t *tokens) Decode(s string) error {
	t.list = nil
	if !t.accept(s) {
		return nil
	}
	t.list = strings.Fields(t.text)
	for _, one := range t.list {
		if !isToken(one) {
			return t.reject(tokensAllowed, "one word contains other characters or is too long")
		}
	}
	return nil
}

// algorithms is a list of signature algorithms, separated by spaces or commas.
type algorithms struct {
	field
	list []string
}

// signatureAlgorithms are the asymmetric algorithms of ID tokens (RFC 7518, section 3.1; RFC 8037).
var signatureAlgorithms = []string{"PS256", "ES256", "EdDSA", "RS256", "PS384", "PS512", "ES384", "ES512", "RS384", "RS512"}

func (a *algorithms) Decode(s string) error {
	a.list = nil
	if !a.accept(s) {
		return nil
	}
	a.list = strings.FieldsFunc(a.text, func(r rune) bool { return r == ' ' || r == ',' })
	for _, one := range a.list {
		if !slices.Contains(signatureAlgorithms, one) {
			a.suggestion = suggest(one, signatureAlgorithms, maxTypos)
			return a.reject(strings.Join(signatureAlgorithms, ", "), "one entry is not a supported algorithm")
		}
	}
	return nil
}

// welcome is the owner's text, or one for each language.
type welcome struct {
	field
	byLanguage map[string]string // the empty key is for all others
}

// maxWelcome is the longest text of a language in characters: more are no headline.
const maxWelcome = 60

func (w *welcome) Decode(s string) error {
	w.byLanguage = nil
	if !w.accept(s) {
		return nil
	}
	w.byLanguage = map[string]string{}
	for part := range strings.SplitSeq(w.text, "|") {
		code, text, found := strings.Cut(part, ":")
		code, text = strings.TrimSpace(code), strings.TrimSpace(text)
		if !found || !languagePattern.MatchString(code) {
			code, text = "", strings.TrimSpace(part)
		}
		_, twice := w.byLanguage[code]
		switch {
		case text == "":
			return w.reject(welcomeAllowed, "one text is empty")
		case utf8.RuneCountInString(text) > maxWelcome:
			return w.reject(welcomeAllowed, "one text has more than %d characters", maxWelcome)
		case twice:
			return w.reject(welcomeAllowed, "there are two texts for one language")
		}
		w.byLanguage[code] = text
	}
	return nil
}

// rgb is a colour in the form #rrggbb. Package tui checks whether it can be read.
type rgb struct{ field }

var rgbPattern = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

func (c *rgb) Decode(s string) error {
	if c.accept(s) && !rgbPattern.MatchString(c.text) {
		return c.reject(colourAllowed, "is not of the form #rrggbb")
	}
	return nil
}

// scopes is a list of scopes that contains openid. Without openid the server issues no ID token, so the approver could not
// be checked (CIBA Core 7.1).
type scopes struct {
	field
	list []string
}

func (t *scopes) Decode(s string) error {
	t.list = nil
	if !t.accept(s) {
		return nil
	}
	t.list = strings.Fields(t.text)
	openid := false
	for _, one := range t.list {
		// RFC 6749 3.3: scope-token
		if !isToken(one) || strings.ContainsAny(one, `"\`) {
			return t.reject(scopesAllowed, "one scope contains a character that is not allowed in scopes")
		}
		openid = openid || one == "openid"
	}
	if !openid {
		return t.reject(scopesAllowed, "openid is missing")
	}
	return nil
}

// flag is a boolean value.
type flag struct {
	field
	on bool
}

func (f *flag) Decode(s string) error {
	f.on = false
	if !f.accept(s) {
		return nil
	}
	on, err := strconv.ParseBool(f.text)
	if err != nil {
		return f.reject(flagAllowed, "is neither true nor false")
	}
	f.on = on
	return nil
}

// seconds is a whole number of seconds without a unit. Load checks its range.
type seconds struct {
	field
	n int
}

func (n *seconds) Decode(s string) error {
	n.n = 0
	if !n.accept(s) {
		return nil
	}
	v, err := strconv.Atoi(n.text)
	if err != nil {
		return n.reject("a whole number of seconds without a unit", "is not a whole number")
	}
	n.n = v
	return nil
}

// timespan is a duration with a unit. Load checks its range.
type timespan struct {
	field
	d time.Duration
}

func (d *timespan) Decode(s string) error {
	d.d = 0
	if !d.accept(s) {
		return nil
	}
	v, err := time.ParseDuration(d.text)
	if err != nil {
		return d.reject("a number with a unit, such as 90s, 10m or 720h", "is not a duration")
	}
	d.d = v
	return nil
}

// languages is a list of language tags, separated by commas (RFC 5646, the usual forms).
type languages struct {
	field
	list []string
}

// maxLanguages is what the ready screen has room for.
const maxLanguages = 16

var languagePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

func (l *languages) Decode(s string) error {
	l.list = nil
	if !l.accept(s) {
		return nil
	}
	seen := map[string]bool{}
	for one := range strings.SplitSeq(l.text, ",") {
		one = strings.TrimSpace(one)
		if !languagePattern.MatchString(one) {
			return l.reject(languagesAllowed, "one entry is not a language code")
		}
		if seen[one] {
			return l.reject(languagesAllowed, "one language occurs twice")
		}
		seen[one] = true
		l.list = append(l.list, one)
	}
	if len(l.list) > maxLanguages {
		return l.reject(languagesAllowed, "has %d languages", len(l.list))
	}
	return nil
}

// level is the least severe level that is logged.
type level struct {
	field
	level slog.Level
}

func (l *level) Decode(s string) error {
	l.level = slog.LevelInfo
	if !l.accept(s) {
		return nil
	}
	switch l.text {
	case "debug", "info", "warn", "error":
		return l.level.UnmarshalText([]byte(l.text))
	}
	l.suggestion = suggest(l.text, []string{"debug", "info", "warn", "error"}, maxTypos)
	return l.reject(levelAllowed, "unknown level")
}

// path is the path of a file or directory that need not exist yet.
type path struct{ field }

func (p *path) Decode(s string) error { p.accept(s); return nil }

// loopbackAddress is a host:port that only this device can reach.
type loopbackAddress struct{ listenAddress }

func (l *loopbackAddress) Decode(s string) error {
	if err := l.listenAddress.Decode(s); err != nil || l.problem != "" || l.text == "" {
		return err
	}
	host, _, _ := net.SplitHostPort(l.text)
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return l.reject(loopbackAllowed, "other machines could connect to it")
	}
	return nil
}

// listenAddress is a host:port to listen at.
type listenAddress struct{ field }

// Decode accepts the ports 0 to 65535; with 0 the system chooses one.
func (l *listenAddress) Decode(s string) error {
	if !l.accept(s) {
		return nil
	}
	_, port, err := net.SplitHostPort(l.text)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return l.reject(listenAllowed, "is not an address to listen at")
	}
	return nil
}

// file is the path of a file. Load reads the file (files.go).
type file struct {
	field
	read File
}

func (f *file) Decode(s string) error { f.read = File{}; f.accept(s); return nil }
