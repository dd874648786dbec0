package kiosk

import (
	"testing"
)

func TestReasonNames(t *testing.T) {
	exits := map[int]Reason{}
	for _, r := range Reasons() {
		b, err := r.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Reason
		if err := back.UnmarshalText(b); err != nil || back != r {
			t.Errorf("%s reads back as %s: %v", r, back, err)
		}
		if other, taken := exits[r.ExitCode()]; taken || r.ExitCode() == 0 || r.ExitCode() == 2 {
			t.Errorf("%s and %s exit with %d", r, other, r.ExitCode())
		}
		exits[r.ExitCode()] = r
	}
	var r Reason
	if r.UnmarshalText([]byte("nonsense")) == nil {
		t.Error("an unknown reason was accepted")
	}
}
