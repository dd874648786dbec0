package ciba

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryDutyHasItsTest reads the table in docs/protocol.md.
func TestEveryDutyHasItsTest(t *testing.T) {
	doc, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for prefix, dir := range map[string]string{"": ".", "oidc.": "../oidc", "kiosk.": "../../kiosk", "screen.": "../../kiosk/screen", "runner.": "../../kiosk/runner", "guard.": "../guard", "config.": "../config", "enrol.": "../enrol", "strictjson.": "../strictjson"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatal("no tests in ", dir)
		}
		for _, f := range files {
			file, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
					have[prefix+fn.Name.Name] = true
				}
			}
		}
	}
	row := regexp.MustCompile(`(?m)^\| (\S+) \| ([MSRO]) \| (.+?) \| ((?:` + "`" + `\S+` + "`" + ` ?)+)\|$`)
	rows := row.FindAllStringSubmatch(string(doc), -1)
	if lines := strings.Count(string(doc), "\n| ") - 1; len(rows) != lines {
		t.Fatalf("%d of %d lines of the table can be read", len(rows), lines)
	}
	named := map[string]bool{}
	for _, r := range rows {
		named[r[1]] = true
		for _, test := range strings.Fields(strings.ReplaceAll(r[4], "`", "")) {
			if !have[test] {
				t.Errorf("%s (%s): there is no %s", r[1], r[3], test)
			}
		}
	}
	// Every MUST and SHOULD that a client can violate on the wire.
	for _, d := range strings.Fields("C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 C12 C16 C17 C18 C20 C22 C24 C25 C26 C28 C29 C30 C31 C32 " +
		"C34 C35 C36 C37 C38 C39 C40 C41 C43 C48 C49 C50 C51 C56 C57 C58 C59 C60 C64 C65 C66 C67 1.1 1.9 1.10 1.11 3.11 K1 K4 K6 K7 " +
		"V1 V2 V3 V4 V5 V6 V7 V8 V9 V10 V11 V12 V13 V14 V15 V16 8628 7009 8705 8707 9396 9449") {
		if !named[d] {
			t.Errorf("%s is not in docs/protocol.md", d)
		}
	}
}
