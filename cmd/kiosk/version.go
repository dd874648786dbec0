package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

var versionVerb = verb{
	name:  "version",
	about: "version, commit, Go version and target",
	usage: `Usage: kiosk version [--json]

Prints which program this is and what it was built from and for.
`,
}

func init() { versionVerb.run = version }

// Set by the linker for a release: -X main.release=… -X main.commit=…
var release, commit = "development", ""

type versionFacts struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	Target  string `json:"target"`
}

func facts() versionFacts {
	v := versionFacts{Version: release, Commit: commit, Go: runtime.Version(), Target: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && v.Commit == "":
			v.Commit = s.Value
		case s.Key == "GOARM":
			v.Target += "v" + s.Value
		}
	}
	return v
}

func version(_ context.Context, args []string, std streams) int {
	f := newFlags(versionVerb)
	asJSON := f.Bool("json", false, "")
	if _, code, ok := f.parse(args, 0, 0, std); !ok {
		return code
	}
	v := facts()
	if *asJSON {
		if json.NewEncoder(std.out).Encode(v) != nil {
			return exitFault
		}
		return exitWell
	}
	fmt.Fprintf(std.out, "kiosk %s\ncommit %s\n%s %s\n", v.Version, orDash(v.Commit), v.Go, v.Target)
	return exitWell
}
