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

// realConsole is a virtual terminal of this machine that nobody looks at. Its memory
// can be read, so what is tested is the kernel's own terminal.
const realConsole = 61

func consolePath() string { return fmt.Sprintf("/dev/tty%d", realConsole) }

// onConsole opens a real console; not every machine has one, and only root may.
func onConsole(t *testing.T) *font.Console {
	t.Helper()
	c, err := font.OpenConsole(consolePath()) // before its memory: that is there from then on
	if err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := os.ReadFile(fmt.Sprintf("/dev/vcsu%d", realConsole)); err != nil {
		t.Skipf("NOT TESTED: the memory of %s cannot be read: %v", consolePath(), err)
	}
	if _, ok := c.Characters(); !ok {
		t.Skipf("NOT TESTED: %s is no console", consolePath())
	}
	return c
}

// memoryOf is what stands on the console.
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

func comes(t *testing.T, what string, so func(text string) bool) {
	t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !so(memoryOf(t)) {
		select {
		case <-again.C:
		case <-limit.C:
			t.Fatalf("%s never comes; the console shows\n%s", what, memoryOf(t))
		}
	}
}

// table is a font's table with ASCII and some more.
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

// TestWhatAConsoleCannotDraw is drawn as something that can be read, and what it can
// draw as it is, also if its font changes meanwhile. What others print is gone at the
// next look.
func TestWhatAConsoleCannotDraw(t *testing.T) {
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
	comes(t, "a spelling in ASCII", func(text string) bool {
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
	comes(t, "everything as it is written", func(text string) bool {
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
	comes(t, "foreign text", func(text string) bool { return strings.Contains(text, "something has happened") })
	s.Redraw()
	comes(t, "a clean screen", func(text string) bool {
		return !strings.Contains(text, "something has happened") && strings.Contains(text, "30 € für alles")
	})
}

// TestAFontIsAskedFor where the console lacks something; here the console may take none.
func TestAFontIsAskedFor(t *testing.T) {
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
		t.Errorf("complete: %v, but %v", complete, s.FontProblem())
	}
	t.Logf("this machine's console: %v", s.FontProblem())
}

// TestCodesWithoutHalfBlocks are drawn in background colours.
func TestCodesWithoutHalfBlocks(t *testing.T) {
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
		t.Error("half blocks are there and not used")
	}
}
