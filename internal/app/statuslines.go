package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Lines is the status for people: a word, and what there is to say about it. It names
// roots only: what stands behind something else is not the cause.
func (s Status) Lines() []kiosk.Field {
	var all []kiosk.Field
	say := func(what, text string, args ...any) {
		all = append(all, kiosk.Field{Label: what, Value: strings.TrimSpace(fmt.Sprintf(text, args...))})
	}
	if s.SetUp != nil {
		s.SetUp.lines(say)
		say("program", "version %s, process %d, up %s", s.Version, s.PID, time.Duration(s.Uptime)*time.Second)
		say("site", "%s", s.Site)
		return all
	}
	state := map[Standing]string{Serving: "serving", Visited: "serving: a visit is under way", OutOfService: "out of service"}[s.State]
	if len(s.Why) > 0 {
		state += ": " + strings.Join(s.Why, ", ")
	}
	say("state", "%s", state)
	if s.Service.Off {
		say("ordered", "out of service until %s %s", s.Service.Until.Local().Format(time.DateTime), s.Service.Text)
	}
	if s.Opens != nil {
		say("opens", "%s", s.Opens.Local().Format("Monday 15:04"))
	}
	say("program", "version %s, %s, process %d, up %s", s.Version, s.Mode, s.PID, time.Duration(s.Uptime)*time.Second)
	say("site", "%s", s.Site)
	say("visits", "%d shown%s since the start", s.Visits.Shown, s.Visits.endings())
	if s.Visits.Waits > 0 {
		say("waits", "%.0f s in the median", s.Visits.MedianWait)
	}
	if s.Line > 0 {
		say("line", "%d wait for their turn", s.Line)
	}
	if s.Settings != "" {
		say("settings", "the old ones count: %s", s.Settings)
	}
	for _, i := range s.Health {
		if !i.Well && i.Behind == "" {
			say("not well", "%s: %s", i.Name, i.Cause)
		}
	}
	for _, p := range s.Record.Suspended {
		say("suspended", "%s", p.Sentence())
	}
	return all
}

func (f Figures) endings() string {
	var b strings.Builder
	for _, why := range slices.Sorted(maps.Keys(f.Ended)) {
		fmt.Fprintf(&b, ", %d %s", f.Ended[why], why)
	}
	return b.String()
}

func (on SettingUp) lines(say func(what, text string, args ...any)) {
	stages := map[string]string{
		"begins": "the server is asked for a code", "sign_in": "a technician is to sign in on a phone",
		"registers": "the technician approved, the device registers", "stuck": on.Reason,
	}
	say("state", "being set up: %s", stages[on.Stage])
	if on.Code != "" {
		say("sign in", "at %s, code %s, for %d seconds yet", on.Address, on.Code, on.Left)
	}
	if on.Cause != "" {
		say("cause", "%s", on.Cause)
		say("again", "in %d seconds by itself", on.Again)
	}
}
