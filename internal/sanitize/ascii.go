package sanitize

// ASCII returns the printable ASCII characters of s, at most max of them. It is for logs and for names that must be ASCII.
func ASCII(s string, max int) string {
	b := make([]byte, 0, min(len(s), max))
	for i := 0; i < len(s) && len(b) < max; i++ {
		if s[i] >= 0x20 && s[i] <= 0x7e {
			b = append(b, s[i])
		}
	}
	return string(b)
}
