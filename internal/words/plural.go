package words

import (
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// pluralNames are the names of the plural categories in catalogues (Unicode CLDR).
var pluralNames = map[plural.Form]string{
	plural.Other: "other", plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many",
}

// pluralForm returns the category of a whole number in a language, by Unicode's rules: a new language needs no code
// here.
func pluralForm(tag language.Tag, n int) string {
	return pluralNames[plural.Cardinal.MatchPlural(tag, max(n, -n), 0, 0, 0, 0)]
}
