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
type cell struct {
	text    string // effective value, without white space around it; empty: not set
	what    string // the problem; empty: none
	allowed string // what would be right
	near    string // the allowed word that was perhaps meant
	denied  bool   // the file is there, and not for this process
}

func (c *cell) base() *cell { return c }

// bad keeps a problem. It never fails, so that envconfig goes on to the next field.
func (c *cell) bad(allowed, what string, args ...any) error {
	c.allowed, c.what = allowed, fmt.Sprintf(what, args...)
	return nil
}

// take keeps the value and says whether there is one to look at further.
func (c *cell) take(s string) bool {
	*c = cell{text: strings.TrimSpace(s)}
	switch {
	case c.text == "":
		return false
	case len(c.text) > maxValue:
		c.bad(fmt.Sprintf("at most %d bytes", maxValue), "it is %d bytes long", len(c.text))
	case !utf8.ValidString(c.text):
		c.bad("UTF-8 text", "it is not UTF-8")
	case strings.ContainsFunc(c.text, func(r rune) bool { return !unicode.IsPrint(r) }):
		c.bad("characters that can be seen", "it holds a control or invisible character")
	}
	return c.what == ""
}

// printable is any text that can be seen, for people: at most 512 bytes.
type printable struct{ cell }

func (p *printable) Decode(s string) error {
	if p.take(s) && len(p.text) > 512 {
		return p.bad("at most 512 bytes", "it is %d bytes long", len(p.text))
	}
	return nil
}

// jsonList is a JSON array; what may be in it is another package's to say.
type jsonList struct{ cell }

func (j *jsonList) Decode(s string) error {
	if !j.take(s) {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal([]byte(j.text), &list) != nil || len(list) == 0 {
		return j.bad("a JSON array of objects that have a type (RFC 9396)", "that is no JSON array, or an empty one")
	}
	return nil
}

// word is one of the words of the field's oneof tag, which Load compares.
type word struct{ cell }

func (w *word) Decode(s string) error { w.take(s); return nil }

// name is a short lower-case name whose list another package keeps.
type name struct{ cell }

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func (n *name) Decode(s string) error {
	if n.take(s) && !nameForm.MatchString(n.text) {
		return n.bad("a name of a to z, 0 to 9 and -", "that is no such name")
	}
	return nil
}

// token is one word of visible ASCII characters (VSCHAR of RFC 6749, appendix A, but no space).
type token struct{ cell }

const visible = "visible ASCII characters without a space, at most 512"

func isToken(s string) bool {
	return s != "" && len(s) <= 512 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (t *token) Decode(s string) error {
	if t.take(s) && !isToken(t.text) {
		return t.bad(visible, "it holds other characters or is too long")
	}
	return nil
}

// claim is a claim and the value that it must have, with = between.
type claim struct{ cell }

func (c *claim) Decode(s string) error {
	if c.take(s) {
		if i := strings.LastIndexByte(c.text, '='); i < 1 || i == len(c.text)-1 {
			return c.bad("a claim, = and the value that it must have, as roles=kiosk-technician", "that is not of this form")
		}
	}
	return nil
}

// tokens is a list of them with spaces between.
type tokens struct {
	cell
	list []string
}

func (t *tokens) Decode(s string) error {
	t.list = nil
	if !t.take(s) {
		return nil
	}
	t.list = strings.Fields(t.text)
	for _, one := range t.list {
		if !isToken(one) {
			return t.bad("words of visible ASCII characters with spaces between", "one word holds other characters or is too long")
		}
	}
	return nil
}

// scopes is a list of scope tokens with openid among them: without it no ID
// token comes, and nothing could be checked (CIBA Core, section 7.1).
type scopes struct {
	cell
	list []string
}

func (t *scopes) Decode(s string) error {
	const allowed = "scopes with spaces between, openid among them"
	t.list = nil
	if !t.take(s) {
		return nil
	}
	t.list = strings.Fields(t.text)
	openid := false
	for _, one := range t.list {
		// scope-token of RFC 6749, section 3.3.
		if !isToken(one) || strings.ContainsAny(one, `"\`) {
			return t.bad(allowed, "one scope holds characters that no scope may have")
		}
		openid = openid || one == "openid"
	}
	if !openid {
		return t.bad(allowed, "openid is missing")
	}
	return nil
}

// flag is yes or no.
type flag struct {
	cell
	on bool
}

func (f *flag) Decode(s string) error {
	f.on = false
	if !f.take(s) {
		return nil
	}
	on, err := strconv.ParseBool(f.text)
	if err != nil {
		return f.bad("true or false", "it is neither true nor false")
	}
	f.on = on
	return nil
}

// seconds is a whole number of seconds without a unit. Load checks the bounds.
type seconds struct {
	cell
	n int
}

func (n *seconds) Decode(s string) error {
	n.n = 0
	if !n.take(s) {
		return nil
	}
	v, err := strconv.Atoi(n.text)
	if err != nil {
		return n.bad("a whole number of seconds without a unit", "that is no whole number")
	}
	n.n = v
	return nil
}

// span is a duration. Load checks the bounds.
type span struct {
	cell
	d time.Duration
}

func (d *span) Decode(s string) error {
	d.d = 0
	if !d.take(s) {
		return nil
	}
	v, err := time.ParseDuration(d.text)
	if err != nil {
		return d.bad("a number with its unit, as in 90s, 10m or 720h", "that is no duration")
	}
	d.d = v
	return nil
}

// languages is a list of language tags (RFC 5646, its usual forms) with commas between.
type languages struct {
	cell
	list []string
}

var languageForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

func (l *languages) Decode(s string) error {
	const allowed = "language codes with commas between, as in en,de, each once and sixteen at most"
	l.list = nil
	if !l.take(s) {
		return nil
	}
	seen := map[string]bool{}
	for one := range strings.SplitSeq(l.text, ",") {
		one = strings.TrimSpace(one)
		if !languageForm.MatchString(one) {
			return l.bad(allowed, "one of them is no language code")
		}
		if seen[one] {
			return l.bad(allowed, "one of them is there twice")
		}
		seen[one] = true
		l.list = append(l.list, one)
	}
	if len(l.list) > 16 { // more than fit on the ready screen
		return l.bad(allowed, "there are too many")
	}
	return nil
}

// level is the least severe thing that is logged.
type level struct {
	cell
	level slog.Level
}

func (l *level) Decode(s string) error {
	l.level = slog.LevelInfo
	if !l.take(s) {
		return nil
	}
	switch l.text {
	case "debug", "info", "warn", "error":
		return l.level.UnmarshalText([]byte(l.text))
	}
	l.near = nearest(l.text, []string{"debug", "info", "warn", "error"}, maxSlip)
	return l.bad("debug, info, warn, error", "that is no such level")
}

// path names a file or folder that need not exist yet.
type path struct{ cell }

func (p *path) Decode(s string) error { p.take(s); return nil }

// nearby is host:port of this device only.
type nearby struct{ listen }

func (l *nearby) Decode(s string) error {
	if err := l.listen.Decode(s); err != nil || l.what != "" || l.text == "" {
		return err
	}
	host, _, _ := net.SplitHostPort(l.text)
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return l.bad("a loopback address with a port, as 127.0.0.1:9100", "others could read there")
	}
	return nil
}

// listen is host:port.
type listen struct{ cell }

// Decode wants a port that there can be; 0 lets the system choose one.
func (l *listen) Decode(s string) error {
	if !l.take(s) {
		return nil
	}
	_, port, err := net.SplitHostPort(l.text)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return l.bad("host:port", "that is no address to listen at")
	}
	return nil
}

// file is a path to a file that is read at once, in files.go.
type file struct {
	cell
	read File
}

func (f *file) Decode(s string) error { f.read = File{}; f.take(s); return nil }
