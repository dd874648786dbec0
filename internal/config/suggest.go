package config

import "strings"

// maxSlip is how many letters a word may be off to be taken for a slip of the
// hand; for settings' names the nearest is always told, however far.
const (
	maxTypos    = 3
	anyDistance = 1 << 20
)

// suggest gives the known word that was perhaps meant: one that begins with the
// given word or the other way round, else the one with the fewest letters to
// change; empty if that is more than slip.
func suggest(given string, known []string, slip int) string {
	best, least := "", slip+1
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

// distance counts the letters to insert, drop, change or swap with their
// neighbour (optimal string alignment). Long words are compared by their first
// 64 bytes: nobody mistypes more than that.
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
