package layout

import (
	"slices"
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
	all := strings.Fields(s)
	for i := 0; i < len(all); i++ {
		word := all[i]
		// French has a blank before such signs; no line begins with one.
		if i+1 < len(all) && strings.Trim(all[i+1], "?!:;") == "" && width(word)+1+width(all[i+1]) <= w {
			i++
			word += " " + all[i]
		}
		ww := width(word)
		if curW > 0 && curW+1+ww <= w {
			cur, curW = cur+" "+word, curW+1+ww
			continue
		}
		flush()
		for ww > w {
			piece, rest, used := cut(word, w)
			lines = append(lines, piece)
			word, ww = rest, ww-used
		}
		cur, curW = word, ww
	}
	flush()
	return lines
}

// cut splits a string after at most w columns, but never before its first
// grapheme, so that repeated cutting ends. It also gives the width of the head.
func cut(s string, w int) (head, rest string, used int) {
	at := 0
	next, state := s, -1
	for next != "" {
		var g string
		var gw int
		g, next, gw, state = uniseg.FirstGraphemeClusterInString(next, state)
		if at > 0 && used+gw > w {
			break
		}
		used += gw
		at += len(g)
	}
	return s[:at], s[at:], used
}

// truncate is s in one line of at most w columns, its end replaced by dots if it is
// longer. Only for what may be lost: everything else is wrapped.
func truncate(s string, w int) string {
	s = strings.Join(strings.Fields(s), " ")
	if width(s) <= w {
		return s
	}
	dots := "..."
	if w <= len(dots) {
		dots = ""
	}
	head, _, used := cut(s, w-len(dots))
	if used > w-len(dots) { // a wide character alone
		return ""
	}
	return strings.TrimRight(head, " ") + dots
}

// lastColumns is the end of s in at most w columns, and whether something was left out.
func lastColumns(s string, w int) (string, bool) {
	over := width(s) - w
	if over <= 0 {
		return s, false
	}
	_, rest, used := cut(s, over)
	if used < over { // stopped before a wide character that must go too
		_, rest, _ = cut(rest, 1)
	}
	return rest, true
}

// para is a wrapped paragraph as lines of cells. A frame is planned several times
// before it is drawn, so each paragraph is kept; nobody may write into it.
func (d *drawing) para(s string, w int, st Style) []line {
	key := paragraph{s, w, st}
	rows, done := d.paras[key]
	if !done {
		for _, t := range wrap(s, w) {
			rows = append(rows, words(t, st))
		}
		if d.paras == nil {
			d.paras = make(map[paragraph][]line)
		}
		d.paras[key] = rows
	}
	return slices.Clip(rows)
}

type paragraph struct {
	text  string
	width int
	style Style
}

// paraAddress is a wrapped address: a break after a slash or the like is easier to
// copy than one in the middle of a code.
func paraAddress(s string, w int, st Style) []line {
	var out []line
	for s != "" {
		head, rest, _ := cut(s, max(w, 1))
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
