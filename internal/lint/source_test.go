package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
)

// module is the module path, as in go.mod.
const module = "github.com/ciba-kiosk/ciba-kiosk"

// root is the root of the repository, seen from this package.
const root = "../.."

// source is one parsed Go file that is not a test.
type source struct {
	path  string // relative to the root, with slashes
	dir   string // folder of path
	lines int
	set   *token.FileSet
	file  *ast.File
}

// at returns the position of a node as path:line.
func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.set.Position(n.Pos()).Line)
}

// imports maps the local name of each imported package to its path.
func (s source) imports() map[string]string {
	m := make(map[string]string)
	for _, spec := range s.file.Imports {
		p := importPath(spec)
		name := path.Base(p)
		if _, err := strconv.Atoi(strings.TrimPrefix(name, "v")); err == nil { // the package of tcell/v2 is named tcell
			name = path.Base(path.Dir(p))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		m[name] = p
	}
	return m
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser accepts only valid literals
	}
	return p
}

func parse(t *testing.T, name, text string) source {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{path: name, dir: path.Dir(name), lines: strings.Count(text, "\n"), set: set, file: f}
}

// sources parses every Go file of the module that is not a test, whatever its build constraints.
func sources(t *testing.T) []source {
	t.Helper()
	tree := os.DirFS(root)
	var all []source
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." {
			_, err := fs.Stat(tree, path.Join(name, "go.mod"))
			other := err == nil // another module
			if other || d.Name() == "testdata" || d.Name() == "node_modules" || strings.ContainsAny(d.Name()[:1], "._") {
				return fs.SkipDir
			}
		}
		if d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		all = append(all, parse(t, name, string(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no Go files found: every rule would pass")
	}
	return all
}

// example parses made-up sources: path, text, path, text, …
func example(t *testing.T, files ...string) []source {
	t.Helper()
	var all []source
	for i := 0; i < len(files); i += 2 {
		all = append(all, parse(t, files[i], files[i+1]))
	}
	return all
}

// report fails the test with each problem.
func report(t *testing.T, problems []string) {
	t.Helper()
	for _, p := range problems {
		t.Error(p)
	}
}

// wantProblems fails the test unless there are as many problems as entries of want, each containing its entry.
func wantProblems(t *testing.T, problems []string, want ...string) {
	t.Helper()
	for i := range max(len(problems), len(want)) {
		switch {
		case i >= len(want):
			t.Errorf("unexpected problem: %s", problems[i])
		case i >= len(problems):
			t.Errorf("not reported: %s", want[i])
		case !strings.Contains(problems[i], want[i]):
			t.Errorf("reported %q, want a problem about %q", problems[i], want[i])
		}
	}
}
