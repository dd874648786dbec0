package tui

import (
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gdamore/tcell/v2"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
)

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

// sight simulates how somebody sees colours, with the matrices of Machado, Oliveira and Fernandes (2009) for full colour
// blindness.
type sight [3][3]float64

var (
	usual        = sight{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	protanopia   = sight{{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}
	deuteranopia = sight{{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}
	tritanopia   = sight{{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}
)

// sees returns how a colour looks.
func (s sight) sees(c color.RGBA) color.RGBA {
	from := [3]float64{linear(float64(c.R)), linear(float64(c.G)), linear(float64(c.B))}
	var out [3]uint8
	for i, row := range s {
		v := 0.0
		for j, f := range row {
			v += f * from[j]
		}
		out[i] = uint8(math.Round(curved(v)))
	}
	return color.RGBA{out[0], out[1], out[2], 255}
}

// distance returns how different two colours look (CIE 1976). Below 2.3 nobody sees a difference, from 20 on everybody
// does.
func distance(a, b color.RGBA) float64 {
	p, q := lab(a), lab(b)
	return math.Sqrt(math.Pow(p[0]-q[0], 2) + math.Pow(p[1]-q[1], 2) + math.Pow(p[2]-q[2], 2))
}

func lab(c color.RGBA) [3]float64 {
	l := [3]float64{linear(float64(c.R)), linear(float64(c.G)), linear(float64(c.B))}
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

// drawn is a theme in one of its two forms.
type drawn struct {
	name    string
	palette Palette
	looks   [layout.Styles]Look
}

// bothForms returns each theme with its own palette, and with the console's.
func bothForms(t *testing.T) (all []drawn) {
	t.Helper()
	for _, name := range Themes() {
		for form, plain := range map[string]bool{"": false, " in eight colours": true} {
			palette, looks, err := Theme(name, plain)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, drawn{name + form, palette, looks})
		}
	}
	return all
}

func (d drawn) colours(st layout.Style) (fg, bg color.RGBA) {
	return d.palette[d.looks[st].Foreground], d.palette[d.looks[st].Background]
}

// decorations are styles whose cells are no text: what they show is also said in words.
var decorations = []layout.Style{layout.QRLight, layout.QRDark, layout.BarRest}

func TestThemesHaveEnoughContrast(t *testing.T) {
	for _, theme := range bothForms(t) {
		least := 7.0 // WCAG 1.4.6
		if strings.HasPrefix(theme.name, "high-contrast") {
			least = 12
		}
		who := map[string]sight{"everybody": usual}
		switch {
		case strings.HasPrefix(theme.name, "deuteranopia"): // and protanopia, which looks similar
			who["deuteranopia"], who["protanopia"] = deuteranopia, protanopia
		case strings.HasPrefix(theme.name, "tritanopia"):
			who["tritanopia"] = tritanopia
		}
		for st := range layout.Style(layout.Styles) {
			if theme.looks[st].Background >= backgrounds {
				t.Errorf("%s: %v has a background that consoles lack", theme.name, st)
			}
			if slices.Contains(decorations, st) {
				continue
			}
			fg, bg := theme.colours(st)
			for whose, s := range who {
				if c := contrast(s.sees(fg), s.sees(bg)); c < least {
					t.Errorf("%s: %v has a contrast of %.2f to 1 for %s, want %.0f", theme.name, st, c, whose, least)
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
	audience := map[string][]sight{"deuteranopia": {deuteranopia, protanopia}, "tritanopia": {tritanopia}, "dark": {usual}, "light": {usual}}
	for _, theme := range bothForms(t) {
		name, _, _ := strings.Cut(theme.name, " ")
		for _, s := range audience[name] {
			differ := func(a, b layout.Style) {
				fa, ba := theme.colours(a)
				fb, bb := theme.colours(b)
				if d := max(distance(s.sees(fa), s.sees(fb)), distance(s.sees(ba), s.sees(bb))); d < 20 {
					t.Errorf("%s: %v and %v differ by %.1f only", theme.name, a, b, d)
				}
			}
			for i, a := range titles {
				for _, b := range titles[i+1:] {
					differ(a, b)
				}
			}
			differ(layout.Alert, layout.Text)
			differ(layout.Bad, layout.Strong)
		}
	}
	// This checks the measure itself: deuteranopes confuse red and brown, which others do not.
	red, green, brown := ConsolePalette[1], ConsolePalette[2], ConsolePalette[3]
	if usual, blind := distance(red, green), distance(deuteranopia.sees(red), deuteranopia.sees(brown)); usual < 60 || blind > 25 {
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
		{"bright background", `"text on ground"`, `"ground on text"`, `no "text"`},
		{"no background", `"text on ground"`, `"text"`, "FOREGROUND on BACKGROUND"},
		{"missing style", `"strong"`, `"stronk"`, `style "strong" is missing`},
		{"unknown style", `"strong":`, `"weak": "text on ground", "strong":`, "unknown style"},
		{"missing colour", `"accent"`, `"akzent"`, `colour "accent"`},
		{"not a colour", `"#0E1525"`, `"#0E152"`, "#rrggbb"},
		{"not JSON", "{", "[", "theme"},
	} {
		_, err := parseTheme("test", []byte(strings.Replace(string(good), tc.from, tc.to, 1)))
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestMonoHasNoHue(t *testing.T) {
	for _, theme := range bothForms(t) {
		if !strings.HasPrefix(theme.name, "mono") {
			continue
		}
		for st := range layout.Style(layout.Styles) {
			fg, bg := theme.colours(st)
			for _, c := range []color.RGBA{fg, bg} {
				if c.R != c.G || c.G != c.B {
					t.Errorf("%s: %v is coloured", theme.name, st)
				}
			}
		}
	}
}

// Half blocks are light in the foreground; the other style has light backgrounds. A reader needs a clear difference.
func TestThemesKeepQRCodesReadable(t *testing.T) {
	for _, theme := range bothForms(t) {
		light, dark := theme.colours(layout.QRHalf)
		_, lightBlank := theme.colours(layout.QRLight)
		_, darkBlank := theme.colours(layout.QRDark)
		for _, pair := range [][2]color.RGBA{{light, dark}, {lightBlank, darkBlank}} {
			if luminance(pair[0]) < luminance(pair[1]) || contrast(pair[0], pair[1]) < leastContrast {
				t.Errorf("%s: a phone may not read the code", theme.name)
			}
		}
	}
}

// An owner's accent is used as it is where it can be read, and else the error names one that can.
func TestAccent(t *testing.T) {
	for _, theme := range bothForms(t) {
		if strings.Contains(theme.name, "eight") {
			continue
		}
		for _, text := range []string{"#ff8800", "#003366", "#ffffff", "#000000", "#808080", "#c00000"} {
			accent, err := ParseColour(text)
			if err != nil {
				t.Fatal(err)
			}
			with, err := theme.palette.WithAccent(accent)
			if err != nil {
				_, said, _ := strings.Cut(err.Error(), "nearest colour that is: ")
				nearest, parseErr := ParseColour(said)
				if parseErr != nil {
					t.Fatalf("%s, %s: %v", theme.name, text, err)
				}
				if with, err = theme.palette.WithAccent(nearest); err != nil {
					t.Errorf("%s, %s: the colour in the error is refused as well: %v", theme.name, text, err)
				}
			}
			for _, st := range []layout.Style{layout.Bar, layout.PictureAccent} {
				look := theme.looks[st]
				if c := contrast(with[look.Foreground], with[look.Background]); c < leastContrast {
					t.Errorf("%s, %s: %v has a contrast of %.1f", theme.name, text, st, c)
				}
			}
		}
	}
	for _, text := range []string{"", "ff8800", "#ff880", "#gg8800", "orange", "#ff880000"} {
		if _, err := ParseColour(text); err == nil {
			t.Errorf("%q counts as a colour", text)
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
