package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// undocumentedPackages reports packages without exactly one package comment in the usual form.
func undocumentedPackages(all []source) []string {
	comments := make(map[string][]string) // by folder
	for _, s := range all {
		want := "Package " + s.file.Name.Name + " "
		if s.file.Name.Name == "main" {
			want = "Command " + s.dir[strings.LastIndex(s.dir, "/")+1:] + " "
		}
		found := comments[s.dir]
		if s.file.Doc != nil {
			text := s.file.Doc.Text()
			if !strings.HasPrefix(text, want) {
				text = fmt.Sprintf("!%s: the package comment does not begin with %q", s.path, want)
			}
			found = append(found, text)
		}
		comments[s.dir] = found
	}
	var bad []string
	for _, dir := range slices.Sorted(maps.Keys(comments)) {
		switch found := comments[dir]; {
		case len(found) == 0:
			bad = append(bad, dir+" has no package comment")
		case len(found) > 1:
			bad = append(bad, dir+" has more than one package comment")
		case found[0][0] == '!':
			bad = append(bad, found[0][1:])
		}
	}
	return bad
}

// undocumentedNames reports exported declarations without a comment that begins with their name.
func undocumentedNames(all []source) []string {
	var bad []string
	for _, s := range all {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
					bad = append(bad, undocumented(s, d, d.Name.Name, d.Doc)...)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					bad = append(bad, undocumentedSpec(s, d, spec)...)
				}
			}
		}
	}
	return bad
}

// undocumentedSpec checks a type, or the constants or variables of one line. In a group, one comment above the group or
// at the end of the line is enough.
func undocumentedSpec(s source, d *ast.GenDecl, spec ast.Spec) []string {
	group := d.Lparen.IsValid()
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		doc := spec.Doc
		if !group {
			doc = d.Doc
		}
		if spec.Name.IsExported() {
			return undocumented(s, spec, spec.Name.Name, doc)
		}
	case *ast.ValueSpec:
		i := slices.IndexFunc(spec.Names, (*ast.Ident).IsExported)
		if i < 0 || group && (d.Doc != nil || spec.Doc != nil || spec.Comment != nil) {
			return nil
		}
		if d.Tok == token.CONST || d.Tok == token.VAR {
			return undocumented(s, spec, spec.Names[i].Name, d.Doc)
		}
	}
	return nil
}

func undocumented(s source, n ast.Node, name string, doc *ast.CommentGroup) []string {
	if doc == nil || strings.TrimSpace(doc.Text()) == "" {
		return []string{fmt.Sprintf("%s: exported %s has no comment", s.at(n), name)}
	}
	words := strings.Fields(doc.Text())
	if slices.Contains([]string{"A", "An", "The"}, words[0]) && len(words) > 1 {
		words = words[1:]
	}
	if strings.TrimRight(words[0], ".,:;'s") != strings.TrimRight(name, "s") && words[0] != "Deprecated:" {
		return []string{fmt.Sprintf("%s: the comment of %s begins with %q, not with the name", s.at(n), name, words[0])}
	}
	return nil
}

// receiver returns the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr: // a type parameter
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	all := sources(t)
	report(t, undocumentedPackages(all))
	report(t, undocumentedNames(all))
}

func TestUndocumentedNames(t *testing.T) {
	bad := example(t,
		"cmd/kiosk/a.go", "// Package main is a program.\npackage main",
		"internal/api/a.go", "package api",
		"internal/qr/a.go", "// Package qr draws.\npackage qr",
		"internal/qr/b.go", "// Package qr draws well.\npackage qr",
		"kiosk/a.go", `// Package kiosk is well explained.
package kiosk

// Step is explained.
func Step() {}

// steps are nobody's business.
func (s *State) View() {}

func (h hidden) Exempt() {}

func (s *State) Wipe() {}

// The State is explained.
type State struct{}

type Bare struct{}

// These are explained together.
const (
	One = 1
	Two = 2
)

const (
	Three = 3 // at the end of its line
	Four  = 4
)

var ErrBare, quiet = 1, 2
`)
	wantProblems(t, undocumentedPackages(bad), `a.go: the package comment does not begin with "Command kiosk "`,
		"internal/api has no package comment", "internal/qr has more than one")
	wantProblems(t, undocumentedNames(bad), `comment of View begins with "steps"`, "Wipe has no comment", "Bare has no comment",
		"Four has no comment", "ErrBare has no comment")
}
