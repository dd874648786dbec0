package main

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

const chord = "\x14" // Ctrl-T

// newTechnicianRig returns a device with a technician's menu and a server at which tara is a technician.
func newTechnicianRig(t *testing.T, settings ...string) *rig {
	return newRig(t, append([]string{"KIOSK_TECHNICIAN_CLAIM=roles=kiosk-technician", "KIOSK_SCOPE=openid profile customer"}, settings...)...)
}

// signIn begins a technician's sign-in and returns its code.
func (x *terminal) signIn(who string) (code string) {
	x.t.Helper()
	x.press(chord, say(x.t, screen.MsgMenuIdentify))
	x.send(who)
	x.mustShow(who)
	x.send(enter)
	return x.code()
}

// signInApproved signs a technician in, who approves.
func (x *terminal) signInApproved(who string) {
	x.t.Helper()
	x.signIn(who)
	if err := x.rig.dev.Approve(who, ""); err != nil {
		x.t.Fatal(err)
	}
	x.mustShow(say(x.t, screen.MsgMenuTitle))
}

// toggleService presses 3 once, because a second time would undo it, and confirms if the menu asks.
func (x *terminal) toggleService(closes bool, want string) {
	x.t.Helper()
	time.Sleep(100 * time.Millisecond)
	x.send("3")
	if closes {
		x.mustShow(say(x.t, screen.MsgMenuConfirmClose, "n", 1))
		x.send(enter)
	}
	x.mustShow(want)
}

func TestTechnicianMenu(t *testing.T) {
	t.Parallel()
	r := newTechnicianRig(t)
	x := r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	code := x.signIn("tara")
	if asked := r.arrivals("backchannel"); len(asked) != 1 || asked[0].Code != "service-"+code {
		t.Errorf("the phone shows %+v beside %q on the screen", asked, code)
	}
	x.mustShow(say(t, screen.MsgMenuSame, "message", "service-"+code))
	x.press(chord, say(t, screen.MsgMenuRefused))
	if err := r.dev.Approve("tara", ""); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.MsgMenuTitle), say(t, screen.MsgMenuServes))

	x.press("1", say(t, screen.MsgMenuStatus), "serving", "site Test shop")
	x.press(escape, say(t, screen.MsgMenuTitle))
	x.press("2", say(t, screen.MsgMenuDoctor), "failed:", "warnings:", "ok:")
	x.press(escape, say(t, screen.MsgMenuTitle))

	x.toggleService(true, say(t, screen.MsgMenuClosed))
	if code, s := r.status(); code != exitOutOfService || s["state"] != "out_of_service" || s["phase"] != "technician" {
		t.Errorf("kiosk status says %d: %v", code, s)
	}
	x.press(escape, say(t, screen.MsgClosedTitle), say(t, screen.MsgClosedMaintenance))
	x.send(" a" + enter) // no customer's key opens it
	x.signInApproved("tara")
	x.toggleService(false, say(t, screen.MsgMenuServes))
	x.press(escape, say(t, screen.MsgReadyTitle))

	// The next person is a customer again and sees nothing of the technician.
	x.checkForgotten("tara", "t***", "technician")
	x.identify("alice")
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.MsgShownTitle))
	x.press(escape, say(t, screen.MsgReadyTitle))

	served := slices.DeleteFunc(r.arrivals("api"), func(a provider.Arrival) bool { return a.Outcome != "ok" }) // but for the examination, which brings no token
	if len(served) != 1 || served[0].User != "alice" {
		t.Errorf("the API served %+v", served)
	}
	x.checkAll(kiosk.StageShown, kiosk.NoReason)
	r.checkState(t, "tara")
	all := r.visits()
	if len(all) != 3 || !all[0].Technician || !all[1].Technician || all[2].Technician {
		t.Errorf("the journal does not tell technicians' visits: %+v", all)
	}
	if n := r.count("revocation"); n < 3 {
		t.Errorf("%d revocations for three visits", n)
	}
}

func TestCustomersCannotOpenTheTechnicianMenu(t *testing.T) {
	t.Parallel()
	r := newTechnicianRig(t)
	x := r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	x.signIn("alice")
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.EndedTitle(kiosk.NoAccess)), say(t, screen.MsgMenuNoAccess))
	x.press(escape, say(t, screen.MsgReadyTitle))
	if n := r.count("api"); n > 0 {
		t.Error("the API was asked")
	}
	x.checkAll(kiosk.StageEnded, kiosk.NoAccess)
}

func TestTechnicianMenuWithoutTheServer(t *testing.T) {
	t.Parallel()
	r := newTechnicianRig(t)
	r.faults(faults.Fault{At: "discovery", Kind: "server_error"})
	x := r.screen()
	x.mustShow(say(t, screen.MsgClosedTitle))
	x.press(chord, say(t, screen.MsgMenuDoctor), "failed discovery", "fix:")
	x.send("134") // none of this is theirs
	x.press(escape, say(t, screen.MsgClosedTitle))
	x.rig.checkRequests(t)
	if n := r.count("backchannel"); n > 0 {
		t.Error("somebody's phone rang")
	}
	x.signal(syscall.SIGTERM)
	x.waitForExit()
	if len(r.visits()) > 0 {
		t.Error("a visit is on record")
	}
}

func TestNoTechnicianMenuWithoutTheSetting(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	x := r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	x.send(chord + chord)
	x.press(" ", say(t, screen.MsgIdentifyTitle))
	x.send(chord)
	x.press("alice", "alice")
	if strings.Contains(flat(x.picture()), say(t, screen.MsgMenuIdentify)) {
		t.Error("the menu opens")
	}
}

func TestTechnicianRestartsTheKiosk(t *testing.T) {
	t.Run("under a service manager the program ends, to be started anew", func(t *testing.T) {
		t.Parallel()
		r := newTechnicianRig(t)
		m := r.withServiceManager(time.Minute)
		x := r.screen()
		x.mustShow(say(t, screen.MsgReadyTitle))
		m.mustReceive("READY=1")
		x.signInApproved("tara")
		x.send("4")
		for tries := 0; !m.receives(limit/5, "STOPPING=1"); tries++ {
			if tries == 4 {
				t.Fatalf("the program goes on, and shows\n%s", x.picture())
			}
			x.send("4") // as press does: one that came before the menu was seen does nothing
		}
		if code := x.waitForExit(); code != 0 {
			t.Errorf("it ends with %d", code)
		}
		if v := r.lastVisit(); v.Stage != kiosk.StageShown || !v.Technician {
			t.Errorf("on record: %+v", v)
		}
	})
	t.Run("at a desk it begins anew with the settings of now", func(t *testing.T) {
		t.Parallel()
		r := newTechnicianRig(t)
		x := r.screen("--desk")
		x.mustShow(say(t, screen.MsgReadyTitle), "Test shop")
		x.signInApproved("tara")
		delete(r.env, "KIOSK_SITE")
		r.write("kiosk.env", "KIOSK_THEME=light\n")
		x.press("4", say(t, screen.MsgReadyTitle))
		x.mustRun()
		x.identify("alice")
		x.press(escape, say(t, screen.EndedTitle(kiosk.Cancelled)))
		x.signal(syscall.SIGTERM)
		if code := x.waitForExit(); code != 0 {
			t.Errorf("it ends with %d", code)
		}
	})
}

// TestTechnicianVisitIsNotResumed cuts the power while a technician's phone rings: after the restart the request is
// only polled to close it.
func TestTechnicianVisitIsNotResumed(t *testing.T) {
	t.Parallel()
	r := newTechnicianRig(t)
	x := r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	x.signIn("tara")
	x.kill() // the code is on the screen, so the request is on record
	y := r.screen()
	y.mustShow(say(t, screen.MsgReadyTitle))
	if err := r.dev.Approve("tara", ""); err != nil {
		t.Fatal(err)
	}
	y.until("the end of the watch", func(string) bool { return r.count("revocation") > 0 })
	if strings.Contains(flat(y.picture()), say(t, screen.MsgMenuTitle)) {
		t.Error("the next person has the menu")
	}
	y.signal(syscall.SIGTERM)
	y.waitForExit()
	if v := r.lastVisit(); v.Stage != kiosk.StageEnded || v.Reason != kiosk.Cancelled || !v.Technician {
		t.Errorf("on record: %+v", v)
	}
}
