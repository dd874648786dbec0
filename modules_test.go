package project_test

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// homes says which packages may import a module of somebody else, or a package of the standard library that is not
// for everybody. So a new dependency, and a second place that knows an old one, is a decision and not an accident.
var homes = []struct {
	path string // and everything below it
	in   []string
	why  string
}{
	{"github.com/gdamore/tcell/v2", []string{"internal/tui"}, "one package knows the terminal"},
	{"go.etcd.io/bbolt", []string{"internal/store"}, "one package knows the disk"},
	{"github.com/kelseyhightower/envconfig", []string{"internal/config"}, "settings are read once"},
	{"github.com/skip2/go-qrcode", []string{"internal/qr"}, "its panics and its log are caught there"},
	{"github.com/go-jose/go-jose/v4", []string{"internal/oidc", "internal/devserver"}, "the algorithms that we accept are listed once on either side"},
	{"github.com/rivo/uniseg", []string{"internal/layout"}, "one package measures text"},
	{"github.com/coreos/go-systemd/v22/daemon", []string{"internal/host"}, "one place speaks to the service manager"},
	{"golang.org/x/text", []string{"internal/ciba", "internal/layout", "internal/seal", "internal/words"}, "plural rules; normal forms: of hints, of what is drawn, of whom the guard counts"},
	{"golang.org/x/sys", []string{"internal/console", "internal/control", "internal/evdev", "internal/font", "internal/host", "internal/ioctl", "internal/store", "internal/tui"}, "system calls"},
	{"golang.org/x/crypto", []string{"internal/seal"}, "sealing"},
	{"golang.org/x/term", []string{"cmd/kiosk"}, "the masked prompt of kiosk login"},
	{"math/rand", []string{"kiosk"}, "it can be guessed: for the spread of pauses only; secrets are from crypto/rand"},
	{"unsafe", []string{"internal/console", "internal/evdev", "internal/font", "internal/ioctl", "internal/tui"}, "structures of ioctl calls"},
	{"html/template", []string{"internal/devserver"}, "large, and pages are for development"},
	{"os/exec", nil, "a kiosk starts no programs"},
	{"plugin", nil, "a kiosk loads no code"},
	{"expvar", nil, "it publishes by being imported"},
	{"net/http/pprof", nil, "it publishes by being imported"},
	{"testing", nil, "for tests"},
	{"net/http/httptest", nil, "for tests"},
}

func within(p, tree string) bool { return p == tree || strings.HasPrefix(p, tree+"/") }

// strays names every import away from its home, and of modules that have none.
func strays(all []source) []string {
	var bad []string
	for _, s := range all {
		for _, spec := range s.file.Imports {
			p := importPath(spec)
			if _, our := ours(p); our {
				continue
			}
			first, _, _ := strings.Cut(p, "/")
			foreign, home := strings.Contains(first, "."), false // standard packages have no dot there
			for _, h := range homes {
				if !within(p, h.path) {
					continue
				}
				home = true
				if !slices.Contains(h.in, s.dir) {
					bad = append(bad, fmt.Sprintf("%s: %s is only for %s: %s", s.at(spec), p, listed(h.in), h.why))
				}
			}
			if foreign && !home {
				bad = append(bad, fmt.Sprintf("%s: %s: a new dependency needs a line in homes", s.at(spec), p))
			}
		}
	}
	return bad
}

func TestEachDependencyHasAHome(t *testing.T) { holds(t, strays(sources(t))) }

func TestAStrayImportIsSeen(t *testing.T) {
	finds(t, strays(example(t,
		"internal/tui/a.go", `package tui; import ("github.com/gdamore/tcell/v2/terminfo"; "go.etcd.io/bbolt")`,
		"cmd/kiosk/a.go", `package main; import ("os/exec"; "example.com/clever"; "`+module+`/internal/app")`,
	)), "bbolt is only for internal/store", "os/exec is only for nothing", "clever: a new dependency")
}

// requirement is one line of go.mod.
type requirement struct {
	module, version string
	direct          bool
}

var requireLine = regexp.MustCompile(`^\s*(?:require\s+)?([\w.-]+\.[\w.-]+(?:/[\w.~-]+)*)\s+(v\S+)(\s*// indirect)?$`)

func requirements(gomod string) []requirement {
	var all []requirement
	for line := range strings.Lines(gomod) {
		if m := requireLine.FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil {
			all = append(all, requirement{m[1], m[2], m[3] == ""})
		}
	}
	return all
}

// floors are the oldest versions that we take. Old requirements elsewhere in the module graph name x/crypto of 2021,
// and `go mod tidy` is content with that.
var floors = []requirement{
	{module: "golang.org/x/crypto", version: "v0.58.0"},
	{module: "golang.org/x/sys", version: "v0.49.0"},
	{module: "golang.org/x/term", version: "v0.47.0"},
	{module: "golang.org/x/text", version: "v0.43.0"},
}

// older says whether version a comes before b; of a pre-release only the numbers count.
func older(a, b string) bool { return slices.Compare(numbers(a), numbers(b)) < 0 }

func numbers(version string) []int {
	plain, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	var n []int
	for part := range strings.SplitSeq(plain, ".") {
		i, err := strconv.Atoi(part)
		if err != nil {
			return nil // older than everything
		}
		n = append(n, i)
	}
	return n
}

func tooOld(required []requirement) []string {
	var bad []string
	for _, f := range floors {
		i := slices.IndexFunc(required, func(r requirement) bool { return r.module == f.module })
		switch {
		case i < 0:
			bad = append(bad, fmt.Sprintf("go.mod does not require %s, so any version may be chosen; at least %s", f.module, f.version))
		case older(required[i].version, f.version):
			bad = append(bad, fmt.Sprintf("go.mod has %s %s, older than %s", f.module, required[i].version, f.version))
		}
	}
	return bad
}

// undocumented compares go.mod's direct requirements with the module paths in backticks of a README's section.
func undocumented(required []requirement, section string) []string {
	named := make(map[string]bool)
	for _, m := range regexp.MustCompile("`([a-z0-9.-]+\\.[a-z]+/[^`\\s]+)`").FindAllStringSubmatch(section, -1) {
		named[m[1]] = true
	}
	var bad []string
	for _, r := range required {
		if r.direct && !named[r.module] {
			bad = append(bad, fmt.Sprintf("README.md, Dependencies: no line for `%s`", r.module))
		}
		if r.direct {
			delete(named, r.module)
		}
	}
	for name := range named {
		bad = append(bad, fmt.Sprintf("README.md, Dependencies: `%s` is no direct requirement in go.mod", name))
	}
	slices.Sort(bad)
	return bad
}

func TestDependenciesAreNewEnoughAndInTheReadme(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := requirements(string(text))
	if len(required) == 0 {
		t.Fatal("go.mod: no requirement was understood")
	}
	holds(t, tooOld(required))
	holds(t, undocumented(required, section(t, readme(t), "Dependencies")))
}

func TestOldAndUndocumentedDependenciesAreSeen(t *testing.T) {
	required := requirements(`module example.com/m
go 1.26.0
require golang.org/x/crypto v0.0.0-20210921155107-089bfa567519
require (
	go.example.com/told v1.0.0
	example.com/untold v1.0.0
	example.com/theirs v1.0.0 // indirect
	golang.org/x/sys v0.100.0 // indirect
	golang.org/x/text v0.42.9 // indirect
)
`)
	finds(t, tooOld(required), "x/crypto v0.0.0", "does not require golang.org/x/term", "x/text v0.42.9")
	finds(t, undocumented(required, "- `go.example.com/told` for this, `example.com/gone` for that, `bin/kiosk`"),
		"`example.com/gone` is no direct", "no line for `example.com/untold`", "no line for `golang.org/x/crypto`")
}

// maxLines: what does not fit holds a second idea.
const maxLines = 500

func tooLong(all []source) []string {
	var bad []string
	for _, s := range all {
		if s.lines > maxLines {
			bad = append(bad, fmt.Sprintf("%s has %d lines, more than %d", s.path, s.lines, maxLines))
		}
	}
	return bad
}

func TestNoFileIsTooLong(t *testing.T) { holds(t, tooLong(sources(t))) }

func TestALongFileIsSeen(t *testing.T) {
	text := "package kiosk" + strings.Repeat("\n", maxLines)
	finds(t, tooLong(example(t, path.Join("kiosk", "full.go"), text, "kiosk/over.go", text+"\n")), "kiosk/over.go has 501")
}
