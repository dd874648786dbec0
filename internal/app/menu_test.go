package app

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestExaminationsDoNotPileUp(t *testing.T) {
	var log bytes.Buffer
	a := open(t, &log, "KIOSK_ISSUER", "http://127.0.0.1:1", "KIOSK_CLIENT_ID", "kiosk", "KIOSK_CLIENT_SECRET_FILE", secretFile(t, "secret"))
	m := a.resident(func(kiosk.Event) {}, nil, func(context.Context) error { return nil }, RunOptions{}, func() {}).menu()
	left, leave := context.WithCancel(t.Context())
	leave()

	m.turn <- struct{}{} // one is under way
	if _, err := m.RunTask(left, kiosk.DoctorTask); err == nil {
		t.Error("two at once")
	}
	<-m.turn
	m.last = a.clock.Now()
	if _, err := m.RunTask(left, kiosk.DoctorTask); err == nil {
		t.Error("one right after another")
	}
	m.last = -examEvery
	found, err := m.RunTask(t.Context(), kiosk.DoctorTask)
	if err != nil {
		t.Fatal(err)
	}
	if f := found[1]; f.Label != "failed route" || !strings.Contains(f.Value, "; fix: ") {
		t.Errorf("first of all: %+v", f)
	}
	if m.last <= 0 {
		t.Error("it is not remembered when that was")
	}
}
