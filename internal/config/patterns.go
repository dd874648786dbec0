package config

import (
	"regexp"
	"strings"
)

// placeholder is a word in braces. Other braces are text: a login hint may be JSON.
var placeholder = regexp.MustCompile(`\{([A-Za-z_]+)\}`)

// checkPattern looks at a pattern's placeholders: all known, and the one that matters there.
func checkPattern(c *cell, pattern, allowed, must string, known ...string) {
	found := false
	for _, m := range placeholder.FindAllString(pattern, -1) {
		found = found || m == must
		ok := false
		for _, k := range known {
			ok = ok || k == m
		}
		if !ok {
			c.bad(allowed, "%q is no known placeholder", m)
			c.near = nearest(m, known, maxSlip)
			return
		}
	}
	if !found {
		c.bad(allowed, "%s is missing", must)
	}
}

// hintPattern makes the login hint.
type hintPattern struct{ cell }

func (h *hintPattern) Decode(s string) error {
	const allowed = "words with {identifier} and perhaps {issuer}; or iss_sub; or iss_sub: and such words"
	if !h.take(s) {
		return nil
	}
	pattern := h.text
	if subject, ok := issSub(h.text); ok {
		pattern = subject
	}
	checkPattern(&h.cell, pattern, allowed, "{identifier}", "{identifier}", "{issuer}")
	return nil
}

// issSub takes Auth0's form apart.
func issSub(hint string) (subject string, ok bool) {
	if hint == "iss_sub" {
		return "{identifier}", true
	}
	return strings.CutPrefix(hint, "iss_sub:")
}

// bindingPattern makes the binding message. Without the code in it the person
// could not see that phone and kiosk belong together (CIBA Core, section 7.1).
type bindingPattern struct{ cell }

func (b *bindingPattern) Decode(s string) error {
	const allowed = "words with {code} and perhaps {site}"
	if !b.take(s) {
		return nil
	}
	checkPattern(&b.cell, b.text, allowed, "{code}", "{code}", "{site}")
	return nil
}
