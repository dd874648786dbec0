// Package canary finds planted secrets in what a program leaves behind: screens, logs, files, bundles. It is for tests
// only. It looks for each secret as it is, in parts, and in the encodings that a program may use (Forms). A search that
// finds nothing proves something only if it would have found a leak: plant one beside each search.
package canary

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// Make returns a value that occurs nowhere by chance. what names its purpose in lower-case letters and is part of the
// value.
func Make(what string) string { return "canary" + what + strings.ToLower(rand.Text()) }

// Canaries are the secrets to look for. The zero value is empty.
type Canaries struct {
	secrets []planted
}

type planted struct {
	name  string
	forms map[string]string // encoded to the name of the encoding
	parts map[string]bool   // every part of partLength bytes
}

// partLength is how many bytes of a secret count as a leak: half a token is as bad as a whole one, and nothing this long
// is equal by chance.
const partLength = 16

// minLength is the least length of a secret: shorter ones are found by chance.
const minLength = 6

// Add adds a secret to look for. Fewer than six bytes are an error.
func (c *Canaries) Add(name, secret string) error {
	if len(secret) < minLength {
		return fmt.Errorf("canary %s: %d bytes are too few", name, len(secret))
	}
	b := planted{name: name, forms: map[string]string{}, parts: map[string]bool{}}
	for how, form := range Forms(secret) {
		b.forms[form] = how
	}
	b.forms[secret] = "as it is" // of those that look the same
	for i := 0; i+partLength <= len(secret); i++ {
		b.parts[secret[i:i+partLength]] = true
	}
	c.secrets = append(c.secrets, b)
	return nil
}

// Len returns the number of secrets.
func (c *Canaries) Len() int { return len(c.secrets) }

// Forms returns the encodings of a secret by name.
func Forms(secret string) map[string]string {
	b := []byte(secret)
	f := map[string]string{
		"as it is":     secret,
		"upper case":   strings.ToUpper(secret),
		"lower case":   strings.ToLower(secret),
		"hex":          hex.EncodeToString(b),
		"HEX":          strings.ToUpper(hex.EncodeToString(b)),
		"query":        url.QueryEscape(secret),
		"path":         url.PathEscape(secret),
		"each percent": formatEach(b, "%%%02X", ""),
		"each \\u":     formatEach(b, `\u%04x`, ""),
		"each \\x":     formatEach(b, `\x%02x`, ""),
		"bytes":        formatEach(b, "%d", " "), // fmt's %v of a []byte
		"JSON bytes":   formatEach(b, "%d", ","),
		"%#v":          formatEach(b, "%#x", ", "),
		"hex dump":     formatEach(b, "%02x", " "),
		"hex colons":   formatEach(b, "%02x", ":"),
		"letters":      formatEach(b, "%c", " "),
		"backwards":    reversed(b),
		"UTF-16LE":     utf16Bytes(secret, 0, 1),
		"UTF-16BE":     utf16Bytes(secret, 1, 0),
	}
	// Inside a longer text, base64 depends on the position: three alignments, each without the parts that depend on the
	// neighbours.
	for at := range 3 {
		padded := append(make([]byte, at), b...)
		from := (at*8 + 5) / 6
		for name, e := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := e.EncodeToString(padded)
			f[fmt.Sprintf("%s at %d", name, at)] = text[from : (at+len(b))*8/6]
		}
	}
	f["base32"] = strings.TrimRight(base32.StdEncoding.EncodeToString(b[:len(b)/5*5]), "=")
	if f["base32"] == "" {
		delete(f, "base32")
	}
	for how, form := range f {
		if len(form) < minLength {
			delete(f, how)
		}
	}
	return f
}

func formatEach(b []byte, format, between string) string {
	parts := make([]string, len(b))
	for i, c := range b {
		parts[i] = fmt.Sprintf(format, c)
	}
	return strings.Join(parts, between)
}

func reversed(b []byte) string {
	r := slices.Clone(b)
	slices.Reverse(r)
	return string(r)
}

func utf16Bytes(s string, lo, hi int) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		two := [2]byte{}
		two[lo], two[hi] = byte(u), byte(u>>8)
		out = append(out, two[:]...)
	}
	return string(out)
}

// Finding is one secret that was found.
type Finding struct {
	Where string // what was searched
	Name  string // of the secret
	How   string // the encoding
}

// String describes the finding without the secret.
func (f Finding) String() string { return fmt.Sprintf("%s holds the %s (%s)", f.Where, f.Name, f.How) }

// Find searches data: as it is, without escape sequences and blanks, and inside gzip and zip. It returns each secret once
// and skips the secrets named in except.
func (c *Canaries) Find(where string, data []byte, except ...string) []Finding {
	var out []Finding
	views := [][]byte{data}
	if flat := flatten(data); len(flat) != len(data) {
		views = append(views, flat)
	}
	for _, b := range c.secrets {
		if slices.Contains(except, b.name) {
			continue
		}
		for _, v := range views {
			if how := b.encodingIn(v); how != "" {
				out = append(out, Finding{where, b.name, how})
				break
			}
		}
	}
	for name, inner := range unpack(data) {
		out = append(out, c.Find(where+"/"+name, inner, except...)...)
	}
	return out
}

// encodingIn returns the encoding in which data contains the secret, empty if it does not.
func (b planted) encodingIn(data []byte) string {
	for form, how := range b.forms {
		if bytes.Contains(data, []byte(form)) {
			return how
		}
	}
	if len(b.parts) > 0 {
		for i := 0; i+partLength <= len(data); i++ {
			if b.parts[string(data[i:i+partLength])] {
				return "in part"
			}
		}
	}
	return ""
}

// flatten removes escape sequences, control characters and blanks, which a screen can put into a long word.
func flatten(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == 0x1b && i+1 < len(data) && data[i+1] == '[':
			for i += 2; i < len(data) && (data[i] < 0x40 || data[i] > 0x7e); i++ {
			}
		case c <= ' ':
		default:
			out = append(out, c)
		}
	}
	return out
}

// maxUnpacked limits the bytes read from an archive.
const maxUnpacked = 256 << 20

// unpack opens gzip and zip; a tar inside needs no opening.
func unpack(data []byte) map[string][]byte {
	out := map[string][]byte{}
	if r, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
		if inner, err := io.ReadAll(io.LimitReader(r, maxUnpacked)); err == nil || len(inner) > 0 {
			out["gzip"] = inner
		}
	}
	if r, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err == nil {
		for _, f := range r.File {
			if file, err := f.Open(); err == nil {
				if inner, err := io.ReadAll(io.LimitReader(file, maxUnpacked)); err == nil || len(inner) > 0 {
					out[f.Name] = inner
				}
				file.Close()
			}
		}
	}
	return out
}

// FindIn searches every file below a folder, and the names of files. A file that vanishes meanwhile is skipped; any
// other that cannot be read is an error.
func (c *Canaries) FindIn(dir string, except ...string) ([]Finding, error) {
	var out []Finding
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		out = append(out, c.Find("the name of "+name, []byte(name), except...)...)
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		out = append(out, c.Find(name, data, except...)...)
		return err
	})
	return out, err
}
