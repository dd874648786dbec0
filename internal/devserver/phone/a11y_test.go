//go:build a11y

package phone

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/providertest"
)

var (
	axe      = flag.String("axe", "", "`file` of axe-core, the accessibility checker (make a11y)")
	pictures = flag.String("pictures", "", "`folder` for a screenshot of each page")
)

// screen is a phone screen in portrait, in CSS pixels.
type screen struct{ wide, high int64 }

// The smallest phone still sold, and a common size.
var screens = []screen{{320, 568}, {390, 844}}

// pageState is a page in one of its states.
type pageState struct {
	name string
	goTo func(*providertest.Harness) string // brings the page into the state and returns its path
	wait string                             // CSS selector that must be visible first
}

var pageStates = []pageState{
	{"person", func(*providertest.Harness) string { return "/phone" }, ".person"},
	{"waiting", func(*providertest.Harness) string { return "/phone/alice" }, "#empty"},
	{"request", func(g *providertest.Harness) string {
		g.Ask("kiosk-basic", "alice", "request_context", `{"site":"Main Street"}`, "scope", "openid email parcels")
		return "/phone/alice"
	}, "[data-code]"},
	{"details", func(g *providertest.Harness) string {
		g.Ask("kiosk-basic", "bob", "binding_message", "Market Square 12 K7-4F9Q", "authorization_details",
			`[{"type":"parcel_pickup","actions":["open","read"],"locations":["https://shop.example/lockers/12"],"amount":{"currency":"EUR","value":12.50}}]`)
		return "/phone/bob"
	}, "[data-code]"},
	{"device", func(g *providertest.Harness) string {
		r := g.Post("/device_authorization", "kiosk-device", url.Values{"scope": {"openid"}})
		return "/device?user_code=" + r.Text("user_code")
	}, "[data-code]"},
	{"device code", func(*providertest.Harness) string { return "/device" }, "#user_code"},
	{"device code wrong", func(*providertest.Harness) string { return "/device?user_code=BBBB-BBBB" }, "#wrong"},
	{"device approved", func(*providertest.Harness) string { return "/device?done=approved" }, "[data-done]"},
	{"approved", func(*providertest.Harness) string { return "/phone/carol?done=approved" }, "[data-done]"},
	{"declined", func(*providertest.Harness) string { return "/phone/carol?done=denied" }, "[data-done]"},
	{"too late", func(*providertest.Harness) string { return "/phone/carol?done=gone" }, "[data-done]"},
	{"expired", func(g *providertest.Harness) string {
		g.Ask("kiosk-basic", "erin", "user_code", "25802580")
		return "/phone/erin"
	}, "[data-code]"},
	{"error", func(g *providertest.Harness) string { return "/phone/alice" }, "#empty, [data-code]"},
}

// browserIn starts a browser that prefers a colour scheme.
func browserIn(t *testing.T, scheme string) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("browser: %v", err)
	}
	setting := map[string]string{"dark": "preferredColorScheme=0", "light": "preferredColorScheme=1"}[scheme]
	alloc, stop := chromedp.NewExecAllocator(t.Context(), append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("blink-settings", setting),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true))...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser to exit
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("browser: %v", err)
	}
	return ctx
}

// finding is a rule of axe-core that a page breaks.
type finding struct {
	ID, Help string
	Nodes    []struct{ HTML, FailureSummary string }
}

// runAxe applies all rules, including best practices, WCAG 2.2 AA and AAA contrast.
const runAxe = `axe.run(document, {resultTypes: ["violations"], rules: {"color-contrast-enhanced": {enabled: true}, "target-size": {enabled: true}}})
	.then((r) => ({Violations: r.violations.map((v) => ({ID: v.id, Help: v.help, Nodes: v.nodes.map((n) => ({HTML: n.html, FailureSummary: n.failureSummary}))})), Passes: r.passes.length}))`

// measure reports the colour scheme, the overflow, controls that are too small, cut texts,
// the looks of the two answers, and resources of other origins.
const measure = `(() => {
	const shown = (e) => e.checkVisibility() && e.getBoundingClientRect().width > 1;
	const look = (b) => { const s = getComputedStyle(b), r = b.getBoundingClientRect();
		return [r.width, r.height, r.top, s.color, s.backgroundColor, s.borderColor, s.fontSize, s.fontWeight].join(" "); };
	return {Dark: matchMedia("(prefers-color-scheme: dark)").matches, Lang: document.documentElement.lang,
		Over: document.documentElement.scrollWidth - innerWidth,
		Small: [...document.querySelectorAll("a, button, select, summary, input[type=text], label:has(input)")].filter(shown).filter((e) => {
			const r = e.getBoundingClientRect(); return r.height < 44 && !e.closest("p"); }).map((e) => e.outerHTML),
		Cut: [...document.querySelectorAll("button, [data-code] span")].filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).map((e) => e.outerHTML),
		Looks: [...document.querySelectorAll("[data-action]")].map(look),
		Outside: performance.getEntriesByType("resource").map((e) => e.name).filter((n) => new URL(n).origin !== location.origin)};
})()`

// TestAccessibility checks each page state with axe-core, on two screens and in both
// colour schemes.
func TestAccessibility(t *testing.T) {
	script, err := os.ReadFile(*axe)
	if err != nil {
		t.Fatalf("axe-core: %v; run make a11y", err)
	}
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			b := browserIn(t, scheme)
			ctx, cancel := context.WithTimeout(b, 5*time.Minute)
			defer cancel()
			for _, lang := range languages {
				if scheme == "dark" && !slices.Contains(axed, lang) {
					continue // dark pages have the same layout
				}
				g := providertest.Start(t, provider.Options{}, Register)
				for _, state := range pageStates {
					checkPage(t, ctx, g, state, lang, scheme, string(script))
				}
			}
		})
	}
}

// axed are the languages checked with axe-core, which is slow; they include the longest
// words. All languages are measured.
var axed = []string{"en", "de", "pl"}

// checkPage opens a page and checks it on each screen.
func checkPage(t *testing.T, ctx context.Context, g *providertest.Harness, state pageState, lang, scheme, script string) {
	t.Helper()
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatalf("%s %s: %v", state.name, lang, err)
		}
	}
	address, _ := url.Parse(g.URL + state.goTo(g))
	q := address.Query()
	q.Set("lang", lang)
	address.RawQuery = q.Encode()
	small := screens[0]
	do(chromedp.EmulateViewport(small.wide, small.high, chromedp.EmulateScale(2), chromedp.EmulatePortrait, chromedp.EmulateMobile, chromedp.EmulateTouch),
		chromedp.Navigate(address.String()), chromedp.WaitVisible(chromedp.CSS(state.wait)))
	switch state.name {
	case "expired":
		g.Clock.Advance(3 * time.Minute)
		do(chromedp.WaitVisible(chromedp.CSS(`[data-done="ended"]`)))
	case "error":
		do(chromedp.Evaluate[chromedp.Void](`(() => { const f = Object.assign(document.createElement("form"), {method: "post", action: "/phone/alice/answer"});
			document.body.append(f); f.submit(); })()`), chromedp.WaitVisible(chromedp.CSS(`[role="alert"]`)))
	}
	checked := slices.Contains(axed, lang)
	if checked {
		do(chromedp.Evaluate[chromedp.Void](script))
	}
	for _, on := range screens {
		where := fmt.Sprintf("%s, %s, %s, %dx%d", state.name, lang, scheme, on.wide, on.high)
		do(chromedp.EmulateViewport(on.wide, on.high, chromedp.EmulateScale(2), chromedp.EmulatePortrait, chromedp.EmulateMobile, chromedp.EmulateTouch))
		raw, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](measure))
		var m struct {
			Dark                       bool
			Lang                       string
			Over                       float64
			Small, Cut, Looks, Outside []string
		}
		if err == nil {
			err = json.Unmarshal(raw, &m)
		}
		switch {
		case err != nil:
			t.Fatalf("%s: %v", where, err)
		case m.Dark != (scheme == "dark") || m.Lang != lang:
			t.Errorf("%s: wrong colour scheme or language: %+v", where, m)
		case m.Over > 0 || len(m.Small) > 0 || len(m.Cut) > 0 || len(m.Outside) > 0:
			t.Errorf("%s: too wide by %v; too small: %v; cut: %v; of other origins: %v", where, m.Over, m.Small, m.Cut, m.Outside)
		case len(m.Looks) == 2 && m.Looks[0] != m.Looks[1]:
			t.Errorf("%s: the two answers look different: %q", where, m.Looks)
		}
		if *pictures != "" && lang != "pl" {
			png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err == nil {
				name := strings.ReplaceAll(fmt.Sprintf("%s-%s-%s-%d.png", state.name, lang, scheme, on.wide), " ", "-")
				err = os.WriteFile(filepath.Join(*pictures, name), png, 0o644)
			}
			if err != nil {
				t.Fatalf("%s: picture: %v", where, err)
			}
		}
		if !checked {
			continue
		}
		raw, err = chromedp.Run(ctx, chromedp.Evaluate[[]byte](runAxe, chromedp.EvalAwaitPromise))
		var seen struct {
			Violations []finding
			Passes     int
		}
		if err == nil {
			err = json.Unmarshal(raw, &seen)
		}
		if err != nil || seen.Passes < 10 {
			t.Fatalf("%s: axe-core: %v, %d rules passed", where, err, seen.Passes)
		}
		for _, v := range seen.Violations {
			t.Errorf("%s: %s: %s: %+v", where, v.ID, v.Help, v.Nodes)
		}
	}
}
