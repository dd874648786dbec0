package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWriteFileKeepsOtherLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "etc", "kiosk.env")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	before := "# Settings\n#KIOSK_ISSUER=\nKIOSK_SITE=\"Shop 7\"\nKIOSK_CLIENT_ID=old\n; KIOSK_THEME\nOTHER=x"
	if err := os.WriteFile(path, []byte(before), 0o604); err != nil {
		t.Fatal(err)
	}
	vars := []Var{
		{Name: "KIOSK_ISSUER", Value: "https://op.example/realms/shop"},
		{Name: "KIOSK_CLIENT_ID", Value: "c-1"},
		{Name: "KIOSK_SCOPE", Value: `openid "x" \ $y ` + "`z`"},
	}
	for range 2 { // the second call changes nothing
		if err := WriteFile(path, vars); err != nil {
			t.Fatal(err)
		}
	}
	want := "# Settings\nKIOSK_ISSUER=https://op.example/realms/shop\nKIOSK_SITE=\"Shop 7\"\nKIOSK_CLIENT_ID=c-1\n; KIOSK_THEME\nOTHER=x\n" +
		`KIOSK_SCOPE="openid \"x\" \\ \$y ` + "\\`z\\`" + "\"\n"
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Fatalf("%v\n%s\nwant\n%s", err, got, want)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o604 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	file, err := LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]string{}
	for _, v := range file.Vars {
		read[v.Name] = v.Value
	}
	for _, v := range vars {
		if read[v.Name] != v.Value {
			t.Errorf("%s is read as %q, want %q", v.Name, read[v.Name], v.Value)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.new")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWriteFileRejectsValuesOfSeveralLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kiosk.env")
	if err := WriteFile(path, []Var{{Name: "KIOSK_SITE", Value: "x\nKIOSK_ISSUER=https://evil.example"}}); err == nil {
		t.Error("accepted")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("something was written")
	}
}

// FuzzWriteFile: every value that is written is read back.
func FuzzWriteFile(f *testing.F) {
	for _, v := range []string{"", "plain", `a"b`, `\`, "$HOME", "ü – €", "'", "#", " x "} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		text, err := setVars("# x\n", []Var{{Name: "KIOSK_SITE", Value: value}})
		if err != nil {
			return
		}
		vars, err := parseEnv("f", text)
		if err != nil {
			return // WriteFile rejects it, for example invalid UTF-8
		}
		if len(vars) != 1 || vars[0].Value != value {
			t.Errorf("%q was read as %+v", value, vars)
		}
	})
}
