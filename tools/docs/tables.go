package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// table is a generated part of a document, between two comments that name it:
//
//	<!-- settings -->
//	<!-- /settings -->
type table struct {
	file string // path from the root of the repository
	name string // the word in the comments
	text string
}

func tables(root string) ([]table, error) {
	meanings, err := reasonComments(filepath.Join(root, "kiosk"))
	if err != nil {
		return nil, err
	}
	exits, err := exitTable(kiosk.Reasons(), meanings)
	if err != nil {
		return nil, err
	}
	settings, err := settingsTable(config.Doc())
	if err != nil {
		return nil, err
	}
	return []table{
		{"docs/settings.md", "settings", settings},
		{"docs/servers.md", "profiles", profileTable(ciba.Facts())},
		{"docs/operations.md", "exit codes", exits},
	}, nil
}

func tableDocuments(root string) ([]document, error) {
	all, err := tables(root)
	if err != nil {
		return nil, err
	}
	var out []document
	for _, t := range all {
		out = append(out, document{t.file, func(old string) (string, error) { return replace(old, t) }})
	}
	return out, nil
}

// replace puts a table between its comments in a document.
func replace(document string, t table) (string, error) {
	open, end := "<!-- "+t.name+" -->\n", "<!-- /"+t.name+" -->"
	before, rest, ok1 := strings.Cut(document, open)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		return "", fmt.Errorf("no lines %s and %s", strings.TrimSpace(open), end)
	}
	return before + open + t.text + end + after, nil
}

// settingsTable lists the settings in a table for each group.
func settingsTable(all []config.Setting) (string, error) {
	var b strings.Builder
	head := []string{"variable", "default", "allowed", "meaning", "credential"}
	var rows [][]string
	for i, s := range all {
		if !strings.HasPrefix(s.Name, "KIOSK_") || s.Doc == "" || s.Group == "" {
			return "", fmt.Errorf("setting %q: no name, text or group", s.Name)
		}
		if i == 0 || all[i-1].Group != s.Group {
			rows = [][]string{head}
			fmt.Fprintf(&b, "\n## %s\n\n", s.Group)
		}
		rows = append(rows, []string{code(s.Name), cmp.Or(code(s.Default), s.Derived, "–"), s.Allowed, s.Doc, code(s.Credential)})
		if i == len(all)-1 || all[i+1].Group != s.Group {
			b.WriteString(markdown(rows))
		}
	}
	b.WriteString("\n")
	return b.String(), nil
}

// meaning is a setting's text with the allowed values.
func meaning(s config.Setting) string {
	if s.Allowed == "" {
		return s.Doc
	}
	return s.Doc + ". Allowed: " + s.Allowed
}

// exitTable lists the reasons in the order of their exit codes. 0 and 2 belong to commands: no reason may have them, and
// no two reasons may share one.
func exitTable(reasons []kiosk.Reason, meanings map[string]string) (string, error) {
	rows := [][]string{
		{"code", "reason", "meaning"},
		{"0", "(shown)", "approved, checked, the answer was delivered"},
	}
	used := map[int]bool{0: true, 2: true}
	for i, r := range reasons {
		exit, name := r.ExitCode(), r.String()
		if used[exit] {
			return "", fmt.Errorf("reason %s: exit code %d already means something else", name, exit)
		}
		used[exit] = true
		if i > 0 && reasons[i-1].ExitCode() < 2 && exit > 2 {
			rows = append(rows, []string{"2", "–", "bad usage"})
		}
		if meanings[name] == "" {
			return "", fmt.Errorf("reason %s: there is no comment beside its constant", name)
		}
		rows = append(rows, []string{fmt.Sprint(exit), code(name), meanings[name]})
	}
	return markdown(rows), nil
}

// reasonComments reads the comments beside the constants of type Reason in a package's source, by the reason's name.
func reasonComments(dir string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			if group, ok := d.(*ast.GenDecl); ok && declares(group, "Reason") {
				found := make(map[string]string)
				for i, spec := range group.Specs {
					found[kiosk.Reason(i).String()] = strings.TrimSpace(spec.(*ast.ValueSpec).Comment.Text())
				}
				return found, nil
			}
		}
	}
	return nil, fmt.Errorf("%s: no constants of type Reason", dir)
}

// declares reports whether a declaration is a group of constants that begins with one of the given type.
func declares(group *ast.GenDecl, typ string) bool {
	if group.Tok != token.CONST || len(group.Specs) == 0 {
		return false
	}
	first, ok := group.Specs[0].(*ast.ValueSpec)
	if !ok {
		return false
	}
	name, ok := first.Type.(*ast.Ident)
	return ok && name.Name == typ
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// markdown lays out a table; the first row is its head.
func markdown(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		for _, cell := range row {
			b.WriteString(strings.TrimRight("| "+strings.ReplaceAll(cell, "|", `\|`), " ") + " ")
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString(strings.Repeat("| --- ", len(row)) + "|\n")
		}
	}
	return b.String()
}

// profileTable lists what the server profiles say.
func profileTable(all []ciba.ProfileFacts) string {
	rows := [][]string{{"profile", "recognized by", "login hint", "binding message", "lifetime", "needs"}}
	for _, f := range all {
		rows = append(rows, []string{code(f.Name), cmp.Or(code(f.Endpoints), "–"), cmp.Or(code(f.Hint), "–"), f.Message, f.Lifetime, cmp.Or(code(strings.TrimSpace(f.Requires)), "–")})
	}
	return markdown(rows)
}
