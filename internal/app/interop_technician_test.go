//go:build interop

package app

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// until is a display that waits for an end of a visit.
type until struct {
	found chan kiosk.State
	ends  []kiosk.Phase
}

func (u until) Show(_ time.Duration, s kiosk.State, _ kiosk.Private) {
	if slices.Contains(u.ends, s.Phase) {
		select {
		case u.found <- s:
		default:
		}
	}
}

// A technician at a server that nobody here wrote, which keeps roles where Keycloak does
// and tells them for a scope.
func TestATechnicianAtAnIndependentServer(t *testing.T) {
	for _, c := range []struct {
		name, who, scope string
		want             kiosk.Phase
		why              kiosk.Reason
	}{
		{"a technician", "tom", "openid profile staff", kiosk.Menu, kiosk.NoReason},
		{"a customer", "carol", "openid profile staff", kiosk.Ended, kiosk.NoAccess},
		{"the scope is missing", "tom", "", kiosk.Ended, kiosk.NoAccess},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			a := open(t, &log, append(clientSettings(t, "kiosk-jwt"),
				"KIOSK_TECHNICIAN_CLAIM", "/realm_access/roles=kiosk-technician", "KIOSK_TECHNICIAN_SCOPE", c.scope)...)
			controlPath(t, "POST", fmt.Sprintf("/auto?mode=approve&delay=1&user=%s", c.who))
			since := time.Now()
			ctx, stop := context.WithTimeout(context.Background(), time.Minute)
			defer stop()
			d := until{make(chan kiosk.State, 1), []kiosk.Phase{kiosk.Menu, kiosk.Shown, kiosk.Ended}}
			visits := a.runner()
			visits.Display = d
			visits.Rules.Technicians, visits.Technicians = true, a.technicians
			events, over := make(chan kiosk.Event), make(chan struct{})
			go func() { defer close(over); visits.Run(ctx, events) }()
			events <- kiosk.Press{Key: kiosk.TechnicianKey, Seen: kiosk.Ready}
			events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(c.who), Seen: kiosk.Identify}
			select {
			case s := <-d.found:
				if s.Phase != c.want || s.Ending.Reason != c.why {
					t.Errorf("%v for %q, want %v for %q\n%s", s.Phase, s.Ending.Reason, c.want, c.why, log.String())
				}
			case <-ctx.Done():
				t.Fatalf("it never ends\n%s", log.String())
			}
			stop()
			<-over
			if requests, _ := arrived(t, since, "kiosk-jwt", c.who); len(requests) != 1 {
				t.Errorf("%d requests: %+v", len(requests), requests)
			}
		})
	}
}
