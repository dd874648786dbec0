package tui

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// The input that reaches tcell does not depend on how it is split into reads.
func TestSanitize(t *testing.T) {
	for _, c := range []struct {
		name  string
		reads []string
		want  string
	}{
		{"a name", []string{"alice\r"}, "alice\r"},
		{"a letter in two reads", []string{"Jos\xc3", "\xa9"}, "José"},
		{"half a letter, then Enter", []string{"a\xc3", "\r"}, "a\r"},
		{"a Latin-1 letter", []string{"\xe9a"}, "a"},
		{"bytes that are never valid", []string{"\xff\xfe\x80"}, ""},
		{"Escape", []string{"\x1b"}, "\x1b"},
		{"Escape twice in one read", []string{"\x1b\x1b\x1b"}, "\x1b"},
		{"Escape in each of two reads", []string{"\x1b", "\x1b"}, "\x1b\x1b"},
		{"an arrow", []string{"\x1b[A"}, "\x1b[A"},
		{"an arrow in two reads", []string{"\x1b", "[A"}, "\x1b[A"},
		{"an operating system command", []string{"\x1b]0;x"}, "\x1b]\a0;x"},
		{"a key of a Windows terminal", []string{"\x1b[65;30;97;1;0;2000000000_"}, "\x1b[65;30;97;1;0;2000000000z"},
		{"the same in two reads", []string{"\x1b[65;", "30_"}, "\x1b[65;30z"},
		{"an underscore", []string{"a_b"}, "a_b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var g safeTTY
			var got strings.Builder
			for _, r := range c.reads {
				b := make([]byte, 128)
				n := copy(b, r)
				got.Write(b[:g.sanitize(b, n)])
			}
			if got.String() != c.want {
				t.Errorf("%q, want %q", got.String(), c.want)
			}
		})
	}
}

func FuzzSanitize(f *testing.F) {
	f.Add([]byte("alice\r"), uint8(3))
	f.Add([]byte("\x1b\x1b[65;1_\xc3\xa9\xff"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		var g safeTTY
		var got []byte
		step := int(size)%60 + 1
		for len(in) > 0 {
			b := make([]byte, 128)
			n := copy(b, in[:min(step, len(in))])
			in = in[n:]
			m := g.sanitize(b, n)
			if m > len(b) {
				t.Fatal("sanitize returned more than the buffer holds")
			}
			got = append(got, b[:m]...)
		}
		if !utf8.Valid(got) {
			t.Errorf("%q is not UTF-8", got)
		}
	})
}
