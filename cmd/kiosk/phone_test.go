package main

import (
	"context"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// A phone of ordinary size, held upright.
const phoneWide, phoneHigh, phoneScale = 390, 844, 3

// browser starts a real browser. Without one the test is skipped, with a message.
func browser(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Log("NOT TESTED: approval on a real phone page. There is no browser here.")
		t.Skip("no chromium, chromium-browser or google-chrome: install the package chromium to test this")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), // a fresh profile, headless, no first run
		chromedp.ExecPath(path),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true), chromedp.Flag("no-first-run", true),
	)
	alloc, stop := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser to end, so that its folder can go
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("browser: %v", err)
	}
	return ctx
}

// phone is a person's phone page in a tab of its own.
type phone struct {
	t   *testing.T
	ctx context.Context
}

// phone opens a person's page on a phone's screen before there is a request.
func (r *rig) phone(t *testing.T, browser context.Context, who string) *phone {
	t.Helper()
	tab, closeTab := chromedp.NewContext(browser)
	ctx, cancel := context.WithTimeout(tab, 2*limit)
	t.Cleanup(func() { cancel(); closeTab() })
	p := &phone{t, ctx}
	p.do("open the phone page",
		chromedp.EmulateViewport(phoneWide, phoneHigh, chromedp.EmulateScale(phoneScale), chromedp.EmulatePortrait, chromedp.EmulateMobile, chromedp.EmulateTouch),
		chromedp.Navigate(r.url+"/phone/"+who),
		chromedp.WaitVisible(chromedp.CSS("#empty")))
	return p
}

func (p *phone) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatalf("phone: %s: %v", what, err)
	}
}

// code waits for a request to appear by itself and returns its code.
func (p *phone) code() string {
	p.t.Helper()
	p.do("see a request", chromedp.WaitVisible(chromedp.CSS("[data-code]")))
	code, err := chromedp.Run(p.ctx, chromedp.Text(chromedp.CSS("[data-code]")))
	if err != nil {
		p.t.Fatalf("phone: read the code: %v", err)
	}
	return strings.TrimSpace(code)
}

// tap taps a button.
func (p *phone) tap(action string) {
	p.t.Helper()
	button := `[data-action="` + action + `"]`
	size, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]float64](`(() => {
		const r = document.querySelector('`+button+`').getBoundingClientRect();
		return [r.width, r.height, document.documentElement.scrollWidth, innerWidth, window.devicePixelRatio, navigator.maxTouchPoints];
	})()`))
	if err != nil {
		p.t.Fatalf("phone: measure the button: %v", err)
	}
	if size[3] != phoneWide || size[4] != phoneScale || size[5] < 1 {
		p.t.Fatalf("phone: wrong screen size: %v", size)
	}
	// WCAG 2.5.5 demands 44 by 44; and nobody should have to scroll sideways.
	if size[0] < 44 || size[1] < 44 || size[2] > phoneWide {
		p.t.Errorf("button %s is %v by %v on a page %v wide", action, size[0], size[1], size[2])
	}
	p.do("tap "+action, chromedp.Tap(chromedp.CSS(button)))
}

// press reaches a button by Tab alone, checks that the focus is visible at each stop, and presses Enter.
func (p *phone) press(action string) {
	p.t.Helper()
	const most = 10 // what stands before the buttons is a link or two
	for range most {
		p.do("Tab", chromedp.KeyEvent("\t"))
		at, err := chromedp.Run(p.ctx, chromedp.Evaluate[struct {
			Action, Name string
			Seen         bool
		}](`(() => {
			const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
			return {action: e.dataset.action ?? "", name: e.textContent.trim(),
				seen: e.matches(":focus-visible") && s.outlineStyle === "solid" && parseFloat(s.outlineWidth) >= 3 && r.top >= 0 && r.bottom <= innerHeight};
		})()`))
		if err != nil {
			p.t.Fatalf("phone: read the focus: %v", err)
		}
		if !at.Seen {
			p.t.Errorf("phone: the focus on %q cannot be seen", at.Name)
		}
		if at.Action == action {
			p.do("Enter", chromedp.KeyEvent("\r"))
			return
		}
	}
	p.t.Fatalf("phone: %s is not reached by %d times Tab", action, most)
}

// waitForAnswer waits until the page shows the outcome.
func (p *phone) waitForAnswer(done string) {
	p.t.Helper()
	p.do("see the outcome "+done, chromedp.WaitVisible(chromedp.CSS(`[data-done="`+done+`"]`)))
}

// visitWithPhone begins a visit at the kiosk, and checks that the person's phone shows the same code.
func (r *rig) visitWithPhone(t *testing.T, browser context.Context, who string) (p *phone, x *terminal, code string) {
	t.Helper()
	p, x = r.phone(t, browser, who), r.screen()
	code = x.identify(who)
	if onPhone := p.code(); onPhone != code {
		t.Errorf("the phone shows %q, the kiosk %q", onPhone, code)
	}
	return p, x, code
}

// TestVisitsWithAPhoneInABrowser plays whole visits with both screens: the kiosk's on a terminal, the phone's in a
// browser.
func TestVisitsWithAPhoneInABrowser(t *testing.T) {
	t.Parallel()
	b := browser(t)
	// The group ends before the browser is closed.
	t.Run("visits", func(t *testing.T) {
		t.Run("approved", func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p, x, code := r.visitWithPhone(t, b, "alice")
			x.checkMasked("alice", "a***")
			p.tap("approve")
			p.waitForAnswer("approved")
			x.mustShow(say(t, screen.MsgShownTitle), say(t, screen.MsgShownHidden))
			if text := flat(x.picture()); strings.Contains(text, "1240") || strings.Contains(text, "Alice") {
				t.Errorf("the details are shown before a key is pressed:\n%s", x.picture())
			}
			x.press(anyKey, "Welcome, Alice", "1240", "Gold")
			x.press(escape, say(t, screen.MsgReadyTitle))
			x.checkForgotten("alice", "a***", "1240", "Gold", code, screen.SpellOut(code))
			if n, m := r.count("backchannel"), r.count("api"); n != 1 || m != 1 {
				t.Errorf("%d requests, %d calls of the API", n, m)
			}
			r.eventually("the tokens are revoked", func() bool { return r.count("revocation") == 1 })
			x.checkAll(kiosk.StageShown, kiosk.NoReason)
		})
		t.Run("approved by keyboard alone", func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p, x, _ := r.visitWithPhone(t, b, "alice")
			heard, err := chromedp.Run(p.ctx, chromedp.Poll[string](`document.getElementById("news").textContent`, chromedp.WithPollingInterval(50*time.Millisecond)))
			if err != nil || !strings.Contains(heard, "asks for your approval") {
				t.Errorf("a screen reader reads %q, %v", heard, err)
			}
			p.press("approve")
			p.waitForAnswer("approved")
			if on, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.activeElement.textContent`)); err != nil || on != "Approved" {
				t.Errorf("afterwards the focus is on %q, %v", on, err)
			}
			x.press(anyKey, "Welcome, Alice", "1240", "Gold")
			x.press(escape, say(t, screen.MsgReadyTitle))
			x.checkAll(kiosk.StageShown, kiosk.NoReason)
		})
		t.Run("declined", func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p, x, code := r.visitWithPhone(t, b, "alice")
			p.tap("decline")
			p.waitForAnswer("denied")
			x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)), say(t, screen.EndedAdvice(kiosk.Declined)))
			x.press(escape, say(t, screen.MsgReadyTitle))
			x.checkForgotten("alice", "a***", code)
			if n := r.count("api"); n > 0 {
				t.Errorf("the API was called %d times", n)
			}
			x.checkAll(kiosk.StageEnded, kiosk.Declined)
		})
		t.Run("approved by somebody else", func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p, x, _ := r.visitWithPhone(t, b, "alice")
			p.do("choose who answers", chromedp.Tap(chromedp.CSS("details.dev summary")),
				chromedp.WaitVisible(chromedp.CSS(`select[name="as"]`)), chromedp.SetValue(chromedp.CSS(`select[name="as"]`), "bob"))
			p.tap("approve")
			p.waitForAnswer("approved")
			x.mustShow(say(t, screen.EndedTitle(kiosk.WrongPerson)))
			x.press(escape, say(t, screen.MsgReadyTitle))
			x.checkForgotten("alice", "bob", "a***")
			x.checkAll(kiosk.StageEnded, kiosk.WrongPerson)
		})
		t.Run("cancelled at the kiosk", func(t *testing.T) {
			t.Parallel()
			// Long enough for a busy machine to show the request on the phone and to cancel
			// here before the request expires, which the test waits for below.
			r := newRig(t, "KIOSK_REQUESTED_EXPIRY="+strconv.Itoa(15*int(patience())))
			p, x, _ := r.visitWithPhone(t, b, "alice")
			began := time.Now()
			x.press(escape, say(t, screen.EndedTitle(kiosk.Cancelled)))
			// CIBA has no cancellation: the phone shows the request until it expires.
			p.do("see the request go", chromedp.WaitNotPresent(chromedp.CSS("[data-code]")))
			if d := time.Since(began); d > limit {
				t.Errorf("it took %v", d)
			}
			x.press(escape, say(t, screen.MsgReadyTitle))
			x.checkForgotten("alice", "a***")
			x.checkAll(kiosk.StageEnded, kiosk.Cancelled)
		})
	})
}
