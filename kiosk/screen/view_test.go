package screen_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/plain"
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// scene is one screen as a customer may meet it.
type scene struct {
	name string
	s    kiosk.State
	p    kiosk.Private
	at   screen.Device
}

const noon = 12 * time.Hour // uptime in every scene

func scenes() []scene {
	rules := kiosk.DefaultRules()
	at := screen.Device{Site: "Parcel station 4", Name: "kiosk-0042", Address: "192.0.2.17"}
	fresh := kiosk.New(rules)
	in := func(p kiosk.Phase, change ...func(*kiosk.State)) kiosk.State {
		s := fresh
		s.Phase, s.Since, s.LastInput = p, noon, noon
		for _, c := range change {
			c(&s)
		}
		return s
	}
	waiting := func(s *kiosk.State) {
		s.Request.Code, s.Masked = "VWP-3QM", "a***"
		s.Request.Schedule = kiosk.PollSchedule{RequestSent: noon - 32*time.Second, Deadline: noon + 88*time.Second, Interval: 5 * time.Second}
	}
	still := func(s *kiosk.State) { s.Idle.Prompted, s.Idle.PromptedAt = true, noon-8*time.Second }
	help := func(s *kiosk.State) { s.Help = true }
	touch := func(s *kiosk.State) { s.Keypad.On, s.Rules.Languages = true, 2 }
	few := kiosk.Result{Title: "Welcome, Alice", Fields: []kiosk.Field{
		{Label: "Customer", Value: "C-1001"}, {Label: "Points", Value: "1240"}, {Label: "Parcel", Value: "box 12, Bookshop"},
	}}
	many := kiosk.Result{Title: "Your parcels", Fields: nil}
	for i := range 15 {
		many.Fields = append(many.Fields, kiosk.Field{Label: fmt.Sprint("Parcel ", i+1), Value: fmt.Sprintf("box %d, waiting since Monday, from a shop with quite a long name", 10+i)})
	}
	demo := at
	demo.Link = "http://127.0.0.1:8765/phone"

	grant := kiosk.Private{Grant: kiosk.Grant{Address: "https://id.example.org/device", Complete: "https://id.example.org/device?user_code=WDJB-MJHT", UserCode: "WDJB-MJHT"}}
	second := func(s *kiosk.State) { s.Rules.DeviceFlow = true }
	onSecond := func(s *kiosk.State) { s.Rules.DeviceFlow, s.Flow, s.Request.Code = true, kiosk.DeviceFlow, "" }

	all := []scene{
		{"user-code", in(kiosk.EnterUserCode, func(s *kiosk.State) { s.Input.Length = 4 }), kiosk.Private{}, at},
		{"user-code-wrong", in(kiosk.EnterUserCode, func(s *kiosk.State) { s.UserCode.Tries = 1 }), kiosk.Private{}, at},
		{"user-code-empty", in(kiosk.EnterUserCode, func(s *kiosk.State) { s.Input = kiosk.Input{Problem: kiosk.Empty, ProblemShown: true} }), kiosk.Private{}, at},
		{"user-code-still-there", in(kiosk.EnterUserCode, still, func(s *kiosk.State) { s.Input.Length = 4 }), kiosk.Private{}, at},
		{"waiting-no-phone", in(kiosk.Waiting, waiting, second), kiosk.Private{}, at},
		{"second-asking", in(kiosk.Asking, onSecond), kiosk.Private{}, at},
		{"second", in(kiosk.Waiting, waiting, onSecond), grant, at},
		{"second-lost", in(kiosk.Waiting, waiting, onSecond, func(s *kiosk.State) { s.Request.Schedule.ConnectionLost = true }), grant, at},
		{"second-cancelled", in(kiosk.Ended, onSecond, func(s *kiosk.State) { s.Ending.Reason = kiosk.Cancelled }), kiosk.Private{}, at},
		{"ended-refused-no-phone", in(kiosk.Ended, second, func(s *kiosk.State) { s.Ending.Reason = kiosk.Refused }), kiosk.Private{}, at},
		{"ended-scan-again", in(kiosk.Ended, func(s *kiosk.State) { s.Ending.Reason, s.Request.HintExpired = kiosk.Refused, true }), kiosk.Private{}, at},
		{"ready", fresh, kiosk.Private{}, at},
		{"ready-demo", fresh, kiosk.Private{}, demo},
		{"identify", in(kiosk.Identify), kiosk.Private{}, at},
		{"identify-typed", in(kiosk.Identify, func(s *kiosk.State) { s.Input.Length = 5 }), kiosk.Private{Input: "alice"}, at},
		{"identify-problem", in(kiosk.Identify, func(s *kiosk.State) {
			s.Rules.Kind, s.Input = kiosk.EmailKind, kiosk.Input{Length: 6, Problem: kiosk.NotEmail, ProblemShown: true}
		}), kiosk.Private{Input: "alice@"}, at},
		{"identify-still-there", in(kiosk.Identify, still), kiosk.Private{Input: "bob.m"}, at},
		{"identify-keypad", in(kiosk.Identify, touch), kiosk.Private{Input: "al"}, at},
		{"identify-keypad-capitals", in(kiosk.Identify, touch, func(s *kiosk.State) { s.Keypad.Upper = true }), kiosk.Private{Input: "AB-1"}, at},
		{"identify-keypad-email", in(kiosk.Identify, touch, func(s *kiosk.State) {
			s.Rules.Kind, s.Input = kiosk.EmailKind, kiosk.Input{Length: 6, Problem: kiosk.BadCharacter, ProblemShown: true}
		}), kiosk.Private{Input: "alice"}, at},
		{"identify-keypad-phone", in(kiosk.Identify, touch, func(s *kiosk.State) {
			s.Rules.Kind, s.Keypad.Selected, s.Keypad.Row, s.Keypad.Column = kiosk.PhoneKind, true, 3, 2
		}), kiosk.Private{Input: "+44"}, at},
		{"identify-keypad-number", in(kiosk.Identify, touch, func(s *kiosk.State) { s.Rules.Kind = kiosk.NumberKind }), kiosk.Private{Input: "100"}, at},
		{"asking", in(kiosk.Asking), kiosk.Private{}, at},
		{"waiting", in(kiosk.Waiting, waiting), kiosk.Private{}, at},
		{"waiting-guardian", in(kiosk.Waiting, waiting, func(s *kiosk.State) { s.Request.PhoneHint = kiosk.GuardianApp }), kiosk.Private{}, at},
		{"waiting-lost", in(kiosk.Waiting, waiting, func(s *kiosk.State) { s.Request.Schedule.ConnectionLost = true }), kiosk.Private{}, at},
		{"waiting-help", in(kiosk.Waiting, waiting, func(s *kiosk.State) { s.Help = true }), kiosk.Private{}, at},
		{"waiting-last-look", in(kiosk.Waiting, waiting, func(s *kiosk.State) { s.Request.Schedule.Deadline = noon - time.Second }), kiosk.Private{}, at},
		{"checking", in(kiosk.Checking), kiosk.Private{}, at},
		{"fetching", in(kiosk.Fetching), kiosk.Private{}, at},
		{"shown-hidden", in(kiosk.Shown), kiosk.Private{Result: few}, at},
		{"shown", in(kiosk.Shown, func(s *kiosk.State) { s.Reading.Revealed = true }), kiosk.Private{Result: few}, at},
		{"shown-page-2", in(kiosk.Shown, func(s *kiosk.State) { s.Reading.Revealed, s.Reading.Page = true, 1 }), kiosk.Private{Result: many}, at},
		{"shown-still-there", in(kiosk.Shown, still, func(s *kiosk.State) { s.Reading.Revealed, s.Idle.Extensions = true, rules.MaxExtensions }), kiosk.Private{Result: few}, at},
		{"ended-unsure", in(kiosk.Ended, func(s *kiosk.State) { s.Ending.Reason, s.Ending.Ambiguous = kiosk.Declined, true }), kiosk.Private{}, at},
		{"clearing", in(kiosk.Clearing), kiosk.Private{}, at},
		{"identify-help", in(kiosk.Identify, help), kiosk.Private{}, at},
		{"identify-keypad-help", in(kiosk.Identify, touch, help), kiosk.Private{Input: "al"}, at},
		{"user-code-help", in(kiosk.EnterUserCode, help), kiosk.Private{}, at},
		{"asking-help", in(kiosk.Asking, help), kiosk.Private{}, at},
		{"waiting-help-lost", in(kiosk.Waiting, waiting, help, func(s *kiosk.State) { s.Request.Schedule.ConnectionLost = true }), kiosk.Private{}, at},
		{"waiting-minutes", in(kiosk.Waiting, waiting, func(s *kiosk.State) { s.Request.Schedule.Deadline = noon + 5*time.Minute }), kiosk.Private{}, at},
		{"second-help", in(kiosk.Waiting, waiting, onSecond, help), grant, at},
		{"checking-help", in(kiosk.Checking, help), kiosk.Private{}, at},
		{"shown-help", in(kiosk.Shown, help, func(s *kiosk.State) { s.Reading.Revealed = true }), kiosk.Private{Result: few}, at},
		{"ended-help", in(kiosk.Ended, help, func(s *kiosk.State) { s.Ending.Reason = kiosk.Refused }), kiosk.Private{}, at},
	}
	all = append(all, technicians(in, at, still)...)
	for _, r := range kiosk.Reasons() {
		all = append(all, scene{"ended-" + r.String(), in(kiosk.Ended, func(s *kiosk.State) {
			s.Ending.Reason, s.Ending.Throttle.Wait = r, 4*time.Minute
		}), kiosk.Private{}, at})
	}
	held := func(since time.Duration, h kiosk.Throttle) kiosk.State {
		return in(kiosk.Ended, func(s *kiosk.State) {
			s.Ending.Reason, s.Since, s.LastInput, s.Ending.Throttle = kiosk.HeldBack, noon-since, noon, h
		})
	}
	all = append(all,
		scene{"ended-held_back-short", held(11*time.Second, kiosk.Throttle{Wait: 30 * time.Second}), kiosk.Private{}, at},
		scene{"ended-held_back-last", held(29*time.Second, kiosk.Throttle{Wait: 30 * time.Second}), kiosk.Private{}, at},
		scene{"ended-held_back-over", held(31*time.Second, kiosk.Throttle{Wait: 30 * time.Second}), kiosk.Private{}, at},
		scene{"ended-held_back-hours", held(0, kiosk.Throttle{Wait: 5 * time.Hour}), kiosk.Private{}, at},
		scene{"ended-held_back-pestered", held(0, kiosk.Throttle{Wait: 30 * time.Minute, Abuse: true}), kiosk.Private{}, at},
	)
	for _, c := range []struct {
		name string
		why  kiosk.Closures
	}{{"starting", kiosk.Starting}, {"clock", kiosk.ClockWrong | kiosk.Starting}, {"maintenance", kiosk.Maintenance}, {"store", kiosk.StoreDown}, {"settings", kiosk.SettingsBad}} {
		s := fresh
		s.Closures = c.why
		all = append(all, scene{"closed-" + c.name, s.Fresh(), kiosk.Private{}, at})
	}
	connecting, night := fresh, fresh
	connecting.Closures, night.Closures = kiosk.Starting, kiosk.OutsideHours|kiosk.Starting
	network, server, hours := at, at, at
	network.StartingCause, server.StartingCause = screen.MsgClosedNetwork, screen.MsgClosedServer
	hours.Opens = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC) // a Monday
	all = append(all,
		scene{"closed-network", connecting.Fresh(), kiosk.Private{}, network},
		scene{"closed-server", connecting.Fresh(), kiosk.Private{}, server},
		scene{"closed-hours", night.Fresh(), kiosk.Private{}, hours},
	)
	return all
}

// While the kiosk asks whether anybody is there, nothing personal stands on the screen.
func TestIdlePromptHidesPersonalData(t *testing.T) {
	en, err := words.Open("en")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, sc := range scenes() {
		if !sc.s.Idle.Prompted {
			continue
		}
		asked++
		screen := screen.View(sc.s, noon, en, sc.p, sc.at)
		got := plain.Frame(layout.Draw(screen, 80, 24, layout.Options{})) + strings.Join(plain.Say(screen), " ")
		personal := []string{sc.p.Result.Title, sc.p.Input}
		for _, f := range sc.p.Result.Fields {
			personal = append(personal, f.Value)
		}
		for _, p := range personal {
			if p != "" && strings.Contains(got, p) {
				t.Errorf("%s shows %q", sc.name, p)
			}
		}
	}
	if asked < 2 {
		t.Errorf("only %d screens ask", asked)
	}
}

// A screen is all that a person may see: nothing of the state's inner life is in it.
func TestScreensContainNoProtocol(t *testing.T) {
	en, err := words.Open("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, sc := range scenes() {
		if sc.s.Phase == kiosk.Menu && len(sc.p.Result.Fields) > 0 {
			continue // a technician is who needs it
		}
		said := strings.ToLower(strings.Join(plain.Say(screen.View(sc.s, noon, en, sc.p, sc.at)), " "))
		for _, word := range []string{"auth_req_id", "token", "oauth", "ciba", "error", "exception", "timeout", "server", "http:", "null", "{", "}"} {
			if strings.Contains(said, word) && sc.at.Link == "" {
				t.Errorf("%s says %q: %s", sc.name, word, said)
			}
		}
		if said == "" {
			t.Errorf("%s says nothing", sc.name)
		}
	}
}

// technicians are the screens of a technician's visit.
func technicians(in func(kiosk.Phase, ...func(*kiosk.State)) kiosk.State, at screen.Device, still func(*kiosk.State)) []scene {
	staff := func(s *kiosk.State) { s.Technician, s.Rules.Technicians = true, true }
	task := func(t kiosk.Task) func(*kiosk.State) { return func(s *kiosk.State) { s.Menu.Task = t } }
	closed := func(s *kiosk.State) { s.Closures = kiosk.Maintenance }
	unproved := func(s *kiosk.State) { s.Menu.Unauthenticated, s.Closures = true, kiosk.Starting }
	out := func(s *kiosk.State) { s.Question = 7 }
	ended := func(why kiosk.Reason) func(*kiosk.State) { return func(s *kiosk.State) { s.Ending.Reason = why } }
	status := kiosk.Private{Result: kiosk.Result{Fields: []kiosk.Field{
		{Label: "state", Value: "serving: a visit is under way"},
		{Label: "program", Value: "version 1.4.0, screen, process 512, up 312h4m9s"},
		{Label: "site", Value: "Parcel station 4"},
		{Label: "visits", Value: "1312 shown, 41 cancelled, 7 declined, 19 expired, 2 unreachable since the start"},
		{Label: "waits", Value: "11 s in the median"},
		{Label: "not well", Value: "temperature: 84 degrees; the board slows down"},
	}}}
	report := kiosk.Private{Result: kiosk.Result{Fields: []kiosk.Field{
		{Label: "doctor", Value: "failed: 1, warnings: 1, ok: 13"},
		{Label: "failed dns", Value: "the name id.example.org is not known; cure: check KIOSK_ISSUER for a slip, and the name server in /etc/resolv.conf"},
		{Label: "warning letters", Value: "capital letters are 3.1 mm high; 7.3 mm can be read from 600 mm; cure: load a larger console font: KIOSK_FONT"},
		{Label: "behind dns", Value: "route, tls, discovery, offers, client, keys, scopes, binding"},
		{Label: "clock", Value: "2026-11-28 17:20:00 UTC"},
		{Label: "network", Value: "the device has an address"},
	}}}
	return []scene{
		{"technician-identify", in(kiosk.Identify, staff), kiosk.Private{}, at},
		{"technician-checking", in(kiosk.Checking, staff), kiosk.Private{}, at},
		{"technician-no-access", in(kiosk.Ended, staff, ended(kiosk.NoAccess)), kiosk.Private{}, at},
		{"technician-unreachable", in(kiosk.Ended, staff, ended(kiosk.Unreachable)), kiosk.Private{}, at},
		{"technician-menu", in(kiosk.Menu, staff, func(s *kiosk.State) { s.Rules.Languages = 2 }), kiosk.Private{}, at},
		{"technician-menu-closed", in(kiosk.Menu, staff, closed), kiosk.Private{}, at},
		{"technician-menu-still-there", in(kiosk.Menu, staff, still), kiosk.Private{}, at},
		{"technician-doing", in(kiosk.Menu, staff, task(kiosk.DoctorTask), out), kiosk.Private{}, at},
		{"technician-failed", in(kiosk.Menu, staff, task(kiosk.CloseTask), func(s *kiosk.State) { s.Menu.Failed = true }), kiosk.Private{}, at},
		{"technician-status", in(kiosk.Menu, staff, task(kiosk.StatusTask)), status, at},
		{"technician-doctor", in(kiosk.Menu, staff, task(kiosk.DoctorTask)), report, at},
		{"technician-unproved-doing", in(kiosk.Menu, staff, unproved, task(kiosk.DoctorTask), out), kiosk.Private{}, at},
		{"technician-unproved", in(kiosk.Menu, staff, unproved, task(kiosk.DoctorTask)), report, at},
	}
}
