package screen_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit/scenes"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// setups returns the stages of a set-up by name.
func setups() map[string]screen.Setup {
	stuck := screen.Setup{Stage: screen.SetupStuck, Since: scenes.Now - 2*time.Second, Until: scenes.Now + 6*time.Second}
	because := func(why kiosk.Reason) screen.Setup {
		s := stuck
		s.Why = why
		return s
	}
	busy, orphan := stuck, stuck
	busy.Busy, orphan.Orphan = true, "Kiosk Parcel station 4 (kbWrUyCv)"
	return map[string]screen.Setup{
		"begins": {Stage: screen.SetupBegins},
		"sign-in": {Stage: screen.SetupSignIn, Since: scenes.Now - 32*time.Second, Until: scenes.Now + 88*time.Second,
			Grant: kiosk.Grant{Address: "https://id.example.org/device", Complete: "https://id.example.org/device?user_code=WDJB-MJHT", UserCode: "WDJB-MJHT"}},
		"registers": {Stage: screen.SetupRegisters},
		"network":   because(kiosk.Unreachable), "server": because(kiosk.Misconfigured), "declined": because(kiosk.Declined),
		"clock": because(kiosk.BadClock), "disk": because(kiosk.Internal), "busy": busy, "orphan": orphan,
	}
}

// TestSetupScreens draws the screens of a device without a registration in every language and size. They are complete without
// the QR code and have no key, because there may be no keyboard.
func TestSetupScreens(t *testing.T) {
	all := languages(t)
	device := scenes.Device()
	for name, u := range setups() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			for _, size := range goldenSizes {
				for _, c := range all {
					view := screen.ViewSetup(u, scenes.Now, c, device)
					if len(view.Keys) > 0 {
						t.Error("there is a key")
					}
					frame := layout.Draw(view, size.w, size.h, layout.Options{HalfBlocks: true})
					got := scenes.Frame(frame)
					fmt.Fprintf(&out, "== %dx%d %s\n%s", size.w, size.h, c.Language(), got)
					for _, problem := range slices.Concat(spokenDifferences(view, got+frame.Headline, size.h), undrawable(got)) {
						t.Errorf("%dx%d %s: %s\n%s", size.w, size.h, c.Language(), problem, got)
					}
				}
			}
			golden(t, "setup-"+name+".txt", out.String())
		})
	}
}

// TestSetupLanguages checks that the key that changes the language is the one of the customers' first screen.
func TestSetupLanguages(t *testing.T) {
	all := languages(t)
	device := scenes.Device()
	device.Languages = scenes.LanguageNames(all)
	for name, u := range setups() {
		for i, c := range all {
			u.Language = i
			view := screen.ViewSetup(u, scenes.Now, c, device)
			next := screen.Key{Cap: "Tab", Text: device.Languages[(i+1)%len(all)], Does: kiosk.TabKey}
			if !slices.Equal(view.Keys, []screen.Key{next}) {
				t.Errorf("%s in %s offers %+v", name, c.Language(), view.Keys)
			}
			for _, size := range goldenSizes {
				got := scenes.Frame(layout.Draw(view, size.w, size.h, layout.Options{HalfBlocks: true}))
				for _, problem := range slices.Concat(spokenDifferences(view, got, size.h), undrawable(got)) {
					t.Errorf("%s, %dx%d %s: %s\n%s", name, size.w, size.h, c.Language(), problem, got)
				}
			}
		}
	}
}

func TestSetupCountdown(t *testing.T) {
	all := languages(t)
	u := setups()["sign-in"]
	early, late := screen.ViewSetup(u, scenes.Now, all[0], screen.Device{}), screen.ViewSetup(u, scenes.Now+80*time.Second, all[0], screen.Device{})
	if early.Gauge.Text != "88 seconds left" || late.Gauge.Text != "8 seconds left" || late.Gauge.Part >= early.Gauge.Part {
		t.Errorf("%+v, then %+v", *early.Gauge, *late.Gauge)
	}
	if early.Link.URL != u.Grant.Complete || early.Code != u.Grant.UserCode {
		t.Errorf("%+v", early)
	}
}
