package host

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// UnitState is what systemd knows of a unit, in systemd's words (org.freedesktop.systemd1(5)).
type UnitState struct {
	Active   string // active, activating, inactive, failed
	Sub      string // running, dead, failed, auto-restart
	Result   string // success, exit-code, signal, watchdog, start-limit-hit, timeout, oom-kill
	Exited   bool   // the last process ended with Status; otherwise a signal ended it, or it has not ended
	Status   int    // exit code, or the number of the signal
	Restarts int    // automatic ones
	LastText string // the last status that the kiosk reported, such as why it ended; empty if none
}

// unitLimit bounds a question to systemd. It answers at once, unless the machine is starting or worn out.
const unitLimit = 5 * time.Second

// ReadUnitState asks systemd for the state of a unit: root directly, another user over the system bus.
func ReadUnitState(ctx context.Context, unit string) (s UnitState, err error) {
	ctx, stop := context.WithTimeout(ctx, unitLimit)
	defer stop()
	c, err := dbus.NewSystemdConnectionContext(ctx)
	if err != nil {
		c, err = dbus.NewSystemConnectionContext(ctx)
	}
	if err != nil {
		return s, fmt.Errorf("systemd: %w", err)
	}
	defer c.Close()
	all, err := c.GetAllPropertiesContext(ctx, unit)
	if err != nil {
		return s, fmt.Errorf("systemd: %w", err)
	}
	return parseUnitState(all), nil
}

// exitedCode is ExecMainCode of a process that ended by itself (CLD_EXITED of waitid(2)).
const exitedCode = 1

func parseUnitState(all map[string]any) UnitState {
	text := func(name string) string {
		value, _ := all[name].(string)
		return sanitize.Line(value)
	}
	code, _ := all["ExecMainCode"].(int32)
	status, _ := all["ExecMainStatus"].(int32)
	restarts, _ := all["NRestarts"].(uint32)
	return UnitState{
		Active: text("ActiveState"), Sub: text("SubState"), Result: text("Result"), LastText: text("StatusText"),
		Exited: code == exitedCode, Status: int(status), Restarts: int(restarts),
	}
}

// CheckStopped examines why no kiosk is running, although this machine should run one.
func (u Units) CheckStopped(ctx context.Context) check.Outcome {
	unit, ok := u.kiosk()
	if !ok || !u.isBooted() {
		return check.Skip("no kiosk is running, and systemd does not run one here")
	}
	show := u.Show
	if show == nil {
		show = ReadUnitState
	}
	s, err := show(ctx, unit.name)
	if err != nil {
		return check.Fail(kiosk.Internal, "no kiosk is running; the state of "+unit.name+" is unknown: "+err.Error(), "sudo systemctl start "+unit.name)
	}
	const log = "journalctl -u "
	switch {
	case s.Active == "inactive" && s.Result == "success":
		return check.Fail(kiosk.Internal, "no kiosk is running: "+unit.name+" is stopped", "sudo systemctl start "+unit.name)
	case s.Active == "active":
		return check.Fail(kiosk.Internal, unit.name+" is active, but nothing answers at KIOSK_SOCKET", "compare KIOSK_SOCKET here and in the unit: kiosk config show; then sudo systemctl restart "+unit.name)
	case s.Active == "activating" && s.Sub != "auto-restart":
		return check.Fail(kiosk.Internal, "no kiosk is running yet: "+unit.name+" is starting", "run kiosk doctor again in a minute; see "+log+unit.name)
	}
	return check.Fail(s.reason(), "no kiosk is running: "+unit.name+" "+s.failure(), "correct what it reports, then run: sudo systemctl restart "+unit.name+"; see "+log+unit.name)
}

// reason returns the reason that belongs to the exit code.
func (s UnitState) reason() kiosk.Reason {
	for _, r := range kiosk.Reasons() {
		if s.Exited && r.ExitCode() == s.Status {
			return r
		}
	}
	return kiosk.Internal
}

// failure describes the end of the last process.
func (s UnitState) failure() string {
	var b strings.Builder
	switch {
	case s.Exited:
		fmt.Fprintf(&b, "ended with exit code %d", s.Status)
		if r := s.reason(); r.ExitCode() == s.Status {
			fmt.Fprintf(&b, " (%s)", r)
		}
	case s.Status > 0:
		fmt.Fprintf(&b, "was ended by signal %d (%s)", s.Status, s.Result)
	default:
		fmt.Fprintf(&b, "failed (%s)", s.Result)
	}
	if s.Restarts > 0 {
		fmt.Fprintf(&b, ", after %d restarts", s.Restarts)
	}
	if s.LastText != "" {
		b.WriteString("; it reported: " + s.LastText)
	}
	return b.String()
}
