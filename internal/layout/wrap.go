package layout

import (
	"strings"

	"github.com/rivo/uniseg"
)

// width is how many columns a clean string takes, by the same table that tcell uses.
func width(s string) int { return uniseg.StringWidth(s) }

// wrap breaks a clean string into lines of at most w columns, between words. A
// word that is longer than a line is broken where the line ends; nothing is lost.
// Runs of blanks count as one.
func wrap(s string, w int) []string {
	if w < 1 {
		return nil
	}
	var lines []string
	cur, curW := "", 0
	flush := func() {
		if cur != "" {
			lines = append(lines, cur)
		}
		cur, curW = "", 0
	}
	for word := range strings.FieldsSeq(s) {
		ww := width(word)
		if curW > 0 && curW+1+ww <= w {
			cur, curW = cur+" "+word, curW+1+ww
			continue
		}
		flush()
		for ww > w {
			var piece string
			piece, word = cut(word, w)
			lines = append(lines, piece)
			ww = width(word)
		}
		cur, curW = word, ww
	}
	flush()
	return lines
}

// cut splits a string after at most w columns, but never before its first
// grapheme, so that repeated cutting ends.
func cut(s string, w int) (head, tail string) {
	used, at := 0, 0
	rest, state := s, -1
	for rest != "" {
		var g string
		var gw int
		g, rest, gw, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if at > 0 && used+gw > w {
			break
		}
		used += gw
		at += len(g)
	}
	return s[:at], s[at:]
}

// short is s in one line of at most w columns, its end replaced by dots if it is
// longer. Only for what may be lost: everything else is wrapped.
func short(s string, w int) string {
	s = strings.Join(strings.Fields(s), " ")
	if width(s) <= w {
		return s
	}
	if w <= 3 {
		head, _ := cut(s, w)
		if width(head) > w {
			return ""
		}
		return head
	}
	head, _ := cut(s, w-3)
	if width(head) > w-3 {
		return ""
	}
	return strings.TrimRight(head, " ") + "..."
}

// tail is the end of s in at most w columns, and whether something was left out.
func tail(s string, w int) (string, bool) {
	if width(s) <= w {
		return s, false
	}
	for s != "" && width(s) > w {
		_, s = cut(s, 1)
	}
	return s, true
}

// para is a wrapped paragraph as lines of cells.
func para(s string, w int, st Style) []line {
	var out []line
	for _, t := range wrap(s, w) {
		out = append(out, words(t, st))
	}
	return out
}

// paraAddress is a wrapped address: a break after a slash or the like is easier to
// copy than one in the middle of a code.
func paraAddress(s string, w int, st Style) []line {
	var out []line
	for s != "" {
		head, rest := cut(s, max(w, 1))
		if rest != "" {
			if at := strings.LastIndexAny(head, "/?&="); at > len(head)/2 {
				head, rest = s[:at+1], s[at+1:]
			}
		}
		out = append(out, words(head, st))
		s = rest
	}
	return out
}
