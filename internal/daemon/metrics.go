package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Limits of the metrics server, whose only client is a scraper on this device.
const (
	scrapeTimeout   = 10 * time.Second
	scrapeIdle      = 3 * time.Minute
	scrapeMaxHeader = 8 << 10
)

// serveMetrics exports metrics in the Prometheus text format at a loopback address until ctx ends. They identify no
// customer.
func (d *Daemon) serveMetrics(ctx context.Context) {
	if d.Settings.MetricsListen == "" {
		return
	}
	l, err := net.Listen("tcp", d.Settings.MetricsListen)
	if err != nil {
		d.Log.Error("metrics", "error", err)
		return
	}
	d.Log.Info("metrics", "listening", l.Addr().String())
	s := &http.Server{
		Handler: http.HandlerFunc(d.handleScrape), ReadTimeout: scrapeTimeout, WriteTimeout: scrapeTimeout, IdleTimeout: scrapeIdle,
		MaxHeaderBytes: scrapeMaxHeader,
	}
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		d.Log.Error("metrics", "error", err)
	}
}

func (d *Daemon) handleScrape(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metrics" || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(d.metrics()))
}

// metrics returns all metrics (Prometheus text format 0.0.4). It writes them itself: five metrics do not need Prometheus'
// client library.
func (d *Daemon) metrics() string {
	var b strings.Builder
	header := func(name, kind, help string) {
		fmt.Fprintf(&b, "# HELP kiosk_%s %s\n# TYPE kiosk_%[1]s %[3]s\n", name, help, kind)
	}
	s := d.status()
	header("serving", "gauge", "1 while the kiosk is in service.")
	fmt.Fprintf(&b, "kiosk_serving %d\n", oneIf(s.State != status.OutOfService))
	header("uptime_seconds", "gauge", "Time since the process started.")
	fmt.Fprintf(&b, "kiosk_uptime_seconds %d\n", s.Uptime)
	header("visits_total", "counter", "Visits that have ended, by outcome.")
	fmt.Fprintf(&b, "kiosk_visits_total{ending=\"shown\"} %d\n", s.Visits.Shown)
	for _, reason := range kiosk.Reasons() {
		fmt.Fprintf(&b, "kiosk_visits_total{ending=%q} %d\n", reason.String(), s.Visits.Ended[reason.String()])
	}
	header("wait_seconds", "histogram", "Time that customers waited for their phones.")
	for i, bound := range status.WaitBounds {
		fmt.Fprintf(&b, "kiosk_wait_seconds_bucket{le=\"%g\"} %d\n", bound, s.Visits.Buckets[i])
	}
	fmt.Fprintf(&b, "kiosk_wait_seconds_bucket{le=\"+Inf\"} %d\nkiosk_wait_seconds_sum %g\nkiosk_wait_seconds_count %[1]d\n", s.Visits.Waits, s.Visits.WaitSum)
	header("well", "gauge", "1 for each health check that passes.")
	for _, i := range s.Health {
		fmt.Fprintf(&b, "kiosk_well{item=%q} %d\n", i.Name, oneIf(i.OK))
	}
	return b.String()
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}
