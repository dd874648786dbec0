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

// endDisplay is a display that waits for the end of a visit.
type endDisplay struct {
	found chan kiosk.State
	ends  []kiosk.Phase
}

func (d endDisplay) Show(_ time.Duration, s kiosk.State, _ kiosk.Private) {
	if slices.Contains(d.ends, s.Phase) {
		select {
		case d.found <- s:
		default:
		}
	}
}

// TestTechnicianAtAnIndependentServer: the server keeps roles where Keycloak does and returns them for a scope.
func TestTechnicianAtAnIndependentServer(t *testing.T) {
	for _, c := range []struct {
		name, who, scope string
		want             kiosk.Phase
		why              kiosk.Reason
	}{
		{"technician", "tom", "openid profile staff", kiosk.Menu, kiosk.NoReason},
		{"customer", "carol", "openid profile staff", kiosk.Ended, kiosk.NoAccess},
		{"the scope is missing", "tom", "", kiosk.Ended, kiosk.NoAccess},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			a := open(t, &log, append(clientSettings(t, "kiosk-jwt"),
				"KIOSK_TECHNICIAN_CLAIM", "/realm_access/roles=kiosk-technician", "KIOSK_TECHNICIAN_SCOPE", c.scope)...)
			callProvider(t, "POST", fmt.Sprintf("/auto?mode=approve&delay=1&user=%s", c.who))
			since := time.Now()
			ctx, stop := context.WithTimeout(context.Background(), time.Minute)
			defer stop()
			d := endDisplay{make(chan kiosk.State, 1), []kiosk.Phase{kiosk.Menu, kiosk.Shown, kiosk.Ended}}
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
				t.Fatalf("the visit does not end\n%s", log.String())
			}
			stop()
			<-over
			if requests, _ := arrivals(t, since, "kiosk-jwt", c.who); len(requests) != 1 {
				t.Errorf("%d requests: %+v", len(requests), requests)
			}
		})
	}
}
