package tui

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gdamore/tcell/v2"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
)

// palette is the Linux console's own (drivers/tty/vt: default_red, _grn, _blu): eight colours and their bright forms.
var palette = [16][3]float64{
	{0, 0, 0}, {170, 0, 0}, {0, 170, 0}, {170, 85, 0}, {0, 0, 170}, {170, 0, 170}, {0, 170, 170}, {170, 170, 170},
	{85, 85, 85}, {255, 85, 85}, {85, 255, 85}, {255, 255, 85}, {85, 85, 255}, {255, 85, 255}, {85, 255, 255}, {255, 255, 255},
}

func linear(v float64) float64 {
	if v /= 255; v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// curved is the inverse of linear, limited to what a screen can show.
func curved(v float64) float64 {
	if v = min(max(v, 0), 1); v <= 0.0031308 {
		return 255 * v * 12.92
	}
	return 255 * (1.055*math.Pow(v, 1/2.4) - 0.055)
}

// luminance returns the relative luminance of WCAG 2.2.
func luminance(c [3]float64) float64 {
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// sight simulates how somebody sees colours, with the matrices of Machado, Oliveira and Fernandes (2009) for full colour
// blindness.
type sight [3][3]float64

var (
	usual        = sight{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	protanopia   = sight{{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}
	deuteranopia = sight{{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}
	tritanopia   = sight{{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}
)

// seen returns how a colour of the console looks.
func (s sight) seen(number int) [3]float64 {
	var out [3]float64
	for i, row := range s {
		for j, f := range row {
			out[i] += f * linear(palette[number][j])
		}
		out[i] = curved(out[i])
	}
	return out
}

// distance returns how different two colours look (CIE 1976). Below 2.3 nobody sees a difference, from 20 on everybody
// does.
func distance(a, b [3]float64) float64 {
	p, q := lab(a), lab(b)
	return math.Sqrt(math.Pow(p[0]-q[0], 2) + math.Pow(p[1]-q[1], 2) + math.Pow(p[2]-q[2], 2))
}

func lab(c [3]float64) [3]float64 {
	l := [3]float64{linear(c[0]), linear(c[1]), linear(c[2])}
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124*l[0] + 0.3576*l[1] + 0.1805*l[2]) / 0.95047)
	y := f(0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2])
	z := f((0.0193*l[0] + 0.1192*l[1] + 0.9505*l[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func shown(t *testing.T, theme string, st layout.Style) (fg, bg int) {
	t.Helper()
	fg, bg, err := Look(theme, st)
	if err != nil {
		t.Fatal(err)
	}
	return fg, bg
}

func contrast(a, b [3]float64) float64 {
	p, q := luminance(a), luminance(b)
	return (max(p, q) + 0.05) / (min(p, q) + 0.05)
}

// Colours are those of a console: sixteen, bright ones only as foreground.
func TestThemesHaveEnoughContrast(t *testing.T) {
	for _, name := range Themes() {
		least := 7.0 // WCAG 1.4.6
		if name == "high-contrast" {
			least = 12
		}
		who := map[string]sight{"everybody": usual}
		switch name {
		case "deuteranopia": // and protanopia, which looks similar
			who["deuteranopia"], who["protanopia"] = deuteranopia, protanopia
		case "tritanopia":
			who["tritanopia"] = tritanopia
		}
		for st := range layout.Style(layout.Styles) {
			fg, bg := shown(t, name, st)
			if bg > int(white) {
				t.Errorf("%s: %v has a background that consoles lack", name, st)
			}
			for for_, s := range who {
				if (st == layout.QRLight || st == layout.QRDark) && for_ == "everybody" {
					continue // blanks without letters
				}
				if c := contrast(s.seen(fg), s.seen(bg)); c < least {
					t.Errorf("%s: %v has a contrast of %.2f to 1 for %s, want %.0f", name, st, c, for_, least)
				}
			}
		}
	}
	if want := []string{"dark", "deuteranopia", "high-contrast", "light", "mono", "tritanopia"}; !slices.Equal(Themes(), want) {
		t.Errorf("themes are %v, want %v", Themes(), want)
	}
}

// A sign distinguishes tones. Where colours do so as well, the people for whom a theme is made must see the difference.
func TestTonesDifferForTheAudienceOfATheme(t *testing.T) {
	titles := []layout.Style{layout.Title, layout.TitleGood, layout.TitleBad, layout.TitleAlert}
	for name, who := range map[string][]sight{"deuteranopia": {deuteranopia, protanopia}, "tritanopia": {tritanopia}, "dark": {usual}} {
		for _, s := range who {
			differ := func(a, b layout.Style) {
				fa, ba := shown(t, name, a)
				fb, bb := shown(t, name, b)
				if d := max(distance(s.seen(fa), s.seen(fb)), distance(s.seen(ba), s.seen(bb))); d < 20 {
					t.Errorf("%s: %v and %v differ by %.1f only", name, a, b, d)
				}
			}
			for i, a := range titles {
				for _, b := range titles[i+1:] {
					differ(a, b)
				}
			}
			differ(layout.Alert, layout.Text)
			differ(layout.Bad, layout.Strong)
			differ(layout.Field, layout.Text)
		}
	}
	// This checks the measure itself: deuteranopes confuse red and brown, which others do not.
	if usual, blind := distance(usual.seen(1), usual.seen(2)), distance(deuteranopia.seen(1), deuteranopia.seen(3)); usual < 60 || blind > 25 {
		t.Errorf("red and green differ by %.1f, red and brown by %.1f", usual, blind)
	}
}

func TestParseThemeRejectsInvalidThemes(t *testing.T) {
	good, err := themeFiles.ReadFile("themes/dark.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, from, to, says string }{
		{"unknown colour", `"grey on black"`, `"pink on black"`, `no "pink"`},
		{"bright background", `"white on blue"`, `"white on bright blue"`, `no "bright blue"`},
		{"no background", `"white on blue"`, `"white"`, "white on blue"},
		{"missing style", `"strong"`, `"stronk"`, `style "strong" is missing`},
		{"unknown style", `"strong":`, `"weak": "grey on black", "strong":`, "unknown style"},
		{"not JSON", "{", "[", "theme"},
	} {
		_, err := parseTheme("test", []byte(strings.Replace(string(good), tc.from, tc.to, 1)))
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestMonoUsesBlackAndGreyOnly(t *testing.T) {
	th, err := themeNamed("mono")
	if err != nil {
		t.Fatal(err)
	}
	for st, p := range th {
		if p.fg != white && p.fg != black || p.bg != white && p.bg != black {
			t.Errorf("%v is coloured", st)
		}
	}
}

// Half blocks are light in the foreground; the other style has light backgrounds.
func TestThemesKeepQRCodesReadable(t *testing.T) {
	for _, name := range Themes() {
		th, err := themeNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		if th[layout.QRHalf] != (colours{white, black, true}) || th[layout.QRLight].bg != white || th[layout.QRDark].bg != black {
			t.Errorf("%s: a phone may not read the code", name)
		}
	}
}

func TestSpeaksUTF8(t *testing.T) {
	for _, tc := range []struct {
		name, all, ctype, lang string
		want                   bool
	}{
		{"nothing is set", "", "", "", true},
		{"C", "", "", "C", false},
		{"POSIX", "POSIX", "", "en_GB.UTF-8", false},
		{"C.UTF-8", "C.UTF-8", "", "", true},
		{"a language without a character set", "", "", "de_DE", true},
		{"a language with one", "", "de_DE.UTF-8", "", true},
		{"lower case", "", "", "de_DE.utf8", true},
		{"Latin 1", "", "", "en_GB.ISO-8859-1", false},
		{"the euro variant", "", "", "de_DE.ISO-8859-15@euro", false},
		{"LC_ALL wins", "C", "", "de_DE.UTF-8", false},
		{"LC_CTYPE before LANG", "", "C", "de_DE.UTF-8", false},
	} {
		env := map[string]string{"LC_ALL": tc.all, "LC_CTYPE": tc.ctype, "LANG": tc.lang}
		if got := usesUTF8(func(k string) string { return env[k] }); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
		t.Run(tc.name, func(t *testing.T) { // useUTF8 makes tcell use UTF-8 in any case
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

func TestCharactersOfOtherDevicesAreUnknown(t *testing.T) {
	for _, device := range []string{"/dev/null", "/no/such/device"} {
		if has, ok := characters(device); ok {
			t.Errorf("%s counts as a console with %d characters", device, len(has))
		}
	}
}
