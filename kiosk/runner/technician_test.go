package runner_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// technicianPorts are a technician's authorizer and task runner.
type technicianPorts struct {
	*testKiosk
	fails bool
}

func (p technicianPorts) Verify(ctx context.Context, t kiosk.Tokens, a kiosk.Expectation) (kiosk.Person, error) {
	p.note("as a technician:")
	return p.testKiosk.Verify(ctx, t, a)
}

func (p technicianPorts) RunTask(_ context.Context, t kiosk.Task) ([]kiosk.Field, error) {
	p.note("task %s", t)
	if p.fails {
		return nil, errors.New("a file cannot be written")
	}
	return []kiosk.Field{{Label: "state", Value: "serving"}}, nil
}

func TestTechnicianGetsMenuOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.runner.Rules.Technicians, s.runner.Technicians, s.runner.Tasks = true, technicianPorts{testKiosk: s}, technicianPorts{testKiosk: s}
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() {
			s.press(kiosk.TechnicianKey, 0)
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary), Seen: kiosk.Identify}
			sleep(6 * time.Second)
			s.wantPhase(kiosk.Menu)
			if p := s.private[len(s.private)-1]; p.Person.Subject != "" {
				t.Errorf("the person is still known: %+v", p.Person)
			}
			s.press(kiosk.RuneKey, '1')
			if p := s.private[len(s.private)-1]; len(p.Result.Fields) != 1 || p.Result.Fields[0].Value != "serving" {
				t.Errorf("on screen: %+v", p.Result)
			}
			s.press(kiosk.EscapeKey, 0)
			s.press(kiosk.RuneKey, '4')
			s.wantPhase(kiosk.Ready)
		})
		s.wantLog("guard", "record asking", "ask", "record asked", "poll", "record granted", "as a technician:", "verify",
			"record shown", "revoke", "task status", "task restart")
	})
}

func TestFailedTaskIsShownAndLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.runner.Rules.Technicians, s.runner.Technicians, s.runner.Tasks = true, technicianPorts{s, true}, technicianPorts{s, true}
		s.runner.Closures = kiosk.Starting
		s.run(func() {
			s.press(kiosk.TechnicianKey, 0)
			s.wantPhase(kiosk.Menu)
			if st := s.state(); !st.Menu.Failed || !st.Menu.Unauthenticated {
				t.Errorf("%+v", st)
			}
			if !strings.Contains(s.logs.String(), "a file cannot be written") {
				t.Errorf("the log lacks the cause: %s", s.logs.String())
			}
			s.press(kiosk.EscapeKey, 0)
			s.wantPhase(kiosk.Closed)
		})
		s.wantLog("task doctor")
	})
}
