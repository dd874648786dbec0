package ciba

import (
	"errors"
	"math"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// PreviewBindingMessage is the message that a code would have at this server, and whether all of
// the pattern fits there.
func (k *Client) PreviewBindingMessage(code string) (message string, whole bool) {
	p := k.Profile()
	message, err := bindingMessage(k.config.BindingMessage, code, k.config.Site, p.BindingExtra, p.BindingMax)
	full, _ := bindingMessage(k.config.BindingMessage, code, k.config.Site, p.BindingExtra, math.MaxInt)
	return message, err == nil && message == full
}

// bindingMessage fills the pattern over {code} and {site} and fits it to what
// the server takes. The code always stays whole: what is cut is the text around it,
// from its end, and the text behind the code before the text in front.
func bindingMessage(pattern, code, site string, extra string, most int) (string, error) {
	if code == "" || fitCharacters(code, extra) != code || len(code) > most {
		return "", errors.New("the code does not fit what the server takes")
	}
	before, after, ok := strings.Cut(pattern, "{code}")
	if !ok {
		return "", errors.New("no {code} in the pattern")
	}
	fill := func(s string) string { return fitCharacters(strings.ReplaceAll(s, "{site}", site), extra) }
	before, after = fill(before), fill(after)
	room := most - len(code)
	if len(before) > room {
		before, after = before[:room], ""
	} else if len(before)+len(after) > room {
		after = after[:room-len(before)]
	}
	const edges = " -._+,:#/!?"
	return strings.TrimLeft(before, edges) + code + strings.TrimRight(after, edges), nil
}

// fitCharacters drops what the server does not take: accents lose their marks, spaces
// become hyphens where there are none, everything else goes.
func fitCharacters(s, extra string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9',
			r < unicode.MaxASCII && strings.ContainsRune(extra, r):
			b.WriteRune(r)
		case unicode.IsSpace(r) && strings.Contains(extra, "-"):
			b.WriteByte('-')
		}
	}
	return b.String()
}
