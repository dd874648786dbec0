package scenes

import "github.com/ciba-kiosk/ciba-kiosk/kiosk"

func technician() []Scene {
	staff := func(s *kiosk.State) { s.Technician, s.Rules.Technicians = true, true }
	task := func(t kiosk.Task) change { return func(s *kiosk.State) { s.Menu.Task = t } }
	running := func(s *kiosk.State) { s.Question = 7 }
	failed := func(s *kiosk.State) { s.Menu.Failed = true }
	outOfService := func(s *kiosk.State) { s.Closures = kiosk.Maintenance }
	confirm := func(s *kiosk.State) { s.Menu.Confirm = true }
	service := func(s *kiosk.State) { s.Request.BindingMessage = "service-" + s.Request.Code }
	refused := func(s *kiosk.State) { s.Rules.Technicians, s.MenuRefused = true, true }
	unauthenticated := func(s *kiosk.State) { s.Menu.Unauthenticated, s.Closures = true, kiosk.Starting }
	// The texts of internal/status and internal/doctor.
	status := kiosk.Result{Fields: []kiosk.Field{
		{Label: "state", Value: "serving: visit in progress"},
		{Label: "program", Value: "version 1.4.0, screen, process 512, up 312h4m9s"},
		{Label: "site", Value: "Parcel station 4"},
		{Label: "visits", Value: "1312 shown, 41 cancelled, 7 declined, 19 expired, 2 unreachable since the start"},
		{Label: "waits", Value: "median 11 s"},
		{Label: "problem", Value: "temperature: 84 degrees; the board slows down"},
	}}
	report := kiosk.Result{Fields: []kiosk.Field{
		{Label: "doctor", Value: "failed: 1, warnings: 1, ok: 13"},
		{Label: "failed dns", Value: "host name id.example.org does not exist; fix: check KIOSK_ISSUER for a typing error, and the name server in /etc/resolv.conf"},
		{Label: "warning letters", Value: "capital letters are 3.1 mm high: 0.30 degrees at 600 mm, less than 0.7; fix: load a larger console font, for at most 12 rows; screens need at least 12"},
		{Label: "behind dns", Value: "route, tls, discovery, offers, client, keys, scopes, binding"},
		{Label: "clock", Value: "2026-11-28 17:20:00 UTC"},
		{Label: "network", Value: "the device has an address"},
	}}
	return []Scene{
		scene("technician-identify", in(kiosk.Identify, staff)),
		scene("technician-waiting", in(kiosk.Waiting, staff, polled, service)),
		scene("technician-key-identify", in(kiosk.Identify, refused)),
		scene("technician-key-waiting", in(kiosk.Waiting, polled, refused)),
		scene("technician-confirm-close", in(kiosk.Menu, staff, task(kiosk.CloseTask), confirm)),
		scene("technician-checking", in(kiosk.Checking, staff)),
		scene("technician-no-access", in(kiosk.Ended, staff, reason(kiosk.NoAccess))),
		scene("technician-unreachable", in(kiosk.Ended, staff, reason(kiosk.Unreachable))),
		scene("technician-menu", in(kiosk.Menu, staff)),
		scene("technician-menu-closed", in(kiosk.Menu, staff, outOfService)),
		scene("technician-menu-idle-prompt", in(kiosk.Menu, staff, idlePrompt)),
		scene("technician-task-running", in(kiosk.Menu, staff, task(kiosk.DoctorTask), running)),
		scene("technician-task-failed", in(kiosk.Menu, staff, task(kiosk.CloseTask), failed)),
		withResult("technician-status", in(kiosk.Menu, staff, task(kiosk.StatusTask)), status),
		withResult("technician-doctor", in(kiosk.Menu, staff, task(kiosk.DoctorTask)), report),
		scene("technician-unauthenticated-running", in(kiosk.Menu, staff, unauthenticated, task(kiosk.DoctorTask), running)),
		withResult("technician-unauthenticated", in(kiosk.Menu, staff, unauthenticated, task(kiosk.DoctorTask)), report),
	}
}
