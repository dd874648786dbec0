package config

import (
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/pattern"
)

// checkPattern checks that all placeholders of a text are known and that the required one is there.
func checkPattern(c *field, text, allowed, required string, known ...string) {
	if unknown := pattern.Unknown(text, known...); unknown != "" {
		c.reject(allowed, "%q is not a placeholder", unknown)
		c.suggestion = suggest(unknown, known, maxTypos)
		return
	}
	if !strings.Contains(text, required) {
		c.reject(allowed, "%s is missing", required)
	}
}

// hintPattern is the pattern of the login hint.
type hintPattern struct{ field }

func (h *hintPattern) Decode(s string) error {
	if !h.accept(s) {
		return nil
	}
	text := h.text
	if subject, ok := issSub(h.text); ok {
		text = subject
	}
	checkPattern(&h.field, text, hintAllowed, "{identifier}", "{identifier}", "{issuer}")
	return nil
}

// issSub returns the pattern of the subject if a hint has Auth0's form.
func issSub(hint string) (subject string, ok bool) {
	if hint == "iss_sub" {
		return "{identifier}", true
	}
	return strings.CutPrefix(hint, "iss_sub:")
}

// bindingPattern is the pattern of the binding message. Without the code in it the person could not see that phone and kiosk
// belong together (CIBA Core 7.1).
type bindingPattern struct{ field }

func (b *bindingPattern) Decode(s string) error {
	if !b.accept(s) {
		return nil
	}
	checkPattern(&b.field, b.text, bindingAllowed, "{code}", "{code}", "{site}")
	return nil
}
