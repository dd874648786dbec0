// Package plain says a screen as sentences in the best order for listening, for `kiosk login`, braille lines and speech.
// The words are the screen's.
package plain

import (
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// Say returns a screen as lines to be read aloud, the most important first: what has to be answered, what has happened,
// what to compare, what to do, and the keys. Lines are not empty and contain no control characters.
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
		// It covers everything else.
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
	say(s.Aside)
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
	say(s.Languages)
	for _, k := range s.Keys {
		if k.TurnsPages {
			continue // all pages are read
		}
		say(k.Cap, colon(k.Text), k.Text)
	}
	return out
}

var signs = [...]string{screen.ToDo: "[ ] ", screen.Doing: "[>] ", screen.Done: "[x] "}

// colon returns ": " before a text that is not empty.
func colon(after string) string {
	if after == "" {
		return ""
	}
	return ": "
}
