// Package project_test holds the rules that span packages and that no compiler knows: who may import whom, what
// may be called where, what is documented, and what the README promises. It reads source text only. What a package
// does is tested beside that package.
//
// Every rule is a function from sources to problems, and every rule has a test with a bad example, so that a rule
// that has gone blind is noticed.
package project_test

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

// source is one Go file that goes into a program: tests are left out.
type source struct {
	path  string // from the root, with slashes
	dir   string // its folder
	lines int
	set   *token.FileSet
	file  *ast.File
}

// at says where a node is, as editors like it.
func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.set.Position(n.Pos()).Line)
}

// imports maps the name that the file uses for each imported package to the package's path.
func (s source) imports() map[string]string {
	m := make(map[string]string)
	for _, spec := range s.file.Imports {
		p := importPath(spec)
		name := path.Base(p)
		if _, err := strconv.Atoi(strings.TrimPrefix(name, "v")); err == nil { // tcell/v2 is called tcell, rand/v2 rand
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
		panic(err) // the parser lets no other literal through
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

// sources reads the module: all files for all targets and tags, but no tests.
func sources(t *testing.T) []source {
	t.Helper()
	root := os.DirFS(".")
	var all []source
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." {
			_, err := fs.Stat(root, path.Join(name, "go.mod"))
			other := err == nil // a module of its own
			if other || d.Name() == "testdata" || d.Name() == "node_modules" || strings.ContainsAny(d.Name()[:1], "._") {
				return fs.SkipDir
			}
		}
		if d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := fs.ReadFile(root, name)
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
		t.Fatal("no Go files were found: every rule would pass")
	}
	return all
}

// example is sources made up on the spot: path, text, path, text, …
func example(t *testing.T, files ...string) []source {
	t.Helper()
	var all []source
	for i := 0; i < len(files); i += 2 {
		all = append(all, parse(t, files[i], files[i+1]))
	}
	return all
}

// holds reports every problem.
func holds(t *testing.T, problems []string) {
	t.Helper()
	for _, p := range problems {
		t.Error(p)
	}
}

// finds wants one problem for each entry, in that order, that has the entry in it, and no other problem.
func finds(t *testing.T, problems []string, want ...string) {
	t.Helper()
	for i := range max(len(problems), len(want)) {
		switch {
		case i >= len(want):
			t.Errorf("more than was wanted: %s", problems[i])
		case i >= len(problems):
			t.Errorf("the rule did not see: %s", want[i])
		case !strings.Contains(problems[i], want[i]):
			t.Errorf("the rule says %q, wanted something about %q", problems[i], want[i])
		}
	}
}
