// Package plain shows a kiosk.Screen without a terminal's help: a laid-out frame
// as lines of text, for goldens and serial lines, and a screen as sentences in the
// order in which they are best heard, for `kiosk login`, braille lines and speech.
//
// It decides nothing: what is said is the screen's, where it stands is layout's.
package plain

import (
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// Frame is a frame as lines without blanks at their ends, each ended by a line
// feed. What a terminal shows by colour only is shown by signs: a key's cap stands
// in square brackets, and the light modules of a QR code drawn in background
// colours are full blocks.
func Frame(f layout.Frame) string {
	var out strings.Builder
	for y := range f.H {
		var row strings.Builder
		for x := range f.W {
			c := f.At(x, y)
			switch {
			case c.Width == 0:
			case c.Style == layout.QRLight:
				row.WriteString("█")
			case c.Style == layout.Key && c.Text == " " && f.At(x-1, y).Style != layout.Key:
				row.WriteByte('[')
			case c.Style == layout.Key && c.Text == " " && f.At(x+1, y).Style != layout.Key:
				row.WriteByte(']')
			default:
				row.WriteString(c.Text)
			}
		}
		out.WriteString(strings.TrimRight(row.String(), " "))
		out.WriteByte('\n')
	}
	return out.String()
}

// Say is a screen as lines to be read out, the most important first: what must be
// answered, what has happened, what to compare, what to do, and last what can be
// pressed. Every line is free of control characters, and not empty.
func Say(s screen.Screen) []string {
	var out []string
	say := func(parts ...string) {
		text := ""
		for _, p := range parts {
			text += layout.Clean(p, true)
		}
		if text = strings.Join(strings.Fields(text), " "); text != "" {
			out = append(out, text)
		}
	}
	if n := s.Notice; n != nil {
		// It lies over all the rest, which can wait.
		say(n.Title)
		say(n.Text)
		s = screen.Screen{Keys: s.Keys}
	}
	say(s.Title)
	if e := s.Entry; e != nil {
		say(e.Problem)
		say(e.Label, colon(e.Text), e.Text)
		if e.Problem == "" {
			say(e.Example)
		}
	}
	switch {
	case s.SpelledCode != "":
		say(s.SpelledCode)
	case s.Code != "":
		say(strings.Join(strings.Split(s.Code, ""), " "))
	}
	say(s.Warning)
	for _, l := range s.Lines {
		say(l)
	}
	if s.Gauge != nil {
		say(s.Gauge.Text)
	}
	for _, st := range s.Steps {
		say(signs[st.State%3], st.Text)
	}
	for _, f := range s.Details {
		say(f.Label, colon(f.Value), f.Value)
	}
	if l := s.Link; l != nil && !l.Optional {
		say(l.Caption)
		say(l.URL)
	}
	for _, k := range s.Keys {
		if k.TurnsPages {
			continue // all pages are said
		}
		say(k.Cap, colon(k.Text), k.Text)
	}
	return out
}

var signs = [...]string{screen.ToDo: "[ ] ", screen.Doing: "[>] ", screen.Done: "[x] "}

// colon separates a label from what follows, if anything does.
func colon(after string) string {
	if after == "" {
		return ""
	}
	return ": "
}
