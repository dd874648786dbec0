package tui

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
)

// realConsole is a virtual terminal of this machine that nobody uses. Its memory is readable, so these tests use the
// kernel's own terminal.
const realConsole = 61

func consolePath() string { return fmt.Sprintf("/dev/tty%d", realConsole) }

// onConsole opens a real console, or skips the test. Only root may open it, and not every machine has one.
func onConsole(t *testing.T) *font.Console {
	t.Helper()
	c, err := font.OpenConsole(consolePath()) // first, because the memory exists only from then on
	if err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := os.ReadFile(fmt.Sprintf("/dev/vcsu%d", realConsole)); err != nil {
		t.Skipf("NOT TESTED: the memory of %s cannot be read: %v", consolePath(), err)
	}
	if _, ok := c.Characters(); !ok {
		t.Skipf("NOT TESTED: %s is not a console", consolePath())
	}
	return c
}

// memoryOf returns the text on the console.
func memoryOf(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/dev/vcsu%d", realConsole))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for ; len(raw) >= 4; raw = raw[4:] {
		b.WriteRune(rune(binary.NativeEndian.Uint32(raw)))
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// waitForText waits until the text on the console satisfies ok.
func waitForText(t *testing.T, what string, ok func(text string) bool) {
	t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !ok(memoryOf(t)) {
		select {
		case <-again.C:
		case <-limit.C:
			t.Fatalf("%s: not on the console, which shows\n%s", what, memoryOf(t))
		}
	}
}

// table returns a font that has ASCII and the characters of more.
func table(more string) *font.Font {
	f := &font.Font{Width: 8, Height: 16, Runes: map[rune]int{}}
	for r := ' '; r <= '~'; r++ {
		f.Runes[r] = int(r)
	}
	for i, r := range []rune(more) {
		f.Runes[r] = 128 + i
	}
	return f
}

// Characters that the font lacks are replaced by readable ones, also when the font changes meanwhile. A redraw removes
// foreign text.
func TestMissingCharactersAreReplaced(t *testing.T) {
	c := onConsole(t)
	t.Setenv("TERM", "linux")
	if err := c.SetCharacters(table("")); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	defer func() { _ = c.SetCharacters(table(font.RequiredCharacters)) }()
	s, err := Open(Options{Device: consolePath(), Font: KeepFont})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sc := sampleWaiting()
	sc.Title, sc.Lines = "Łódź, João", []string{"30 € für alles"}
	s.Show(sc)
	waitForText(t, "replacements in ASCII", func(text string) bool {
		for _, r := range text {
			if r > '~' {
				return false
			}
		}
		return strings.Contains(text, "Lodz, Joao") && strings.Contains(text, "30 EUR fur alles") && strings.Contains(text, "##")
	})
	if err := c.SetCharacters(table(font.RequiredCharacters)); err != nil {
		t.Fatal(err)
	}
	s.Redraw()
	waitForText(t, "the original characters", func(text string) bool {
		return strings.Contains(text, "Łódź, João") && strings.Contains(text, "30 € für alles") && strings.Contains(text, "█")
	})
	f, err := os.OpenFile(consolePath(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("\x1b[5;1Hkernel: something has happened"); err != nil {
		t.Fatal(err)
	}
	waitForText(t, "foreign text", func(text string) bool { return strings.Contains(text, "something has happened") })
	s.Redraw()
	waitForText(t, "a screen without foreign text", func(text string) bool {
		return !strings.Contains(text, "something has happened") && strings.Contains(text, "30 € für alles")
	})
}

// The machine's console may accept no font; then the problem is reported.
func TestFontProblemReportsMissingCharacters(t *testing.T) {
	c := onConsole(t)
	if err := c.SetCharacters(table("")); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	defer func() { _ = c.SetCharacters(table(font.RequiredCharacters)) }()
	t.Setenv("TERM", "linux")
	s, err := Open(Options{Device: consolePath()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	has, _ := characters(consolePath())
	complete := true
	for _, r := range font.RequiredCharacters {
		complete = complete && has[r]
	}
	if complete != (s.FontProblem() == nil) {
		t.Errorf("font complete: %v, FontProblem: %v", complete, s.FontProblem())
	}
	t.Logf("this machine's console: %v", s.FontProblem())
}

func TestHalfBlocksFollowTheFont(t *testing.T) {
	f := fonts{device: consolePath(), keep: true}
	c := onConsole(t)
	if err := c.SetCharacters(table("█░")); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	defer func() { _ = c.SetCharacters(table(font.RequiredCharacters)) }()
	if o := f.check(layout.Options{HalfBlocks: true}); o.HalfBlocks || !o.Font['█'] {
		t.Errorf("%+v", o)
	}
	if err := c.SetCharacters(table(font.RequiredCharacters)); err != nil {
		t.Fatal(err)
	}
	if o := f.check(layout.Options{}); !o.HalfBlocks {
		t.Error("half blocks are not used although the font has them")
	}
}
