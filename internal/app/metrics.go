package app

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

// Limits of the metrics' little server: one scraper on this device.
const (
	scrapeLimit = 10 * time.Second
	scrapeHead  = 8 << 10
)

// metrics serves the figures in Prometheus' text format, on a loopback address, until
// ctx ends. Nothing in them is about a customer.
func (r *resident) metrics(ctx context.Context) {
	if r.app.settings.MetricsListen == "" {
		return
	}
	l, err := net.Listen("tcp", r.app.settings.MetricsListen)
	if err != nil {
		r.app.log.Error("metrics", "error", err)
		return
	}
	r.app.log.Info("metrics", "listening", l.Addr().String())
	s := &http.Server{
		Handler: http.HandlerFunc(r.scrape), ReadTimeout: scrapeLimit, WriteTimeout: scrapeLimit, IdleTimeout: 3 * time.Minute,
		MaxHeaderBytes: scrapeHead,
	}
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		r.app.log.Error("metrics", "error", err)
	}
}

func (r *resident) scrape(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path != "/metrics" || q.Method != http.MethodGet {
		http.NotFound(w, q)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(r.exposition()))
}

// exposition is all of it (Prometheus text format 0.0.4).
func (r *resident) exposition() string {
	var b strings.Builder
	head := func(name, kind, help string) {
		fmt.Fprintf(&b, "# HELP kiosk_%s %s\n# TYPE kiosk_%[1]s %[3]s\n", name, help, kind)
	}
	s := r.status()
	head("serving", "gauge", "1 while whoever comes is served.")
	fmt.Fprintf(&b, "kiosk_serving %d\n", bit(s.State != status.OutOfService))
	head("uptime_seconds", "gauge", "Time since the program's start.")
	fmt.Fprintf(&b, "kiosk_uptime_seconds %d\n", s.Uptime)
	head("visits_total", "counter", "Visits that came to an end, by how.")
	fmt.Fprintf(&b, "kiosk_visits_total{ending=\"shown\"} %d\n", s.Visits.Shown)
	for _, why := range kiosk.Reasons() {
		fmt.Fprintf(&b, "kiosk_visits_total{ending=%q} %d\n", why.String(), s.Visits.Ended[why.String()])
	}
	head("wait_seconds", "histogram", "How long customers waited for their phones.")
	for i, most := range status.WaitBounds {
		fmt.Fprintf(&b, "kiosk_wait_seconds_bucket{le=\"%g\"} %d\n", most, s.Visits.Buckets[i])
	}
	fmt.Fprintf(&b, "kiosk_wait_seconds_bucket{le=\"+Inf\"} %d\nkiosk_wait_seconds_sum %g\nkiosk_wait_seconds_count %[1]d\n", s.Visits.Waits, s.Visits.WaitSum)
	head("well", "gauge", "1 for each item of health that is well.")
	for _, i := range s.Health {
		fmt.Fprintf(&b, "kiosk_well{item=%q} %d\n", i.Name, bit(i.Well))
	}
	return b.String()
}

func bit(on bool) int {
	return map[bool]int{true: 1}[on]
}
