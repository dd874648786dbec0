package lint

import (
	"cmp"
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
	"testing"
)

// layers lists every package of this module. A package may import lower layers only.
var layers = map[string]int{
	"kiosk":          0,
	"internal/ioctl": 0,
	"internal/wait":  0,

	"internal/safeurl":    1,
	"internal/strictjson": 1,
	"internal/pattern":    1,
	"kiosk/screen":        1,
	"internal/atomicfile": 1,
	"internal/check":      1,
	"internal/testkit":    1,
	"internal/sanitize":   1,
	"kiosk/runner":        1,

	"internal/canary":  2,
	"internal/qr":      2,
	"internal/logo":    2,
	"internal/oidc":    2,
	"internal/config":  2,
	"internal/host":    2,
	"internal/console": 2,
	"internal/control": 2,
	"internal/health":  2,
	"internal/evdev":   2,
	"internal/font":    2,
	"internal/seal":    2,

	"internal/layout": 3,
	"internal/store":  3,

	"internal/tui":     4,
	"internal/plain":   4,
	"internal/mirror":  4,
	"internal/words":   4,
	"internal/ciba":    4,
	"internal/api":     4,
	"internal/vault":   4,
	"internal/guard":   4,
	"internal/enrol":   4,
	"internal/journal": 4,

	"internal/status":                 5,
	"internal/doctor":                 6,
	"internal/display":                5,
	"internal/headless":               5,
	"internal/daemon":                 6,
	"internal/setup":                  7,
	"internal/support":                7,
	"internal/app":                    8,
	"internal/devserver/faults":       4,
	"internal/devserver/provider":     5,
	"internal/devserver/phone":        6,
	"internal/devserver/providertest": 6,
	"internal/picture":                5,

	"internal/testkit/scenes": 5,

	"cmd/kiosk":              9,
	"tools/sbom":             9,
	"tools/pictures":         9,
	"tools/docs":             9,
	"tools/phones":           9,
	"internal/lint":          9,
	"scripts/appliance/boot": 9,
	"cmd/devserver":          9,
}

// mayImport restricts what a package may import further. The development server shares nothing with the kiosk, so that a
// mistake in the client is not repeated in the server it is tested against.
var mayImport = map[string][]string{
	"internal/devserver/faults":       {},
	"internal/devserver/provider":     {"internal/devserver/faults"},
	"internal/devserver/phone":        {"internal/devserver/provider"},
	"internal/devserver/providertest": {"internal/devserver/provider", "internal/testkit"},
	"cmd/devserver":                   {"internal/devserver/provider", "internal/devserver/phone"},
}

// mayBeImportedBy restricts who may import a package: development code stays out of the device's binary.
var mayBeImportedBy = map[string][]string{
	"internal/canary":                 {},                                  // tests only
	"internal/testkit":                {"internal/devserver/providertest"}, // and tests
	"internal/picture":                {"tools/pictures"},
	"internal/testkit/scenes":         {"tools/pictures"}, // and tests
	"internal/devserver/faults":       {"internal/devserver/provider"},
	"internal/devserver/provider":     {"internal/devserver/phone", "internal/devserver/providertest", "cmd/devserver"},
	"internal/devserver/phone":        {"cmd/devserver"},
	"internal/devserver/providertest": {}, // tests only
}

// ourPackage returns the folder of an imported package of this module; ok is false for any other import.
func ourPackage(imported string) (dir string, ok bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// forbiddenEdges reports each import within the module that the layers do not allow.
func forbiddenEdges(all []source) []string {
	var bad []string
	for _, s := range all {
		from, known := layers[s.dir]
		if !known {
			bad = append(bad, fmt.Sprintf("%s: package %s has no layer; give it one in layers", s.path, s.dir))
			continue
		}
		for _, spec := range s.file.Imports {
			to, ok := ourPackage(importPath(spec))
			if !ok {
				continue
			}
			layer, known := layers[to]
			few, narrowed := mayImport[s.dir]
			users, guarded := mayBeImportedBy[to]
			var why string
			switch {
			case !known:
				why = "which has no layer"
			case layer > from:
				why = fmt.Sprintf("upwards, from layer %d to %d", from, layer)
			case layer == from:
				why = fmt.Sprintf("sideways, within layer %d", from)
			case narrowed && !slices.Contains(few, to):
				why = "but may import only " + orNothing(few)
			case guarded && !slices.Contains(users, s.dir):
				why = "which is only for " + orNothing(users)
			default:
				continue
			}
			bad = append(bad, fmt.Sprintf("%s: %s imports %s, %s", s.at(spec), s.dir, to, why))
		}
	}
	return bad
}

func orNothing(names []string) string { return cmp.Or(strings.Join(names, ", "), "nothing") }

// unusedLayers reports entries of layers without a package.
func unusedLayers(all []source) []string {
	left := maps.Clone(layers)
	for _, s := range all {
		delete(left, s.dir)
	}
	var bad []string
	for _, dir := range slices.Sorted(maps.Keys(left)) {
		bad = append(bad, "layers: there is no package "+dir)
	}
	return bad
}

func TestImportsGoDownwards(t *testing.T) {
	all := sources(t)
	report(t, forbiddenEdges(all))
	report(t, unusedLayers(all))
}

func TestForbiddenEdges(t *testing.T) {
	file := func(pkg string, imports ...string) string {
		text := "package " + pkg + "\n"
		for _, i := range imports {
			text += fmt.Sprintf("import _ %q\n", i)
		}
		return text
	}
	wantProblems(t, forbiddenEdges(example(t,
		"kiosk/a.go", file("kiosk", "strings", module+"/internal/qr"),
		"internal/tui/a.go", file("tui", module+"/kiosk", module+"/internal/words"),
		"internal/tui/b.go", file("tui", module+"/internal/layout", module+"/internal/util"),
		"internal/devserver/faults/a.go", file("faults", module+"/internal/oidc"),
		"cmd/kiosk/a.go", file("main", module+"/internal/app", module+"/internal/devserver/phone"),
		"internal/util/a.go", file("util"),
	)),
		"upwards, from layer 0 to 2",
		"sideways, within layer 4",
		"which has no layer",
		"may import only nothing",
		"only for cmd/devserver",
		"package internal/util has no layer",
	)
	few := example(t, "kiosk/a.go", file("kiosk"))
	if got := unusedLayers(few); len(got) != len(layers)-1 {
		t.Errorf("%d unused entries reported, want all but one of %d", len(got), len(layers))
	}
}

// purePackages decide what a visit is and what a person sees of it. They have no files, sockets, processes, locks,
// goroutines, timers or randomness: their clock is an argument.
var purePackages = []string{"kiosk", "kiosk/screen"}

// pureImports lists what they may import from elsewhere; context is for the signatures of ports.
var pureImports = []string{
	"cmp", "context", "encoding/base64", "encoding/json", "errors", "fmt", "iter", "maps", "math", "slices", "strconv", "strings", "time",
	"unicode", "unicode/utf8",
}

func impureImports(all []source) []string {
	var bad []string
	for _, s := range all {
		if !slices.Contains(purePackages, s.dir) {
			continue
		}
		for _, spec := range s.file.Imports {
			p := importPath(spec)
			if _, ours := ourPackage(p); !ours && !slices.Contains(pureImports, p) {
				bad = append(bad, fmt.Sprintf("%s: package %s may not import %s", s.at(spec), s.dir, p))
			}
		}
		bad = append(bad, concurrency(s)...)
	}
	return bad
}

// concurrency reports goroutines, channels and timers.
func concurrency(s source) []string {
	var bad []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt, *ast.SelectStmt, *ast.ChanType, *ast.SendStmt:
			bad = append(bad, s.at(n)+": a pure package has no goroutines or channels")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"NewTimer", "NewTicker", "AfterFunc"}, n.Sel.Name) {
				bad = append(bad, s.at(n)+": a pure package has no timers")
			}
		}
		return true
	})
	return bad
}

func TestPurePackages(t *testing.T) { report(t, impureImports(sources(t))) }

func TestImpureImports(t *testing.T) {
	wantProblems(t, impureImports(example(t,
		"kiosk/a.go", `package kiosk; import ("os"; "strings"; h "net/http"; "golang.org/x/text/unicode/norm")`,
		"kiosk/screen/a.go", `package screen; import "time"; func f(c int) { go f(1); time.NewTimer(1) }`,
		"internal/host/a.go", `package host; import "os"; func f() { go f() }`,
	)), "import os", "import net/http", "golang.org/x/text", "no goroutines", "no timers")
}
