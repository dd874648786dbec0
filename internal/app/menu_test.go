package app

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestExaminationsDoNotPileUp(t *testing.T) {
	var log bytes.Buffer
	a := open(t, &log, "KIOSK_ISSUER", "http://127.0.0.1:1", "KIOSK_CLIENT_ID", "kiosk", "KIOSK_CLIENT_SECRET_FILE", secretFile(t, "secret"))
	m := a.resident(func(kiosk.Event) {}, nil, func(context.Context) error { return nil }, RunOptions{}, func() {}).menu()
	left, leave := context.WithCancel(t.Context())
	leave()

	m.turn <- struct{}{} // one is under way
	if _, err := m.Serve(left, kiosk.DoctorTask); err == nil {
		t.Error("two at once")
	}
	<-m.turn
	m.last = a.clock.Now()
	if _, err := m.Serve(left, kiosk.DoctorTask); err == nil {
		t.Error("one right after another")
	}
	m.last = -examEvery
	found, err := m.Serve(t.Context(), kiosk.DoctorTask)
	if err != nil {
		t.Fatal(err)
	}
	if f := found[1]; f.Label != "failed route" || !strings.Contains(f.Value, "; cure: ") {
		t.Errorf("first of all: %+v", f)
	}
	if m.last <= 0 {
		t.Error("it is not remembered when that was")
	}
}

func TestAReportOnASmallScreen(t *testing.T) {
	check := func(name string, f doctor.Finding, needs ...string) doctor.Check {
		return doctor.Check{Name: name, Needs: needs, Look: func(context.Context) doctor.Finding { return f }}
	}
	report := doctor.Run(t.Context(), []doctor.Check{
		check("clock", doctor.OK("it is noon")),
		check("letters", doctor.Warn("they are small", "a larger font")),
		check("dns", doctor.Fail(kiosk.Unreachable, "the name is not known", "look at the name server")),
		check("route", doctor.OK("never"), "dns"),
		check("tls", doctor.OK("never"), "route"),
		check("board", doctor.Skip("it is none")),
		check("credentials", doctor.Unseen("not for this user to see", "ask as root")),
	}, nil)
	var got []string
	for _, f := range readable(report) {
		got = append(got, f.Label+": "+f.Value)
	}
	want := []string{
		"doctor: failed: 1, warnings: 1, ok: 1",
		"failed dns: the name is not known; cure: look at the name server",
		"warning letters: they are small; cure: a larger font",
		"not seen credentials: not for this user to see; cure: ask as root",
		"behind dns: route, tls",
		"clock: it is noon",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
