package tui

import (
	"fmt"
	"os"
	"strings"
)

// useUTF8 sets a UTF-8 locale for this process, where tcell reads it. In C or POSIX tcell would print block letters and
// QR codes as question marks, and in ISO-8859-1 it would not start. Every console in use is UTF-8, whatever the
// environment says.
func useUTF8() error {
	if usesUTF8(os.Getenv) {
		return nil
	}
	if err := os.Setenv("LC_ALL", "C.UTF-8"); err != nil {
		return fmt.Errorf("terminal: locale: %w", err)
	}
	return nil
}

// usesUTF8 follows POSIX: the first of the three variables that is set counts. No variable, and a language without a
// character set, count as UTF-8, as in tcell.
func usesUTF8(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		v := getenv(name)
		if v == "" {
			continue
		}
		v, _, _ = strings.Cut(v, "@")
		if v == "C" || v == "POSIX" {
			return false
		}
		_, charset, named := strings.Cut(v, ".")
		// tcell looks the name up as it is written, so only its own spellings will do.
		return !named || strings.EqualFold(charset, "UTF-8") || strings.EqualFold(charset, "UTF8")
	}
	return true
}

// isLinuxTerm reports whether TERM names a Linux console, whose font has 256 or 512 characters.
func isLinuxTerm(term string) bool { return term == "linux" || strings.HasPrefix(term, "linux-") }
