package main

import (
	"context"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
)

var serviceVerb = verb{
	name:  "service",
	about: "takes the device out of service and back; reloads the settings",
	usage: `Usage: kiosk service off [flags] [TEXT]
       kiosk service on
       kiosk service reload

off     takes the device out of service when no visit is in progress, for a
        limited time, and shows TEXT to customers; it survives a restart
on      ends that
reload  reloads the settings, like systemctl reload; they take effect when no
        visit is in progress

    --for TIME       how long, such as 90m or 2h (1h; at most 168h)
    --env-file FILE  file of settings (` + envFile + `)

Example: kiosk service off --for 2h "Back at 14:00"
`,
}

func init() { serviceVerb.run = runService }

func runService(ctx context.Context, args []string, std streams) int {
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
		return usageError(std, "service", "too many arguments")
	case rest[0] == "reload":
		q.Do = "reload"
	case rest[0] != "on":
		return unknownWord(std, "service", "command service", rest[0], "on", "off", "reload")
	}
	var done struct{}
	if err := askDaemon(ctx, f, requestTimeout, q, &done); err != nil {
		return fail(std, err)
	}
	return exitOK
}
