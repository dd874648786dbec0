package screen_test

import (
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/plain"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit/scenes"
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// languages returns all message catalogues, English first.
func languages(t *testing.T) []*words.Catalog {
	t.Helper()
	all, err := scenes.Languages()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestIdlePromptHidesPersonalData(t *testing.T) {
	english := languages(t)[:1]
	prompts := 0
	for _, sc := range scenes.All() {
		if !sc.State.Idle.Prompted {
			continue
		}
		prompts++
		view := sc.View(english, 0)
		got := scenes.Frame(layout.Draw(view, 80, 24, layout.Options{})) + strings.Join(plain.Say(view), " ")
		personal := []string{sc.Private.Result.Title, sc.Private.Input}
		for _, f := range sc.Private.Result.Fields {
			personal = append(personal, f.Value)
		}
		for _, p := range personal {
			if p != "" && strings.Contains(got, p) {
				t.Errorf("%s shows %q", sc.Name, p)
			}
		}
	}
	if prompts < 2 {
		t.Errorf("only %d scenes have an idle prompt", prompts)
	}
}

func TestScreensContainNoTechnicalTerms(t *testing.T) {
	english := languages(t)[:1]
	for _, sc := range scenes.All() {
		if sc.State.Phase == kiosk.Menu && len(sc.Private.Result.Fields) > 0 {
			continue // reports for a technician contain them
		}
		text := strings.ToLower(strings.Join(plain.Say(sc.View(english, 0)), " "))
		for _, term := range []string{"auth_req_id", "token", "oauth", "ciba", "error", "exception", "timeout", "server", "http:", "null", "{", "}"} {
			if strings.Contains(text, term) && sc.Device.Link == "" {
				t.Errorf("%s contains %q: %s", sc.Name, term, text)
			}
		}
		if text == "" {
			t.Errorf("%s has no text", sc.Name)
		}
	}
}
