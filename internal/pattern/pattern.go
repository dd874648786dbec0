// Package pattern checks texts with placeholders in braces, such as {identifier} in the login hint's pattern. Other braces
// are text: a pattern may be JSON.
package pattern

import (
	"regexp"
	"slices"
)

var placeholder = regexp.MustCompile(`\{[A-Za-z_]+\}`)

// Unknown returns the first placeholder of a text that is not in known, or an empty string.
func Unknown(text string, known ...string) string {
	for _, p := range placeholder.FindAllString(text, -1) {
		if !slices.Contains(known, p) {
			return p
		}
	}
	return ""
}
