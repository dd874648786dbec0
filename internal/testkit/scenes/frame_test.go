package scenes

import (
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

func TestFrameReplacesColoursBySigns(t *testing.T) {
	s := screen.Screen{
		Phase: kiosk.Ready, Title: "Welcome", Link: &screen.Link{URL: "https://shop.example/kiosk", Caption: "Your account"},
		Keys: []screen.Key{{Cap: "Any key", Text: "Begin"}},
	}
	got := Frame(layout.Draw(s, 128, 48, layout.Options{}))
	if !strings.Contains(got, "[Any key] Begin") {
		t.Error("the caps of keys are not marked")
	}
	if strings.Count(got, "█") < 500 {
		t.Error("a QR code in background colours is missing")
	}
	for _, l := range strings.Split(got, "\n") {
		if strings.TrimRight(l, " ") != l {
			t.Errorf("%q ends in blanks", l)
		}
	}
}
