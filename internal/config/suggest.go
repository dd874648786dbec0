package config

import "strings"

// Limits of the distance between a word and its suggestion. A value within maxTypos of a known word counts as mistyped;
// an unknown setting always gets a suggestion.
const (
	maxTypos    = 3
	anyDistance = 1 << 20
)

// Nearest returns the known word that a mistyped one probably stands for; empty if none is near.
func Nearest(given string, known []string) string { return suggest(given, known, maxTypos) }

// suggest returns the known word that is nearest to a given one, or an empty string if all are farther than most. The
// distance counts as 1 if one of the two words is the other one with _ and more behind it.
func suggest(given string, known []string, most int) string {
	best, least := "", most+1
	for _, k := range known {
		d := distance(strings.ToUpper(given), strings.ToUpper(k))
		if strings.HasPrefix(k, given+"_") || strings.HasPrefix(given, k+"_") {
			d = 1
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// distance returns how many bytes must be inserted, removed, changed or swapped with their neighbour to make b of a
// (optimal string alignment). It compares the first 64 bytes, more than any setting's name has.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	var before, above, row []int
	above = make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row = make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := above[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}
