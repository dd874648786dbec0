package app

import (
	"os"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
)

func (r *resident) status() status.Status {
	phase, closed := r.seat.told()
	order, _ := r.order.now(r.app.clock.Now())
	s := status.Status{
		State: status.Of(phase, closed), Phase: phase.String(), Mode: "screen", Site: r.app.settings.Site,
		Version: r.options.Version, PID: os.Getpid(), Uptime: int((r.app.clock.Now() - r.began) / time.Second),
		Service: order, Settings: r.fresh.problem(), Visits: r.seat.counted(), Health: r.look(), Record: r.app.Record(),
	}
	if r.front != nil {
		s.Mode = "headless"
		here, _ := r.front.line()
		s.Line = max(here-1, 0)
	}
	if opens := r.opens(); !opens.IsZero() {
		s.Opens = &opens
	}
	s.Why = status.ClosureNames(closed)
	return s
}
