package layout

import (
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// width returns the columns of a clean string, by the same table as tcell's.
func width(s string) int { return uniseg.StringWidth(s) }

// wrap breaks a clean string between words into lines of at most w columns. A longer word is broken at the end of the
// line; nothing is lost. Runs of blanks count as one.
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
		// French has a blank before these signs; no line begins with one.
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
			piece, rest, used := splitAt(word, w)
			lines = append(lines, piece)
			word, ww = rest, ww-used
		}
		cur, curW = word, ww
	}
	flush()
	return lines
}

// splitAt splits a string after at most w columns, but never before its first grapheme, and returns the width of the head.
func splitAt(s string, w int) (head, rest string, used int) {
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

// truncate returns s in at most w columns, with dots at the end if it is longer. It is for texts that may be lost; all
// others are wrapped.
func truncate(s string, w int) string {
	s = strings.Join(strings.Fields(s), " ")
	if width(s) <= w {
		return s
	}
	dots := "..."
	if w <= len(dots) {
		dots = ""
	}
	head, _, used := splitAt(s, w-len(dots))
	if used > w-len(dots) { // a single wide character
		return ""
	}
	return strings.TrimRight(head, " ") + dots
}

// lastColumns returns the end of s in at most w columns, and whether something was left out.
func lastColumns(s string, w int) (string, bool) {
	over := width(s) - w
	if over <= 0 {
		return s, false
	}
	_, rest, used := splitAt(s, over)
	if used < over { // a wide character at the border is left out
		_, rest, _ = splitAt(rest, 1)
	}
	return rest, true
}

// wrapText returns a wrapped paragraph. Paragraphs are kept, because a frame is planned several times before it is drawn;
// they must not be modified.
func (d *drawing) wrapText(s string, w int, st Style) []line {
	key := paragraph{s, w, st}
	rows, done := d.paras[key]
	if !done {
		for _, t := range wrap(s, w) {
			rows = append(rows, toCells(t, st))
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

// wrapAddress returns a wrapped address. It breaks after a slash and similar signs, which makes it easier to copy.
func wrapAddress(s string, w int, st Style) []line {
	var out []line
	for s != "" {
		head, rest, _ := splitAt(s, max(w, 1))
		if rest != "" {
			if at := strings.LastIndexAny(head, "/?&="); at > len(head)/2 {
				head, rest = s[:at+1], s[at+1:]
			}
		}
		out = append(out, toCells(head, st))
		s = rest
	}
	return out
}
