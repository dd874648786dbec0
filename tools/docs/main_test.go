package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const root = "../.."

// builtVerbs builds kiosk once for all tests.
var builtVerbs = sync.OnceValues(func() ([]verb, error) { return readVerbs(root) })

func verbsOf(t *testing.T) []verb {
	t.Helper()
	verbs, err := builtVerbs()
	if err != nil {
		t.Fatal(err)
	}
	return verbs
}

func TestCommittedDocumentsAreCurrent(t *testing.T) {
	if err := update(root, true); err != nil {
		t.Error(err)
	}
}

func TestOutdatedTablesAreRewritten(t *testing.T) {
	all, err := tables(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range all {
		current, err := os.ReadFile(filepath.Join(root, table.file))
		if err != nil {
			t.Fatal(err)
		}
		rows := strings.SplitAfter(strings.TrimSpace(table.text), "\n")
		row := rows[len(rows)-2]
		stale := strings.Replace(string(current), row, "", 1)
		if stale == string(current) {
			t.Fatalf("%s does not contain the row %q", table.file, row)
		}
		if fixed, err := replace(stale, table); err != nil || fixed != string(current) {
			t.Errorf("%s: the row is not restored (%v)", table.file, err)
		}
	}
}

func TestStrayPagesAreReported(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, manualDir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, manualDir, "kiosk-gone.1"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := strayPages(dir, manualPages(nil)); err == nil || !strings.Contains(err.Error(), "kiosk-gone.1") {
		t.Errorf("got %v", err)
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
		{Name: "KIOSK_ONE", Group: "A", Default: "a|b", Doc: "the first", Allowed: "one of a|b, c"},
		{Name: "KIOSK_TWO", Group: "B", Derived: "as the first", Doc: "the second", Credential: "two"},
	})
	head := "| variable | default | allowed | meaning | credential |\n| --- | --- | --- | --- | --- |\n"
	want := "\n## A\n\n" + head + "| `KIOSK_ONE` | `a\\|b` | one of a\\|b, c | the first | |\n" +
		"\n## B\n\n" + head + "| `KIOSK_TWO` | as the first | | the second | `two` |\n\n"
	if err != nil || got != want {
		t.Errorf("got %v\n%swant\n%s", err, got, want)
	}
	if _, err := settingsTable([]config.Setting{{Name: "KIOSK_ONE"}}); err == nil {
		t.Error("a setting without a text is accepted")
	}
}

func TestExitTable(t *testing.T) {
	meanings, err := reasonComments(filepath.Join(root, "kiosk"))
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

func TestPagesContainFlagsAndSettings(t *testing.T) {
	verbs := verbsOf(t)
	script, zsh, fish := completion(verbs), zshCompletion(verbs), fishCompletion(verbs)
	for _, v := range verbs {
		page := verbPage(v)
		if v.name != "version" && len(v.flags()) == 0 {
			t.Errorf("%s: no flags found in its help", v.name)
		}
		for _, f := range v.flags() {
			if !strings.Contains(page, roff(f)) {
				t.Errorf("the page of %s lacks %s", v.name, f)
			}
			if !strings.Contains(script, f) || !strings.Contains(zsh, f) || !strings.Contains(fish, " -l "+strings.TrimPrefix(f, "--")) {
				t.Errorf("a completion lacks %s", f)
			}
		}
	}
	settings, example := settingsPage(), exampleSettings()
	for _, s := range config.Doc() {
		if !strings.Contains(settings, s.Name) || !strings.Contains(example, s.Name) {
			t.Errorf("%s is missing in kiosk.env(5) or in the example", s.Name)
		}
	}
}

func TestExampleSettingsAreValid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kiosk.env")
	if err := os.WriteFile(path, []byte(exampleSettings()), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := config.LoadFile(path); err != nil {
		t.Error(err)
	}
}

func TestBashUnderstandsCompletion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kiosk.bash")
	if err := os.WriteFile(path, []byte(completion(verbsOf(t))), 0o644); err != nil {
		t.Fatal(err)
	}
	script := `. "$1"; COMP_WORDS=(kiosk jou); COMP_CWORD=1; _kiosk; echo "${COMPREPLY[*]}"
COMP_WORDS=(kiosk config show --js); COMP_CWORD=3; _kiosk; echo "${COMPREPLY[*]}"`
	out, err := exec.Command("bash", "-c", script, "bash", path).CombinedOutput()
	if err != nil || !bytes.Equal(out, []byte("journal\n--json\n")) {
		t.Errorf("%v: %q", err, out)
	}
}

// The shells are not on every machine; where they are missing, the test is skipped.
func TestFishUnderstandsCompletion(t *testing.T) {
	fish, err := exec.LookPath("fish")
	if err != nil {
		t.Skip("fish is not installed")
	}
	path := filepath.Join(t.TempDir(), "kiosk.fish")
	if err := os.WriteFile(path, []byte(fishCompletion(verbsOf(t))), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(fish, "--no-config", "-c", `source $argv[1]; complete -C "kiosk jou"; complete -C "kiosk config show --js"`, path)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("journal\t")) || !bytes.Contains(out, []byte("--json")) {
		t.Errorf("%v: %q", err, out)
	}
}

func TestZshUnderstandsCompletion(t *testing.T) {
	zsh, err := exec.LookPath("zsh")
	if err != nil {
		t.Skip("zsh is not installed")
	}
	path := filepath.Join(t.TempDir(), "_kiosk")
	if err := os.WriteFile(path, []byte(zshCompletion(verbsOf(t))), 0o644); err != nil {
		t.Fatal(err)
	}
	// The functions of the completion system print what they would offer.
	const script = `_describe() { print -l ${(P)2%%:*} }; compadd() { shift; print -l $@ }; _kiosk() { . $path_of_file }
path_of_file=$1; words=(kiosk jou); CURRENT=2; _kiosk; words=(kiosk config show --js); CURRENT=4; _kiosk`
	out, err := exec.Command(zsh, "-f", "-c", script, "zsh", path).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("\njournal\n")) || !bytes.Contains(out, []byte("\n--json\n")) {
		t.Errorf("%v: %q", err, out)
	}
}
