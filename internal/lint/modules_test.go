package lint

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowedImporters says which packages may import a third-party module or a restricted package of the standard library.
// A new dependency, or a second user of an old one, thus needs a visible decision.
var allowedImporters = []struct {
	path string // import path, including everything below it
	in   []string
	why  string
}{
	{"github.com/gdamore/tcell/v2", []string{"internal/tui"}, "one package uses the terminal"},
	{"go.etcd.io/bbolt", []string{"internal/store"}, "one package uses the database"},
	{"github.com/kelseyhightower/envconfig", []string{"internal/config"}, "settings are read in one place"},
	{"github.com/skip2/go-qrcode", []string{"internal/qr"}, "its panics and log output are handled there"},
	{"github.com/go-jose/go-jose/v4", []string{"internal/oidc", "internal/devserver/faults", "internal/devserver/provider", "internal/devserver/providertest"}, "the accepted algorithms are listed once on each side"},
	{"github.com/go-json-experiment/json", []string{"internal/strictjson"}, "one package reads foreign JSON"},
	{"github.com/rivo/uniseg", []string{"internal/layout"}, "one package measures text"},
	{"github.com/coreos/go-systemd/v22/daemon", []string{"internal/host"}, "one place notifies the service manager"},
	{"github.com/coreos/go-systemd/v22/dbus", []string{"internal/host"}, "one place asks systemd for the state of a unit"},
	{"golang.org/x/text", []string{"internal/ciba", "internal/layout", "internal/seal", "internal/words"}, "plural rules; normal forms of hints, drawn text and counted persons"},
	{"golang.org/x/sys", []string{"internal/console", "internal/control", "internal/evdev", "internal/font", "internal/host", "internal/ioctl", "internal/store", "internal/tui"}, "system calls"},
	{"golang.org/x/crypto", []string{"internal/seal"}, "sealing"},
	{"golang.org/x/term", []string{"cmd/kiosk"}, "the masked prompt of kiosk login"},
	{"math/rand", []string{"kiosk/runner"}, "predictable: only for jitter; secrets come from crypto/rand"},
	{"unsafe", []string{"internal/console", "internal/evdev", "internal/font", "internal/ioctl", "internal/tui"}, "structures of ioctl calls"},
	{"html/template", []string{"internal/devserver/phone"}, "large; only the development server has pages"},
	{"os/exec", []string{"tools/docs"}, "a kiosk starts no programs"},
	{"plugin", nil, "a kiosk loads no code"},
	{"expvar", nil, "importing it publishes an endpoint"},
	{"net/http/pprof", nil, "importing it publishes an endpoint"},
	{"testing", []string{"internal/testkit", "internal/devserver/providertest"}, "for tests"},
	{"net/http/httptest", []string{"internal/devserver/providertest"}, "for tests"},
}

func within(p, tree string) bool { return p == tree || strings.HasPrefix(p, tree+"/") }

// misplacedImports reports imports outside the allowed packages, and modules that allowedImporters does not list.
func misplacedImports(all []source) []string {
	var bad []string
	for _, s := range all {
		for _, spec := range s.file.Imports {
			p := importPath(spec)
			if _, our := ourPackage(p); our {
				continue
			}
			first, _, _ := strings.Cut(p, "/")
			thirdParty, listed := strings.Contains(first, "."), false // standard packages have no dot there
			for _, h := range allowedImporters {
				if !within(p, h.path) {
					continue
				}
				listed = true
				if !slices.Contains(h.in, s.dir) {
					bad = append(bad, fmt.Sprintf("%s: %s is only for %s: %s", s.at(spec), p, orNothing(h.in), h.why))
				}
			}
			if thirdParty && !listed {
				bad = append(bad, fmt.Sprintf("%s: %s: a new dependency needs an entry in allowedImporters", s.at(spec), p))
			}
		}
	}
	return bad
}

func TestDependenciesStayWhereTheyAreAllowed(t *testing.T) { report(t, misplacedImports(sources(t))) }

func TestMisplacedImports(t *testing.T) {
	wantProblems(t, misplacedImports(example(t,
		"internal/tui/a.go", `package tui; import ("github.com/gdamore/tcell/v2/terminfo"; "go.etcd.io/bbolt")`,
		"cmd/kiosk/a.go", `package main; import ("os/exec"; "example.com/clever"; "`+module+`/internal/app")`,
	)), "bbolt is only for internal/store", "os/exec is only for tools/docs", "clever: a new dependency")
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

// floors are the oldest accepted versions. Other modules require x/crypto of 2021, and `go mod tidy` would select it.
var floors = []requirement{
	{module: "golang.org/x/crypto", version: "v0.59.0"},
	{module: "golang.org/x/sys", version: "v0.50.0"},
	{module: "golang.org/x/term", version: "v0.48.0"},
	{module: "golang.org/x/text", version: "v0.44.0"},
}

// older reports whether version a precedes b, ignoring pre-release suffixes.
func older(a, b string) bool { return slices.Compare(numbers(a), numbers(b)) < 0 }

func numbers(version string) []int {
	plain, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	var n []int
	for part := range strings.SplitSeq(plain, ".") {
		i, err := strconv.Atoi(part)
		if err != nil {
			return nil // precedes every version
		}
		n = append(n, i)
	}
	return n
}

func oldRequirements(required []requirement) []string {
	var bad []string
	for _, f := range floors {
		i := slices.IndexFunc(required, func(r requirement) bool { return r.module == f.module })
		switch {
		case i < 0:
			bad = append(bad, fmt.Sprintf("go.mod does not require %s; require at least %s", f.module, f.version))
		case older(required[i].version, f.version):
			bad = append(bad, fmt.Sprintf("go.mod has %s %s, older than %s", f.module, required[i].version, f.version))
		}
	}
	return bad
}

// undocumentedModules compares the direct requirements of go.mod with the module paths in backticks of a section.
func undocumentedModules(required []requirement, section string) []string {
	named := make(map[string]bool)
	for _, m := range regexp.MustCompile("`([a-z0-9.-]+\\.[a-z]+/[^`\\s]+)`").FindAllStringSubmatch(section, -1) {
		named[m[1]] = true
	}
	var bad []string
	for _, r := range required {
		if r.direct && !named[r.module] {
			bad = append(bad, fmt.Sprintf("docs/architecture.md, Dependencies: no line for `%s`", r.module))
		}
		if r.direct {
			delete(named, r.module)
		}
	}
	for name := range named {
		bad = append(bad, fmt.Sprintf("docs/architecture.md, Dependencies: `%s` is no direct requirement in go.mod", name))
	}
	slices.Sort(bad)
	return bad
}

// documentedModules is the section of the documents that gives each direct dependency its reason.
func documentedModules(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Dependencies\n")
	if !ok {
		t.Fatal("docs/architecture.md has no section Dependencies")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

func TestDependenciesAreCurrentAndDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	required := requirements(string(text))
	if len(required) == 0 {
		t.Fatal("go.mod: no requirement found")
	}
	report(t, oldRequirements(required))
	report(t, undocumentedModules(required, documentedModules(t)))
}

func TestOldAndUndocumentedDependencies(t *testing.T) {
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
	wantProblems(t, oldRequirements(required), "x/crypto v0.0.0", "does not require golang.org/x/term", "x/text v0.42.9")
	wantProblems(t, undocumentedModules(required, "- `go.example.com/told` for this, `example.com/gone` for that, `bin/kiosk`"),
		"`example.com/gone` is no direct", "no line for `example.com/untold`", "no line for `golang.org/x/crypto`")
}

// maxLines bounds a file: a longer one holds a second idea.
const maxLines = 500

func longFiles(all []source) []string {
	var bad []string
	for _, s := range all {
		if s.lines > maxLines {
			bad = append(bad, fmt.Sprintf("%s has %d lines, more than %d", s.path, s.lines, maxLines))
		}
	}
	return bad
}

func TestFilesAreShort(t *testing.T) { report(t, longFiles(sources(t))) }

func TestLongFiles(t *testing.T) {
	text := "package kiosk" + strings.Repeat("\n", maxLines)
	wantProblems(t, longFiles(example(t, path.Join("kiosk", "full.go"), text, "kiosk/over.go", text+"\n")), "kiosk/over.go has 501")
}
