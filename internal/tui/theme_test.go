package tui

import (
	"math"
	"slices"
	"testing"

	"github.com/gdamore/tcell/v2"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
)

// palette is the Linux console's own (drivers/tty/vt: default_red, _grn, _blu): eight
// colours and their bright forms.
var palette = [16][3]float64{
	{0, 0, 0}, {170, 0, 0}, {0, 170, 0}, {170, 85, 0}, {0, 0, 170}, {170, 0, 170}, {0, 170, 170}, {170, 170, 170},
	{85, 85, 85}, {255, 85, 85}, {85, 255, 85}, {255, 255, 85}, {85, 85, 255}, {255, 85, 255}, {85, 255, 255}, {255, 255, 255},
}

// luminance is WCAG 2.2's relative luminance.
func luminance(c [3]float64) float64 {
	lin := func(v float64) float64 {
		if v /= 255; v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(c[0]) + 0.7152*lin(c[1]) + 0.0722*lin(c[2])
}

func contrast(p paint) float64 {
	fg := p.fg
	if p.bold {
		fg += 8
	}
	a, b := luminance(palette[fg]), luminance(palette[p.bg])
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

func TestEveryThemeCanBeRead(t *testing.T) {
	for name, th := range themes {
		for st := range layout.Style(layout.Styles) {
			p, ok := th[st]
			if !ok {
				t.Errorf("%s says nothing of %v", name, st)
				continue
			}
			if c := contrast(p); c < 7 {
				t.Errorf("%s: %v has a contrast of %.2f to 1, want 7 (WCAG 1.4.6)", name, st, c)
			}
			if p.bg > white || p.fg > white {
				t.Errorf("%s: %v uses a colour that a console has not", name, st)
			}
		}
		if len(th) != layout.Styles {
			t.Errorf("%s has %d styles of %d", name, len(th), layout.Styles)
		}
	}
	if !slices.Equal(Themes(), []string{"dark", "light", "mono"}) {
		t.Errorf("themes are %v", Themes())
	}
}

func TestMonoUsesNoColour(t *testing.T) {
	for st, p := range themes["mono"] {
		if p.fg != white && p.fg != black || p.bg != white && p.bg != black {
			t.Errorf("%v is coloured", st)
		}
	}
}

// TestCodesAreLightOnDarkEnough: half blocks are light as bright foreground; the
// other form has light grounds.
func TestCodesAreLightOnDarkEnough(t *testing.T) {
	for name, th := range themes {
		if th[layout.QRHalf] != (paint{white, black, true}) || th[layout.QRLight].bg != white || th[layout.QRDark].bg != black {
			t.Errorf("%s: a phone may not read the code", name)
		}
	}
}

func TestWhichLocalesSpeakUTF8(t *testing.T) {
	for _, tc := range []struct {
		name, all, ctype, lang string
		want                   bool
	}{
		{"nothing is set", "", "", "", true},
		{"C", "", "", "C", false},
		{"POSIX", "POSIX", "", "en_GB.UTF-8", false},
		{"C.UTF-8", "C.UTF-8", "", "", true},
		{"a language without a character set", "", "", "de_DE", true},
		{"with one", "", "de_DE.UTF-8", "", true},
		{"small letters", "", "", "de_DE.utf8", true},
		{"Latin 1", "", "", "en_GB.ISO-8859-1", false},
		{"the euro variant", "", "", "de_DE.ISO-8859-15@euro", false},
		{"the stronger wins", "C", "", "de_DE.UTF-8", false},
		{"also in between", "", "C", "de_DE.UTF-8", false},
	} {
		env := map[string]string{"LC_ALL": tc.all, "LC_CTYPE": tc.ctype, "LANG": tc.lang}
		if got := speaksUTF8(func(k string) string { return env[k] }); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
		t.Run(tc.name, func(t *testing.T) { // whatever it was, tcell then takes it for UTF-8
			t.Setenv("TERM", "linux")
			for k, v := range env {
				t.Setenv(k, v)
			}
			if err := useUTF8(); err != nil {
				t.Fatal(err)
			}
			s, err := tcell.NewTerminfoScreenFromTty(newMemory(80, 24))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Init(); err != nil {
				t.Fatal(err)
			}
			defer s.Fini()
			//lint:ignore SA1019 v2 has no other way to ask
			if !s.CanDisplay('▀', false) {
				t.Errorf("character set %s has no half blocks", s.CharacterSet())
			}
		})
	}
}

func TestOnlyAConsoleIsAskedForItsFont(t *testing.T) {
	for _, device := range []string{"/dev/null", "/no/such/device"} {
		if has, ok := characters(device); ok {
			t.Errorf("%s is taken for a console with %d characters", device, len(has))
		}
	}
}
