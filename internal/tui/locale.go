package tui

import (
	"fmt"
	"os"
	"strings"
)

// useUTF8 sees to it that this process's locale speaks UTF-8, as tcell reads it
// from the environment: with C or POSIX it would print block letters and QR codes
// as question marks, with ISO-8859-1 it would refuse to start. Every console in
// the field is UTF-8, whatever the service's environment says.
func useUTF8() error {
	if speaksUTF8(os.Getenv) {
		return nil
	}
	if err := os.Setenv("LC_ALL", "C.UTF-8"); err != nil {
		return fmt.Errorf("terminal: locale: %w", err)
	}
	return nil
}

// speaksUTF8 follows POSIX: the first of the three that is set counts. None at
// all, and a language without a character set, pass for UTF-8, in tcell too.
func speaksUTF8(getenv func(string) string) bool {
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

// isLinuxTerm tells a Linux console, with its font of 256 or 512 characters, from
// terminal emulators.
func isLinuxTerm(term string) bool { return term == "linux" || strings.HasPrefix(term, "linux-") }
