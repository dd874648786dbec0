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
	about: "prints version, commit, Go version and target",
	usage: `Usage: kiosk version [--json]

Prints version, commit, Go version and target.

    --json  one JSON object
`,
}

func init() { versionVerb.run = runVersion }

// release and commit are set by the linker: -X main.release=… -X main.commit=…
var release, commit = "development", ""

type versionFacts struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	Target  string `json:"target"`
}

func buildFacts() versionFacts {
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

func runVersion(_ context.Context, args []string, std streams) int {
	f := newFlags(versionVerb)
	asJSON := f.Bool("json", false, "")
	if _, code, ok := f.parse(args, 0, 0, std); !ok {
		return code
	}
	v := buildFacts()
	if *asJSON {
		if json.NewEncoder(std.out).Encode(v) != nil {
			return exitFault
		}
		return exitOK
	}
	fmt.Fprintf(std.out, "kiosk %s\ncommit %s\n%s %s\n", v.Version, orDash(v.Commit), v.Go, v.Target)
	return exitOK
}
