package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestCommittedTablesAreCurrent(t *testing.T) {
	if err := update("../..", true); err != nil {
		t.Error(err)
	}
}

// copyDocuments puts what the program reads and writes into a folder of the test's own.
func copyDocuments(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	sources, err := filepath.Glob("../../kiosk/*.go")
	if err != nil {
		t.Fatal(err)
	}
	all, err := tables("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range all {
		sources = append(sources, filepath.Join("../..", table.file))
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel("../..", source)
		target := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestOutdatedTablesAreReportedAndRewritten(t *testing.T) {
	root := copyDocuments(t)
	all, err := tables(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range all {
		path := filepath.Join(root, table.file)
		current, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		row := strings.SplitAfter(table.text, "\n")[3]
		stale := strings.Replace(string(current), row, "", 1)
		if err := os.WriteFile(path, []byte(stale), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := update(root, true); err == nil || !strings.Contains(err.Error(), table.name) {
			t.Errorf("%s without a row of %q: check reports %v", table.file, table.name, err)
		}
		if err := update(root, false); err != nil {
			t.Error(err)
		}
		if fixed, _ := os.ReadFile(path); !bytes.Equal(fixed, current) {
			t.Errorf("%s: rewriting does not restore table %q", table.file, table.name)
		}
	}
}

func TestDocumentsWithoutMarksAreRefused(t *testing.T) {
	_, err := replace("# A document\n<!-- other -->\n<!-- /other -->\n", table{"README.md", "settings", "x\n"})
	if err == nil {
		t.Error("no error")
	}
}

func TestSettingsTable(t *testing.T) {
	got, err := settingsTable([]config.Setting{
		{Name: "KIOSK_ONE", Default: "a|b", Doc: "the first"},
		{Name: "KIOSK_TWO", Derived: "as the first", Doc: "the second", Credential: "two"},
	})
	want := "| variable | default | meaning | credential |\n| --- | --- | --- | --- |\n" +
		"| `KIOSK_ONE` | `a\\|b` | the first | |\n| `KIOSK_TWO` | as the first | the second | `two` |\n"
	if err != nil || got != want {
		t.Errorf("got %v\n%swant\n%s", err, got, want)
	}
	if _, err := settingsTable([]config.Setting{{Name: "KIOSK_ONE"}}); err == nil {
		t.Error("a setting without a text is accepted")
	}
}

func TestExitTable(t *testing.T) {
	meanings, err := reasonComments("../../kiosk")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exitTable(kiosk.Reasons(), nil); err == nil {
		t.Error("reasons without comments are accepted")
	}
	twice := append(kiosk.Reasons(), kiosk.Declined)
	if _, err := exitTable(twice, meanings); err == nil {
		t.Error("two reasons with one exit code are accepted")
	}
}
