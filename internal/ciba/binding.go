package ciba

import (
	"errors"
	"math"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// PreviewBindingMessage returns the binding message for a code at this server, and whether the whole pattern fits.
func (k *Client) PreviewBindingMessage(code string) (message string, whole bool) {
	p := k.Profile()
	message, err := p.bindingMessage(k.config.BindingMessage, code, k.config.Site)
	unbounded := p
	unbounded.BindingMax = math.MaxInt
	full, _ := unbounded.bindingMessage(k.config.BindingMessage, code, k.config.Site)
	return message, err == nil && message == full
}

// minBeside is the least room beside the code for other text; less would be a stump that changes what the customer compares.
const minBeside = 4

// bindingMessage returns the binding message for a code, as the server takes it; empty if the server chooses the words.
func (p *Profile) bindingMessage(pattern, code, site string) (string, error) {
	if p.ServerWords != "" {
		return "", nil
	}
	if p.BindingMax-len(code) < minBeside {
		pattern = "{code}"
	}
	message, err := bindingMessage(pattern, code, site, p.BindingExtra, p.BindingMax)
	if p.BindingUpper {
		message = strings.ToUpper(message)
	}
	return message, err
}

// bindingMessage fills the pattern over {code} and {site} and fits it to the server's alphabet and length. The code
// always stays whole: the text after it is shortened first, then the text before it.
func bindingMessage(pattern, code, site string, extra string, most int) (string, error) {
	if code == "" || fitCharacters(code, extra) != code || len(code) > most {
		return "", errors.New("the server does not accept the characters or the length of the code")
	}
	before, after, ok := strings.Cut(pattern, "{code}")
	if !ok {
		return "", errors.New("the pattern does not contain {code}")
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

// fitCharacters removes what the server does not accept: accents lose their marks, spaces become hyphens if the server
// accepts no spaces, all else is dropped.
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
