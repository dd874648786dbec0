package words

// plural is the Unicode plural category of a whole number in a language
// (CLDR, cardinal rules for integers). Languages not named here have two forms.
func plural(language string, n int) string {
	switch language {
	case "fr", "pt":
		if n == 0 || n == 1 {
			return "one"
		}
	case "pl":
		switch {
		case n == 1:
			return "one"
		case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
			return "few"
		default:
			return "many"
		}
	default:
		if n == 1 {
			return "one"
		}
	}
	return "other"
}
