package screen_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/plain"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

func setups() map[string]screen.Setup {
	stuck := screen.Setup{Stage: screen.SetupStuck, Since: noon - 2*time.Second, Until: noon + 6*time.Second}
	because := func(why kiosk.Reason) screen.Setup {
		s := stuck
		s.Why = why
		return s
	}
	busy, orphan := stuck, stuck
	busy.Busy, orphan.Orphan = true, "Kiosk Parcel station 4 (kbWrUyCv)"
	return map[string]screen.Setup{
		"begins": {Stage: screen.SetupBegins},
		"sign-in": {Stage: screen.SetupSignIn, Since: noon - 32*time.Second, Until: noon + 88*time.Second,
			Grant: kiosk.Grant{Address: "https://id.example.org/device", Complete: "https://id.example.org/device?user_code=WDJB-MJHT", UserCode: "WDJB-MJHT"}},
		"registers": {Stage: screen.SetupRegisters},
		"network":   because(kiosk.Unreachable), "server": because(kiosk.Misconfigured), "declined": because(kiosk.Declined),
		"clock": because(kiosk.BadClock), "disk": because(kiosk.Internal), "busy": busy, "orphan": orphan,
	}
}

// The screen of a device without a registration, in every language and size: complete
// where the picture does not fit, and with nothing to press, for there may be no keyboard.
func TestSetupScreens(t *testing.T) {
	all, _ := translations(t)
	at := screen.Device{Site: "Parcel station 4", Name: "kiosk-0042", Address: "192.0.2.17"}
	for name, u := range setups() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			for _, size := range goldenSizes {
				for _, c := range all {
					view := screen.ViewSetup(u, noon, c, at)
					if len(view.Keys) > 0 {
						t.Error("a key is offered")
					}
					got := plain.Frame(layout.Draw(view, size.w, size.h, layout.Options{HalfBlocks: true}))
					fmt.Fprintf(&out, "== %dx%d %s\n%s", size.w, size.h, c.Language(), got)
					for _, wrong := range slices.Concat(unsaid(view, got, size.h), undrawable(got)) {
						t.Errorf("%dx%d %s: %s\n%s", size.w, size.h, c.Language(), wrong, got)
					}
				}
			}
			golden(t, "setup-"+name+".txt", out.String())
		})
	}
}

// TestSetupLanguages: the key for that is the one of the customers' first
// screen, and leaves everything else where there is room.
func TestSetupLanguages(t *testing.T) {
	all, _ := translations(t)
	at := screen.Device{Site: "Parcel station 4", Name: "kiosk-0042", Address: "192.0.2.17"}
	for _, c := range all {
		at.Languages = append(at.Languages, c.Name())
	}
	for name, u := range setups() {
		for i, c := range all {
			u.Language = i
			view := screen.ViewSetup(u, noon, c, at)
			next := screen.Key{Cap: "Tab", Text: at.Languages[(i+1)%len(all)], Does: kiosk.TabKey}
			if !slices.Equal(view.Keys, []screen.Key{next}) {
				t.Errorf("%s in %s offers %+v", name, c.Language(), view.Keys)
			}
			for _, size := range goldenSizes {
				got := plain.Frame(layout.Draw(view, size.w, size.h, layout.Options{HalfBlocks: true}))
				for _, wrong := range slices.Concat(unsaid(view, got, size.h), undrawable(got)) {
					t.Errorf("%s, %dx%d %s: %s\n%s", name, size.w, size.h, c.Language(), wrong, got)
				}
			}
		}
	}
}

func TestSetupCountdown(t *testing.T) {
	all, _ := translations(t)
	u := setups()["sign-in"]
	early, late := screen.ViewSetup(u, noon, all[0], screen.Device{}), screen.ViewSetup(u, noon+80*time.Second, all[0], screen.Device{})
	if early.Gauge.Text != "88 seconds left" || late.Gauge.Text != "8 seconds left" || late.Gauge.Part >= early.Gauge.Part {
		t.Errorf("%+v, then %+v", *early.Gauge, *late.Gauge)
	}
	if early.Link.URL != u.Grant.Complete || early.Code != u.Grant.UserCode {
		t.Errorf("%+v", early)
	}
}
