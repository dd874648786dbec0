package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
)

var serviceVerb = verb{
	name:  "service",
	about: "puts the device out of service for a time, or back; reads settings again",
	usage: `Usage: kiosk service off [flags] [TEXT]
       kiosk service on
       kiosk service reload

off puts the kiosk that runs on this device out of service once nobody stands
there, for a time that ends by itself, and shows TEXT to customers. It outlives
a restart. on ends that. reload has the settings read again, as systemctl
reload does; they count once nobody stands there.

    --for TIME       how long, as 90m or 2h (1h; 168h at the most)
    --env-file FILE  settings, as systemd reads them (` + envFile + `)
`,
}

func init() { serviceVerb.run = service }

func service(ctx context.Context, args []string, std streams) int {
	f := newFlags(serviceVerb).withSettings()
	long := f.Duration("for", time.Hour, "")
	rest, code, ok := f.parse(args, 1, 2, std)
	if !ok {
		return code
	}
	q := control.Request{Do: "service"}
	switch {
	case rest[0] == "off":
		q.Off, q.For = true, long.String()
		if len(rest) == 2 {
			q.Text = rest[1]
		}
	case len(rest) == 2:
		return misused(std, "service", "too many arguments")
	case rest[0] == "reload":
		q.Do = "reload"
	case rest[0] != "on":
		return misused(std, "service", fmt.Sprintf("there is no service %q", rest[0]))
	}
	var done struct{}
	if err := ask(ctx, f, askLimit, q, &done); err != nil {
		return trouble(std, err)
	}
	return exitWell
}
