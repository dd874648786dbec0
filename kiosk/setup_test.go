package kiosk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/plain"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func setups() map[string]kiosk.Setup {
	stuck := kiosk.Setup{Stage: kiosk.SetupStuck, Since: noon - 2*time.Second, Until: noon + 6*time.Second}
	because := func(why kiosk.Reason) kiosk.Setup {
		s := stuck
		s.Why = why
		return s
	}
	busy, orphan := stuck, stuck
	busy.Busy, orphan.Orphan = true, "Kiosk Parcel station 4 (kbWrUyCv)"
	return map[string]kiosk.Setup{
		"begins": {Stage: kiosk.SetupBegins},
		"sign-in": {Stage: kiosk.SetupSignIn, Since: noon - 32*time.Second, Until: noon + 88*time.Second,
			Grant: kiosk.Grant{Address: "https://id.example.org/device", Complete: "https://id.example.org/device?user_code=WDJB-MJHT", UserCode: "WDJB-MJHT"}},
		"registers": {Stage: kiosk.SetupRegisters},
		"network":   because(kiosk.Unreachable), "server": because(kiosk.Misconfigured), "declined": because(kiosk.Declined),
		"clock": because(kiosk.BadClock), "disk": because(kiosk.Internal), "busy": busy, "orphan": orphan,
	}
}

// The screen of a device without a registration, in every language and size: complete
// where the picture does not fit, and with nothing to press, for there may be no keyboard.
func TestSetupScreens(t *testing.T) {
	all, _ := translations(t)
	at := kiosk.Device{Site: "Parcel station 4", Name: "kiosk-0042", Address: "192.0.2.17"}
	for name, u := range setups() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			for _, size := range goldenSizes {
				for _, c := range all {
					screen := kiosk.ViewSetup(u, noon, c, at)
					if len(screen.Keys) > 0 {
						t.Error("a key is offered")
					}
					got := plain.Frame(layout.Draw(screen, size.w, size.h, layout.Options{HalfBlocks: true}))
					fmt.Fprintf(&out, "== %dx%d %s\n%s", size.w, size.h, c.Language(), got)
					for _, wrong := range slices.Concat(unsaid(screen, got, size.h), undrawable(got)) {
						t.Errorf("%dx%d %s: %s\n%s", size.w, size.h, c.Language(), wrong, got)
					}
				}
			}
			golden(t, "setup-"+name+".txt", out.String())
		})
	}
}

// TestASetupInTheTechniciansLanguage: the key for that is the one of the customers' first
// screen, and leaves everything else where there is room.
func TestASetupInTheTechniciansLanguage(t *testing.T) {
	all, _ := translations(t)
	at := kiosk.Device{Site: "Parcel station 4", Name: "kiosk-0042", Address: "192.0.2.17"}
	for _, c := range all {
		at.Languages = append(at.Languages, c.Name())
	}
	for name, u := range setups() {
		for i, c := range all {
			u.Language = i
			screen := kiosk.ViewSetup(u, noon, c, at)
			next := kiosk.Key{Cap: "Tab", Text: at.Languages[(i+1)%len(all)], Does: kiosk.TabKey}
			if !slices.Equal(screen.Keys, []kiosk.Key{next}) {
				t.Errorf("%s in %s offers %+v", name, c.Language(), screen.Keys)
			}
			for _, size := range goldenSizes {
				got := plain.Frame(layout.Draw(screen, size.w, size.h, layout.Options{HalfBlocks: true}))
				for _, wrong := range slices.Concat(unsaid(screen, got, size.h), undrawable(got)) {
					t.Errorf("%s, %dx%d %s: %s\n%s", name, size.w, size.h, c.Language(), wrong, got)
				}
			}
		}
	}
}

func TestASetupCountsDown(t *testing.T) {
	all, _ := translations(t)
	u := setups()["sign-in"]
	early, late := kiosk.ViewSetup(u, noon, all[0], kiosk.Device{}), kiosk.ViewSetup(u, noon+80*time.Second, all[0], kiosk.Device{})
	if early.Gauge.Text != "88 seconds left" || late.Gauge.Text != "8 seconds left" || late.Gauge.Part >= early.Gauge.Part {
		t.Errorf("%+v, then %+v", *early.Gauge, *late.Gauge)
	}
	if early.Link.URL != u.Grant.Complete || early.Code != u.Grant.UserCode {
		t.Errorf("%+v", early)
	}
}
