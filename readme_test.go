package project_test

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// The README's tables of settings and of exit codes are made from the code. Each stands under its heading,
// between two comments:
//
//	<!-- settings -->
//	<!-- /settings -->
//
// and is rewritten by `go test -run TestReadme . -update`.
var update = flag.Bool("update", false, "rewrite the tables of README.md")

const readmeFile = "README.md"

// table is one of them.
type table struct {
	heading string // the section it belongs to
	mark    string // the word in the comments
	text    string // what is to stand between them
}

func tables(t *testing.T) []table {
	return []table{
		{"Settings", "settings", settingsTable(config.Doc())},
		{"Exit codes", "exit codes", exitTable(kiosk.Reasons(), meanings(sources(t)))},
	}
}

func settingsTable(all []config.Setting) string {
	rows := [][]string{{"variable", "default", "meaning", "credential"}}
	for _, s := range all {
		rows = append(rows, []string{code(s.Name), cmp.Or(code(s.Default), s.Derived, "–"), s.Doc, code(s.Credential)})
	}
	return markdown(rows)
}

func exitTable(reasons []kiosk.Reason, meaning []string) string {
	rows := [][]string{
		{"code", "reason", "meaning"},
		{"0", "(shown)", "approved, checked, the answer was delivered"},
	}
	for i, r := range reasons {
		if i > 0 && reasons[i-1].ExitCode() < 2 && r.ExitCode() > 2 {
			rows = append(rows, []string{"2", "–", "bad usage"}) // a command's, not a visit's
		}
		rows = append(rows, []string{fmt.Sprint(r.ExitCode()), code(r.String()), meaning[r]})
	}
	return markdown(rows)
}

// meanings are the comments beside the constants of type Reason, by their value.
func meanings(all []source) []string {
	for _, s := range all {
		for _, d := range s.file.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || s.dir != "kiosk" || len(group.Specs) == 0 {
				continue
			}
			first, ok := group.Specs[0].(*ast.ValueSpec)
			if !ok {
				continue
			}
			if kind, ok := first.Type.(*ast.Ident); !ok || kind.Name != "Reason" {
				continue
			}
			var found []string
			for _, spec := range group.Specs {
				found = append(found, strings.TrimSpace(spec.(*ast.ValueSpec).Comment.Text()))
			}
			return found
		}
	}
	return nil
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

// section is what stands under a heading of the second level, up to the next.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	found, ok := under(text, heading)
	if !ok {
		t.Fatalf("%s has no section %q", readmeFile, "## "+heading)
	}
	return found
}

func under(text, heading string) (string, bool) {
	_, rest, ok := strings.Cut("\n"+text, "\n## "+heading+"\n")
	rest, _, _ = strings.Cut(rest, "\n## ")
	return rest, ok
}

// between splits text around what stands between a table's comments.
func between(text, mark string) (before, inner, after string, ok bool) {
	before, rest, ok1 := strings.Cut(text, "<!-- "+mark+" -->\n")
	inner, after, ok2 := strings.Cut(rest, "<!-- /"+mark+" -->")
	return before, inner, after, ok1 && ok2
}

// outdated says how the README differs from a table.
func outdated(readme string, want table) []string {
	found, ok := under(readme, want.heading)
	if !ok {
		return []string{fmt.Sprintf("no section %q", "## "+want.heading)}
	}
	_, got, _, ok := between(found, want.mark)
	if !ok {
		return []string{fmt.Sprintf("section %q has no lines <!-- %s --> and <!-- /%[2]s -->", want.heading, want.mark)}
	}
	was, is := strings.Split(strings.TrimSpace(got), "\n"), strings.Split(strings.TrimSpace(want.text), "\n")
	for i := range max(len(was), len(is)) {
		switch {
		case i >= len(is):
			return []string{fmt.Sprintf("section %q has a line too many: %s", want.heading, was[i])}
		case i >= len(was):
			return []string{fmt.Sprintf("section %q lacks the line: %s", want.heading, is[i])}
		case was[i] != is[i]:
			return []string{fmt.Sprintf("section %q has:\n%s\nand should have:\n%s", want.heading, was[i], is[i])}
		}
	}
	return nil
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(readmeFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadmeTablesAreThoseOfTheCode(t *testing.T) {
	text := readme(t)
	for _, want := range tables(t) {
		if *update {
			before, _, after, ok := between(text, want.mark)
			if !ok {
				t.Fatalf("%s has no lines <!-- %s --> and <!-- /%[2]s -->", readmeFile, want.mark)
			}
			text = before + "<!-- " + want.mark + " -->\n" + want.text + "<!-- /" + want.mark + " -->" + after
			if err := os.WriteFile(readmeFile, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, problem := range outdated(text, want) {
			t.Errorf("%s: %s\n(go test -run TestReadme . -update)", readmeFile, problem)
		}
	}
}

func TestReadmeTablesAreComplete(t *testing.T) {
	meaning := meanings(sources(t))
	for _, r := range kiosk.Reasons() {
		if int(r) >= len(meaning) || meaning[r] == "" {
			t.Errorf("kiosk: reason %s has no comment beside its constant: it is the README's text", r)
		}
	}
	for _, s := range config.Doc() {
		if !strings.HasPrefix(s.Name, "KIOSK_") || s.Doc == "" {
			t.Errorf("config: setting %q has no name or no text", s.Name)
		}
	}
	codes := make(map[int]kiosk.Reason)
	for _, r := range kiosk.Reasons() {
		if other, taken := codes[r.ExitCode()]; taken || slices.Contains([]int{0, 2}, r.ExitCode()) {
			t.Errorf("exit code %d of %s already means something else (%s)", r.ExitCode(), r, other)
		}
		codes[r.ExitCode()] = r
	}
}

func TestAnOutdatedReadmeIsSeen(t *testing.T) {
	want := table{"Settings", "settings", settingsTable([]config.Setting{
		{Name: "KIOSK_ONE", Default: "a|b", Doc: "the first"},
		{Name: "KIOSK_TWO", Derived: "as the first", Doc: "the second", Credential: "two"},
	})}
	head := "# K\n\n## Settings\n\n<!-- settings -->\n| variable | default | meaning | credential |\n| --- | --- | --- | --- |\n"
	one := "| `KIOSK_ONE` | `a\\|b` | the first | |\n"
	two := "| `KIOSK_TWO` | as the first | the second | `two` |\n"
	end := "<!-- /settings -->\n\n## Exit codes\n"
	for name, c := range map[string]struct{ readme, want string }{
		"the section is missing":        {"# K\n\n## Setting\n", "no section"},
		"the comments are elsewhere":    {"# K\n\n## Settings\n\n## Other\n<!-- settings -->\n<!-- /settings -->\n", "has no lines"},
		"a setting is not in it":        {head + one + end, "lacks the line: | `KIOSK_TWO`"},
		"a setting is gone":             {head + one + two + "| `KIOSK_OLD` | – | |  |\n" + end, "too many: | `KIOSK_OLD`"},
		"a default is another one":      {head + strings.Replace(one, "a", "c", 1) + two + end, "and should have:\n" + one[:len(one)-1]},
		"a credential has another name": {head + one + strings.Replace(two, "`two`", "`three`", 1) + end, "and should have:\n" + two[:len(two)-1]},
	} {
		t.Run(name, func(t *testing.T) { finds(t, outdated(c.readme, want), c.want) })
	}
	if problems := outdated(head+one+two+end, want); len(problems) > 0 {
		t.Errorf("a right table is found wrong: %s", problems)
	}
}
