package scenes

import (
	"fmt"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

func closed() []Scene {
	closedFor := func(name string, why kiosk.Closures) Scene {
		s := kiosk.New(kiosk.DefaultRules())
		s.Closures = why
		return scene("closed-"+name, s.Fresh())
	}
	network, server := closedFor("network", kiosk.Starting), closedFor("server", kiosk.Starting)
	network.Device.StartingCause, server.Device.StartingCause = screen.MsgClosedNetwork, screen.MsgClosedServer
	hours := closedFor("hours", kiosk.OutsideHours|kiosk.Starting)
	hours.Device.Opens = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC) // a Monday
	return []Scene{
		closedFor("starting", kiosk.Starting),
		closedFor("clock", kiosk.ClockWrong|kiosk.Starting),
		closedFor("maintenance", kiosk.Maintenance),
		closedFor("store", kiosk.StoreDown),
		closedFor("settings", kiosk.SettingsBad),
		network, server, hours,
	}
}

func ready() []Scene {
	s := kiosk.New(kiosk.DefaultRules())
	scan := s
	scanOnly(&scan)
	demo := scene("ready-demo", s)
	demo.Device.Link = "http://127.0.0.1:8765/phone"
	return []Scene{scene("ready", s), scene("ready-scan", scan), demo}
}

func identify() []Scene {
	upper := func(s *kiosk.State) { s.Keypad.Upper = true }
	zeroSelected := func(s *kiosk.State) { s.Keypad.Selected, s.Keypad.Row, s.Keypad.Column = true, 3, 2 }
	return []Scene{
		scene("identify", in(kiosk.Identify)),
		typed("identify-typed", in(kiosk.Identify, length(5)), "alice"),
		typed("identify-problem", in(kiosk.Identify, kind(kiosk.EmailKind), problem(6, kiosk.NotEmail)), "alice@"),
		typed("identify-idle-prompt", in(kiosk.Identify, idlePrompt), "bob.m"),
		scene("identify-scan", in(kiosk.Identify, scanOnly)),
		scene("identify-scan-problem", in(kiosk.Identify, scanOnly, problem(6, kiosk.BadCharacter))),
		scene("identify-help", in(kiosk.Identify, help)),
		typed("identify-keypad", in(kiosk.Identify, touch), "al"),
		typed("identify-keypad-capitals", in(kiosk.Identify, touch, upper), "AB-1"),
		typed("identify-keypad-email", in(kiosk.Identify, touch, kind(kiosk.EmailKind), problem(6, kiosk.BadCharacter)), "alice"),
		typed("identify-keypad-phone", in(kiosk.Identify, touch, kind(kiosk.PhoneKind), zeroSelected), "+44"),
		typed("identify-keypad-number", in(kiosk.Identify, touch, kind(kiosk.NumberKind)), "100"),
		typed("identify-keypad-help", in(kiosk.Identify, touch, help), "al"),
	}
}

func userCode() []Scene {
	return []Scene{
		scene("user-code", in(kiosk.EnterUserCode, length(4))),
		scene("user-code-wrong", in(kiosk.EnterUserCode, func(s *kiosk.State) { s.UserCode.Tries = 1 })),
		scene("user-code-empty", in(kiosk.EnterUserCode, problem(0, kiosk.Empty))),
		scene("user-code-idle-prompt", in(kiosk.EnterUserCode, idlePrompt, length(4))),
		scene("user-code-help", in(kiosk.EnterUserCode, help)),
	}
}

func asking() []Scene {
	return []Scene{scene("asking", in(kiosk.Asking)), scene("asking-help", in(kiosk.Asking, help))}
}

// polled fills in a request that was sent 32 s ago and ends in 88 s.
func polled(s *kiosk.State) {
	s.Request.Code, s.Masked = "VWP-3QM", "a***"
	s.Request.Schedule = kiosk.PollSchedule{RequestSent: Now - 32*time.Second, Deadline: Now + 88*time.Second, Interval: 5 * time.Second}
}

func waiting() []Scene {
	deadline := func(t time.Duration) change { return func(s *kiosk.State) { s.Request.Schedule.Deadline = t } }
	guardian := func(s *kiosk.State) { s.Request.PhoneHint = kiosk.GuardianApp }
	wait := func(name string, changes ...change) Scene {
		return scene(name, in(kiosk.Waiting, append([]change{polled}, changes...)...))
	}
	return []Scene{
		wait("waiting"),
		wait("waiting-guardian", guardian),
		wait("waiting-device-flow-offered", deviceFlowOffered),
		wait("waiting-connection-lost", connectionLost),
		wait("waiting-help", help),
		wait("waiting-help-connection-lost", help, connectionLost),
		wait("waiting-servers-words", func(s *kiosk.State) { s.Request.Code = "BLUE ELK" }),
		wait("waiting-minutes", deadline(Now+5*time.Minute)),
		wait("waiting-time-up", deadline(Now-time.Second)),
	}
}

func deviceFlow() []Scene {
	chosen := func(s *kiosk.State) { s.Rules.DeviceFlow, s.Flow, s.Request.Code = true, kiosk.DeviceFlow, "" }
	wait := func(name string, changes ...change) Scene {
		sc := scene(name, in(kiosk.Waiting, append([]change{polled, chosen}, changes...)...))
		sc.Private.Grant = kiosk.Grant{
			Address: "https://id.example.org/device", Complete: "https://id.example.org/device?user_code=WDJB-MJHT", UserCode: "WDJB-MJHT",
		}
		return sc
	}
	return []Scene{
		scene("device-flow-asking", in(kiosk.Asking, chosen)),
		wait("device-flow"),
		wait("device-flow-connection-lost", connectionLost),
		wait("device-flow-help", help),
		scene("device-flow-cancelled", in(kiosk.Ended, chosen, reason(kiosk.Cancelled))),
	}
}

func working() []Scene {
	return []Scene{
		scene("checking", in(kiosk.Checking)),
		scene("checking-help", in(kiosk.Checking, help)),
		scene("fetching", in(kiosk.Fetching)),
	}
}

func shown() []Scene {
	short := kiosk.Result{Title: "Welcome, Alice", Fields: []kiosk.Field{
		{Label: "Customer", Value: "C-1001"}, {Label: "Points", Value: "1240"}, {Label: "Parcel", Value: "box 12, Bookshop"},
	}}
	big := kiosk.Result{Title: "Welcome, Alice", Fields: []kiosk.Field{
		{Label: "Your parcel is in box", Value: "12", Big: true}, {Label: "From", Value: "Bookshop"}, {Label: "Customer", Value: "C-1001"}, {Label: "Points", Value: "1240"},
	}}
	long := kiosk.Result{Title: "Your parcels"}
	for i := range 15 {
		value := fmt.Sprintf("box %d, waiting since Monday, from a shop with quite a long name", 10+i)
		long.Fields = append(long.Fields, kiosk.Field{Label: fmt.Sprint("Parcel ", i+1), Value: value})
	}
	revealed := func(s *kiosk.State) { s.Reading.Revealed = true }
	secondPage := func(s *kiosk.State) { s.Reading.Page = 1 }
	noExtensionLeft := func(s *kiosk.State) { s.Idle.Extensions = s.Rules.MaxExtensions }
	return []Scene{
		withResult("shown-hidden", in(kiosk.Shown), short),
		withResult("shown", in(kiosk.Shown, revealed), short),
		withResult("shown-big", in(kiosk.Shown, revealed), big),
		withResult("shown-page-2", in(kiosk.Shown, revealed, secondPage), long),
		withResult("shown-idle-prompt", in(kiosk.Shown, idlePrompt, revealed, noExtensionLeft), short),
		withResult("shown-help", in(kiosk.Shown, help, revealed), short),
	}
}

func ended() []Scene {
	var all []Scene
	for _, r := range kiosk.Reasons() {
		throttle := func(s *kiosk.State) { s.Ending.Throttle.Wait = 4 * time.Minute }
		all = append(all, scene("ended-"+r.String(), in(kiosk.Ended, reason(r), throttle)))
	}
	ambiguous := func(s *kiosk.State) { s.Ending.Ambiguous = true }
	hintExpired := func(s *kiosk.State) { s.Request.HintExpired = true }
	// heldBack is a request that the push guard refused some time ago.
	heldBack := func(name string, ago time.Duration, t kiosk.Throttle) Scene {
		return scene("ended-held_back-"+name, in(kiosk.Ended, reason(kiosk.HeldBack), func(s *kiosk.State) {
			s.Since, s.Ending.Throttle = Now-ago, t
		}))
	}
	return append(all,
		scene("ended-ambiguous", in(kiosk.Ended, reason(kiosk.Declined), ambiguous)),
		scene("ended-refused-device-flow-offered", in(kiosk.Ended, deviceFlowOffered, reason(kiosk.Refused))),
		scene("ended-hint-expired", in(kiosk.Ended, reason(kiosk.Refused), hintExpired)),
		scene("ended-help", in(kiosk.Ended, help, reason(kiosk.Refused))),
		heldBack("short", 11*time.Second, kiosk.Throttle{Wait: 30 * time.Second}),
		heldBack("last", 29*time.Second, kiosk.Throttle{Wait: 30 * time.Second}),
		heldBack("over", 31*time.Second, kiosk.Throttle{Wait: 30 * time.Second}),
		heldBack("hours", 0, kiosk.Throttle{Wait: 5 * time.Hour}),
		heldBack("abuse", 0, kiosk.Throttle{Wait: 30 * time.Minute, Abuse: true}),
	)
}

func scanOnly(s *kiosk.State) { s.Rules.ScanOnly = true }
