package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// logoPicture returns a PNG picture: red, and green below.
func logoPicture(t testing.TB) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 120, 60))
	for y := range 60 {
		for x := range 120 {
			img.Set(x, y, map[bool]color.Color{true: color.RGBA{220, 30, 30, 255}, false: color.RGBA{20, 160, 60, 255}}[y < 30])
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWrongFaceIsRefused has an owner's logo, welcome or accent that cannot be used: config check says why, in one sentence.
func TestWrongFaceIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	good := logoPicture(t)
	link := r.dir + "/link.png"
	if err := os.Symlink(r.write("real.png", string(good)), link); err != nil {
		t.Fatal(err)
	}
	for setting, says := range map[string]string{
		"KIOSK_LOGO=" + r.write("cut.png", string(good[:len(good)/2])):               "damaged PNG picture",
		"KIOSK_LOGO=" + r.write("text.png", "<svg/>"):                                "not a PNG picture",
		"KIOSK_LOGO=" + r.write("long.png", string(good)+strings.Repeat("x", 1<<20)): "too long",
		"KIOSK_LOGO=" + link:                       "symbolic link",
		"KIOSK_LOGO=" + r.dir:                      "not a regular file",
		"KIOSK_ACCENT=#123456":                     "nearest colour that is: #",
		"KIOSK_ACCENT=red":                         "#rrggbb",
		"KIOSK_WELCOME=xx: Hello":                  "not in KIOSK_LANGUAGES",
		"KIOSK_WELCOME=en: Hello | en: Hi":         "two texts for one language",
		"KIOSK_WELCOME=" + strings.Repeat("y", 61): "more than 60 characters",
	} {
		c := newRig(t, setting).start("config", "check")
		if code := c.wait(); code != 3 || !strings.Contains(c.out.text()+c.err.text(), says) {
			t.Errorf("%s: exit code %d\n%s%s", setting, code, c.out.text(), c.err.text())
		}
	}
}

// TestFirstScreenHasTheOwnersFace shows logo and welcome in the language of the screen.
func TestFirstScreenHasTheOwnersFace(t *testing.T) {
	t.Parallel()
	for languages, welcome := range map[string]string{"en,de": "Parcels", "de,en": "Pakete", "nl,en,de": "Paczki"} {
		language := languages[:2]
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "KIOSK_LANGUAGES="+languages, "KIOSK_WELCOME=en: Parcels | de: Pakete | Paczki", "KIOSK_ACCENT=#ffb060")
			r.set("KIOSK_LOGO=" + r.write("logo.png", string(logoPicture(t))))
			x := r.startIn(100, 30, nil, "run")
			x.until("the welcome in large letters, and how to begin", func(text string) bool {
				return strings.Contains(text, sayIn(t, language, screen.MsgReadyTitle)) && isDrawn(grid(x.picture()), drawWord(welcome))
			})
		})
	}
}
