package host

import (
	"os"
	"strings"
)

// SiteName is the host's name as it may be shown and sent: letters, digits, dots
// and hyphens, at most 63 (one DNS label), "kiosk" if nothing is left.
func SiteName() string {
	name, err := os.Hostname()
	if err != nil {
		return siteName("")
	}
	return siteName(name)
}

func siteName(host string) string {
	keep := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.':
			return r
		}
		return -1
	}
	name := strings.Map(keep, host)
	name = strings.Trim(name[:min(len(name), 63)], "-.")
	if name == "" {
		return "kiosk"
	}
	return name
}
