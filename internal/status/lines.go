package status

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Lines returns the status as labelled lines. Of the health checks it shows root causes only.
func (s Status) Lines() []kiosk.Field {
	var l lines
	if s.SetUp != nil {
		l.addSetup(*s.SetUp)
		l.add("program", "version %s, process %d, up %s", s.Version, s.PID, time.Duration(s.Uptime)*time.Second)
		l.add("site", "%s", s.Site)
		return l
	}
	state := map[Availability]string{Serving: "serving", InVisit: "serving: visit in progress", OutOfService: "out of service"}[s.State]
	if len(s.Why) > 0 {
		state += ": " + strings.Join(s.Why, ", ")
	}
	l.add("state", "%s", state)
	if s.Service.Off {
		l.add("outage", "out of service until %s %s", s.Service.Until.Local().Format(time.DateTime), s.Service.Text)
	}
	if s.Opens != nil {
		l.add("opens", "%s", s.Opens.Local().Format("Monday 15:04"))
	}
	l.add("program", "version %s, %s, process %d, up %s", s.Version, s.Mode, s.PID, time.Duration(s.Uptime)*time.Second)
	l.add("site", "%s", s.Site)
	l.add("visits", "%d shown%s since the start", s.Visits.Shown, s.Visits.endings())
	if s.Visits.Waits > 0 {
		l.add("waits", "median %.0f s", s.Visits.MedianWait)
	}
	if s.Line > 0 {
		l.add("queue", "%d visits wait for their turn", s.Line)
	}
	if s.Settings != "" {
		l.add("settings", "new settings rejected, the previous ones are in use: %s", s.Settings)
	}
	for _, i := range s.Health {
		if !i.OK && i.Behind == "" {
			l.add("problem", "%s: %s", i.Name, i.Cause)
		}
	}
	for _, p := range s.Record.Suspended {
		l.add("suspended", "%s", p.Describe())
	}
	return l
}

type lines []kiosk.Field

func (l *lines) add(label, format string, args ...any) {
	*l = append(*l, kiosk.Field{Label: label, Value: strings.TrimSpace(fmt.Sprintf(format, args...))})
}

func (f Figures) endings() string {
	var b strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(f.Ended)) {
		fmt.Fprintf(&b, ", %d %s", f.Ended[reason], reason)
	}
	return b.String()
}

func (l *lines) addSetup(s Setup) {
	stages := map[string]string{
		"begins": "requesting a code from the server", "sign_in": "a technician has to sign in on a phone",
		"registers": "the technician approved; registering the device", "stuck": s.Reason,
	}
	l.add("state", "being set up: %s", stages[s.Stage])
	if s.Code != "" {
		l.add("sign in", "at %s, code %s, valid for %d more seconds", s.Address, s.Code, s.Left)
	}
	if s.Cause != "" {
		l.add("cause", "%s", s.Cause)
		l.add("retry", "in %d seconds", s.Again)
	}
}
