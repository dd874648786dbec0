package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
)

var configVerb = verb{
	name:  "config",
	about: "checks the settings, or shows each with its origin",
	usage: `Usage: kiosk config check [flags]
       kiosk config show [--json] [flags]

check  validates the settings without starting anything; exit code 0 if they
       are right, 3 if not, 4 if the device has no client registration yet
show   prints each setting, its value (secrets masked) and its origin

    --json           show: a JSON array
    --env-file FILE  file of settings (` + envFile + `)
`,
}

func init() { configVerb.run = runConfig }

func runConfig(_ context.Context, args []string, std streams) int {
	f := newFlags(configVerb).withSettings()
	asJSON := f.Bool("json", false, "")
	rest, code, ok := f.parse(args, 1, 1, std)
	if !ok {
		return code
	}
	settings, err := f.load()
	switch rest[0] {
	case "check":
		if err := app.CheckAll(settings, err); err != nil {
			return fail(std, err)
		}
		fmt.Fprintln(std.out, "The settings are right.")
		for _, note := range app.Notes(settings) {
			fmt.Fprintln(std.out, "Note: "+note)
		}
		return exitOK
	case "show":
		if *asJSON {
			e := json.NewEncoder(std.out)
			e.SetIndent("", "  ")
			e.SetEscapeHTML(false)
			if e.Encode(settings.Rows()) != nil {
				return exitFault
			}
		} else {
			t := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
			for _, r := range settings.Rows() {
				fmt.Fprintf(t, "%s\t%s\t%s\n", r.Name, orDash(r.Value), r.Origin)
			}
			if t.Flush() != nil {
				return exitFault
			}
		}
		if err != nil {
			return fail(std, err)
		}
		return exitOK
	}
	return unknownWord(std, "config", "command config", rest[0], "check", "show")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
