package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
)

var journalVerb = verb{
	name:  "journal",
	about: "the visits on record",
	usage: `Usage: kiosk journal list [--json] [--limit N]

Lists the visits on record, newest first: when, how it ended, and a short mark
that is the same for the same person and tells nobody who that is. While a kiosk
runs on this device it holds the record, and the list says so.

    --json           one JSON object a line
    --limit N        at most N visits (50); 0 is all
    --env-file FILE  settings, as systemd reads them (` + envFile + `)
`,
}

func init() { journalVerb.run = journal }

func journal(_ context.Context, args []string, std streams) int {
	f := newFlags(journalVerb).withSettings()
	asJSON := f.Bool("json", false, "")
	limit := f.Int("limit", 50, "")
	rest, code, ok := f.parse(args, 1, 1, std)
	if !ok {
		return code
	}
	if rest[0] != "list" {
		return misused(std, "journal", fmt.Sprintf("there is no journal %q", rest[0]))
	}
	if *limit < 0 {
		return misused(std, "journal", "--limit must not be negative")
	}
	settings, err := f.load()
	if settings.StateDir == "" {
		return trouble(std, err) // otherwise the record can be read however wrong the rest is
	}
	st, err := app.OpenStore(settings, "kiosk journal", true)
	if errors.Is(err, store.ErrAbsent) {
		return exitWell // nothing has happened on this device yet
	}
	if err != nil {
		return trouble(std, err)
	}
	defer st.Close()
	if err := list(st, *limit, *asJSON, std); err != nil {
		return trouble(std, err)
	}
	return exitWell
}

func list(st *store.Store, limit int, asJSON bool, std streams) error {
	t := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	e := json.NewEncoder(std.out)
	n := 0
	for v, err := range st.Visits() {
		if err != nil {
			return err
		}
		if n++; limit > 0 && n > limit {
			break
		}
		if asJSON {
			err = e.Encode(v)
		} else {
			_, err = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", v.Began.Local().Format(time.DateTime), v.Visit, outcome(v), orDash(v.Code), v.Person)
		}
		if err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	return t.Flush()
}

func outcome(v store.Visit) string {
	if r := v.Reason.String(); r != "" {
		return v.Stage.String() + ": " + r
	}
	return v.Stage.String()
}
