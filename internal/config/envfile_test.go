package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestEnvironmentFile(t *testing.T) {
	const data = "\ufeff# shop 7\n\n  ; old style\nKIOSK_SITE=Shop 7, Köln \r\nKIOSK_THEME='dark'\n" +
		"KIOSK_LOGIN_HINT=\"{\\\"sub\\\":\\\"{identifier}\\\"}\"\n  KIOSK_API_URL=https://api.example/#no-comment\nTZ=Europe/Berlin\nKIOSK_SCOPE=\n"
	got, err := parseEnv("kiosk.env", data)
	if err != nil {
		t.Fatal(err)
	}
	want := []Var{
		{"KIOSK_SITE", "Shop 7, Köln", 4},
		{"KIOSK_THEME", "dark", 5},
		{"KIOSK_LOGIN_HINT", `{"sub":"{identifier}"}`, 6},
		{"KIOSK_API_URL", "https://api.example/#no-comment", 7},
		{"TZ", "Europe/Berlin", 8},
		{"KIOSK_SCOPE", "", 9},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestEnvironmentFileRejectsAmbiguousLines(t *testing.T) {
	for name, c := range map[string]struct{ line, want string }{
		"export":                     {"export A=1", ":1:1: no export"},
		"no equals sign":             {"KIOSK_SITE", ":1:1: a line is"},
		"space before =":             {"A =1", ":1:1: a name"},
		"digit first":                {"1A=1", ":1:1: a name"},
		"comment after the value":    {"A=b # canary", ":1:5: a comment"},
		"quote inside":               {`A=b"canary"`, ":1:4: quotes"},
		"continued line":             {"A=b\\\nc=d", ":1:4: quotes"},
		"quote not closed":           {`A="canary`, ":1:3: the quote"},
		"text after the quote":       {`A="b" canary`, ":1:6: something"},
		"unknown escape":             {`A="a\n"`, ":1:5: a backslash"},
		"backslash at the end":       {`A="a\`, ":1:5: a backslash"},
		"backslash in single quotes": {`A='a\b'`, ":1:5: no backslash"},
		"twice":                      {"A=1\nA=canary", ":2:1: A is already set in line 1"},
		"control character":          {"A=\x1b[2J", ":1:3: a control"},
		"not UTF-8":                  {"A=\xff", ":1:1: not UTF-8"},
	} {
		_, err := parseEnv("x.env", c.line)
		if err == nil || !strings.Contains(err.Error(), "x.env"+c.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error contains the value: %v", name, err)
		}
	}
	_, err := parseEnv("x.env", "A\n\nB")
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("not every fault is reported: %v", err)
	}
}

func TestEnvironmentOverridesFile(t *testing.T) {
	setRegistration(t)
	t.Setenv("KIOSK_THEME", "mono")
	for _, name := range []string{"KIOSK_SITE", "KIOSK_IDLE_TIMEOUT", "KIOSK_WRONG", "OTHER_THING"} {
		t.Setenv(name, "") // restored after the test
		os.Unsetenv(name)
	}
	os.Setenv("KIOSK_SITE", " ") // an empty variable counts as not set
	path := filepath.Join(t.TempDir(), "kiosk.env")
	data := "KIOSK_THEME=light\nKIOSK_SITE=Shop\nKIOSK_IDLE_TIMEOUT=5\nKIOSK_WRONG=canary\nOTHER_THING=1\n"
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(f, nil)
	if s.Theme != "mono" || s.Site != "Shop" {
		t.Errorf("theme %q, site %q", s.Theme, s.Site)
	}
	if r := rowOf(t, s, "KIOSK_SITE"); r.Origin != "file "+path+":2" {
		t.Errorf("origin %q", r.Origin)
	}
	if r := rowOf(t, s, "KIOSK_THEME"); r.Origin != "environment" {
		t.Errorf("origin %q", r.Origin)
	}
	p := problemsIn(t, err)
	if len(p) != 2 || p[0].Origin != "file "+path+":3" || p[1].Setting != "KIOSK_WRONG" || p[1].Origin != "file "+path+":4" {
		t.Errorf("problems: %v", err)
	}
	if os.Getenv("OTHER_THING") != "" {
		t.Error("a variable of the file that is not a setting was set")
	}
}

func TestMissingAndEmptyEnvironmentFile(t *testing.T) {
	if _, err := LoadFile(filepath.Join(t.TempDir(), "none")); err == nil || !os.IsNotExist(unwrap(err)) {
		t.Errorf("got %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if f, err := LoadFile(empty); err != nil || len(f.Vars) != 0 {
		t.Errorf("an empty file is rejected: %v", err)
	}
}

func unwrap(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok || u.Unwrap() == nil {
			return err
		}
		err = u.Unwrap()
	}
}

func FuzzEnvironmentFile(f *testing.F) {
	f.Add("A=1\n#x\nB='c'\nC=\"\\$\"")
	f.Add("export A=1")
	f.Add("A=\"")
	f.Add("\ufeff=\x00")
	f.Add("A=b #c")
	f.Fuzz(func(t *testing.T, data string) {
		vars, err := parseEnv("f", data)
		if err != nil && strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), unicode.IsControl) {
			t.Fatalf("control character in %q", err)
		}
		seen, last := map[string]bool{}, 0
		for _, v := range vars {
			if !isName(v.Name) || seen[v.Name] || v.Line <= last {
				t.Fatalf("%+v after line %d", v, last)
			}
			seen[v.Name], last = true, v.Line
			if strings.ContainsFunc(v.Value, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
				t.Fatalf("control character in a value: %q", v.Value)
			}
			// A value can be written and read back.
			quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(v.Value) + `"`
			again, err := parseEnv("g", v.Name+"="+quoted)
			if err != nil || len(again) != 1 || again[0].Value != v.Value {
				t.Fatalf("%q does not survive: %v %v", v.Value, again, err)
			}
		}
	})
}

// FuzzEveryField: no value causes a panic, every problem is printable, and no value with invisible characters is accepted.
func FuzzEveryField(f *testing.F) {
	for _, s := range []string{"https://id.example", "3/10m", "iss_sub:{identifier}", "en,de", "60s", "{code}", "openid", "\x1b", "https://a@b", "{{}}", "\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var s sections
		for _, field := range s.fields() {
			c := field.field.base()
			_ = field.field.(interface{ Decode(string) error }).Decode(value)
			if strings.ContainsFunc(c.problem+c.allowed+c.suggestion, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%s: %q", field.Name, c.problem)
			}
			if c.problem == "" && strings.ContainsFunc(c.text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%s accepts %q", field.Name, c.text)
			}
		}
		_ = shownAddress(value)
	})
}

// Of two drop-in files the one with the later name wins; both win over the technician's file.
func TestDropInFilesOverrideFile(t *testing.T) {
	setRegistration(t)
	for _, name := range []string{"KIOSK_SITE", "KIOSK_THEME", "KIOSK_KEYPAD", "KIOSK_TOUCH"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	path := filepath.Join(t.TempDir(), "shop[7].env") // brackets are part of the name
	write := func(name, data string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(path+".d", 0o700); err != nil {
		t.Fatal(err)
	}
	write(path, "KIOSK_SITE=Technician\nKIOSK_THEME=mono\nKIOSK_TOUCH=off\n")
	write(filepath.Join(path+".d", "90-late.env"), "KIOSK_SITE=Late\n")
	write(filepath.Join(path+".d", "10-early.env"), "KIOSK_SITE=Early\nKIOSK_THEME=light\n")
	write(filepath.Join(path+".d", "99-note.txt"), "KIOSK_SITE=Nobody\n")
	files, err := LoadFiles(path, false)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(files...)
	if err != nil || s.Site != "Late" || s.Theme != "light" || s.Touch != "off" {
		t.Errorf("%v: site %q, theme %q, touch %q", err, s.Site, s.Theme, s.Touch)
	}
	if r := rowOf(t, s, "KIOSK_THEME"); r.Origin != "file "+filepath.Join(path+".d", "10-early.env")+":2" {
		t.Errorf("origin %q", r.Origin)
	}
	for _, f := range files {
		ClearEnvironment(f)
	}
	if site := os.Getenv("KIOSK_SITE"); site != "" {
		t.Errorf("%q is still in the environment", site)
	}
	write(filepath.Join(path+".d", "50-wrong.env"), "export KIOSK_SITE=x\n")
	if _, err := LoadFiles(path, true); err == nil || !strings.Contains(err.Error(), "50-wrong.env:1:1: no export") {
		t.Errorf("invalid file: %v", err)
	}
	if files, err := LoadFiles(filepath.Join(t.TempDir(), "none"), true); err != nil || len(files) != 0 {
		t.Errorf("missing file: %v, %v", files, err)
	}
}
