package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxValue is the most bytes that a variable may hold. The longest sensible one
// is a JSON of authorization details.
const maxValue = 4096

// cell is the part that all fields of the sections share: the value as written
// and what is wrong with it.
type field struct {
	text       string // effective value, without white space around it; empty: not set
	problem    string // the problem; empty: none
	allowed    string // what would be right
	suggestion string // the allowed word that was perhaps meant
	denied     bool   // the file is there, and not for this process
}

func (c *field) base() *field { return c }

// reject keeps a problem. It never fails, so that envconfig goes on to the next field.
func (c *field) reject(allowed, what string, args ...any) error {
	c.allowed, c.problem = allowed, fmt.Sprintf(what, args...)
	return nil
}

// accept keeps the value and says whether there is one to look at further.
func (c *field) accept(s string) bool {
	*c = field{text: strings.TrimSpace(s)}
	switch {
	case c.text == "":
		return false
	case len(c.text) > maxValue:
		c.reject(fmt.Sprintf("at most %d bytes", maxValue), "it is %d bytes long", len(c.text))
	case !utf8.ValidString(c.text):
		c.reject("UTF-8 text", "it is not UTF-8")
	case strings.ContainsFunc(c.text, func(r rune) bool { return !unicode.IsPrint(r) }):
		c.reject("characters that can be seen", "it holds a control or invisible character")
	}
	return c.problem == ""
}

// printable is any text that can be seen, for people: at most 512 bytes.
type freeText struct{ field }

func (p *freeText) Decode(s string) error {
	if p.accept(s) && len(p.text) > 512 {
		return p.reject("at most 512 bytes", "it is %d bytes long", len(p.text))
	}
	return nil
}

// jsonList is a JSON array; what may be in it is another package's to say.
type jsonList struct{ field }

func (j *jsonList) Decode(s string) error {
	if !j.accept(s) {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal([]byte(j.text), &list) != nil || len(list) == 0 {
		return j.reject("a JSON array of objects that have a type (RFC 9396)", "that is no JSON array, or an empty one")
	}
	return nil
}

// word is one of the words of the field's oneof tag, which Load compares.
type choice struct{ field }

func (w *choice) Decode(s string) error { w.accept(s); return nil }

// name is a short lower-case name whose list another package keeps.
type shortName struct{ field }

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func (n *shortName) Decode(s string) error {
	if n.accept(s) && !namePattern.MatchString(n.text) {
		return n.reject("a name of a to z, 0 to 9 and -", "that is no such name")
	}
	return nil
}

// token is one word of visible ASCII characters (VSCHAR of RFC 6749, appendix A, but no space).
type token struct{ field }

const tokenAllowed = "visible ASCII characters without a space, at most 512"

func isToken(s string) bool {
	return s != "" && len(s) <= 512 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (t *token) Decode(s string) error {
	if t.accept(s) && !isToken(t.text) {
		return t.reject(tokenAllowed, "it holds other characters or is too long")
	}
	return nil
}

// claim is a claim and the value that it must have, with = between.
type claimValue struct{ field }

func (c *claimValue) Decode(s string) error {
	if c.accept(s) {
		if i := strings.LastIndexByte(c.text, '='); i < 1 || i == len(c.text)-1 {
			return c.reject("a claim, = and the value that it must have, as roles=kiosk-technician", "that is not of this form")
		}
	}
	return nil
}

// tokens is a list of them with spaces between.
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
			return t.reject("words of visible ASCII characters with spaces between", "one word holds other characters or is too long")
		}
	}
	return nil
}

// scopes is a list of scope tokens with openid among them: without it no ID
// token comes, and nothing could be checked (CIBA Core, section 7.1).
type scopes struct {
	field
	list []string
}

func (t *scopes) Decode(s string) error {
	const allowed = "scopes with spaces between, openid among them"
	t.list = nil
	if !t.accept(s) {
		return nil
	}
	t.list = strings.Fields(t.text)
	openid := false
	for _, one := range t.list {
		// scope-token of RFC 6749, section 3.3.
		if !isToken(one) || strings.ContainsAny(one, `"\`) {
			return t.reject(allowed, "one scope holds characters that no scope may have")
		}
		openid = openid || one == "openid"
	}
	if !openid {
		return t.reject(allowed, "openid is missing")
	}
	return nil
}

// flag is yes or no.
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
		return f.reject("true or false", "it is neither true nor false")
	}
	f.on = on
	return nil
}

// seconds is a whole number of seconds without a unit. Load checks the bounds.
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
		return n.reject("a whole number of seconds without a unit", "that is no whole number")
	}
	n.n = v
	return nil
}

// span is a duration. Load checks the bounds.
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
		return d.reject("a number with its unit, as in 90s, 10m or 720h", "that is no duration")
	}
	d.d = v
	return nil
}

// languages is a list of language tags (RFC 5646, its usual forms) with commas between.
type languages struct {
	field
	list []string
}

var languagePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

func (l *languages) Decode(s string) error {
	const allowed = "language codes with commas between, as in en,de, each once and sixteen at most"
	l.list = nil
	if !l.accept(s) {
		return nil
	}
	seen := map[string]bool{}
	for one := range strings.SplitSeq(l.text, ",") {
		one = strings.TrimSpace(one)
		if !languagePattern.MatchString(one) {
			return l.reject(allowed, "one of them is no language code")
		}
		if seen[one] {
			return l.reject(allowed, "one of them is there twice")
		}
		seen[one] = true
		l.list = append(l.list, one)
	}
	if len(l.list) > 16 { // more than fit on the ready screen
		return l.reject(allowed, "there are too many")
	}
	return nil
}

// level is the least severe thing that is logged.
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
	return l.reject("debug, info, warn, error", "that is no such level")
}

// path names a file or folder that need not exist yet.
type path struct{ field }

func (p *path) Decode(s string) error { p.accept(s); return nil }

// nearby is host:port of this device only.
type loopbackAddress struct{ listenAddress }

func (l *loopbackAddress) Decode(s string) error {
	if err := l.listenAddress.Decode(s); err != nil || l.problem != "" || l.text == "" {
		return err
	}
	host, _, _ := net.SplitHostPort(l.text)
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return l.reject("a loopback address with a port, as 127.0.0.1:9100", "others could read there")
	}
	return nil
}

// listen is host:port.
type listenAddress struct{ field }

// Decode wants a port that there can be; 0 lets the system choose one.
func (l *listenAddress) Decode(s string) error {
	if !l.accept(s) {
		return nil
	}
	_, port, err := net.SplitHostPort(l.text)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return l.reject("host:port", "that is no address to listen at")
	}
	return nil
}

// file is a path to a file that is read at once, in files.go.
type file struct {
	field
	read File
}

func (f *file) Decode(s string) error { f.read = File{}; f.accept(s); return nil }
