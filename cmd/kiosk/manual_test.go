package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// The manual pages, the completion for bash and the example of a settings file are
// made from what -h says and from the table of settings. `go test ./cmd/kiosk -run
// TestManual -manual DIR` writes them; without -manual they are made all the same,
// and looked at.
var manualDir = flag.String("manual", "", "folder to write manual pages, completion and the example of settings to")

func TestManual(t *testing.T) {
	files := manual()
	for _, v := range verbs() {
		page := files["kiosk-"+v.name+".1"]
		for _, f := range flagsOf(v) {
			if !strings.Contains(page, roff(f)) {
				t.Errorf("kiosk-%s.1 does not have %s", v.name, f)
			}
			if !strings.Contains(files["kiosk.bash"], f) {
				t.Errorf("the completion does not have %s", f)
			}
		}
	}
	for _, s := range config.Doc() {
		for _, name := range []string{"kiosk.env.5", "kiosk.env.example"} {
			if !strings.Contains(files[name], s.Name) {
				t.Errorf("%s does not have %s", name, s.Name)
			}
		}
	}
	dir := cmp.Or(*manualDir, t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// A device with this very example starts as one without settings does.
	if _, err := config.LoadFile(filepath.Join(dir, "kiosk.env.example")); err != nil {
		t.Error(err)
	}
	t.Run("is understood by bash", func(t *testing.T) {
		script := `. "$1"; COMP_WORDS=(kiosk jou); COMP_CWORD=1; _kiosk; echo "${COMPREPLY[*]}"
COMP_WORDS=(kiosk config show --js); COMP_CWORD=3; _kiosk; echo "${COMPREPLY[*]}"`
		out, err := exec.Command("bash", "-c", script, "bash", filepath.Join(dir, "kiosk.bash")).CombinedOutput()
		if err != nil || string(out) != "journal\n--json\n" {
			t.Errorf("%v: %q", err, out)
		}
	})
}

// manual gives all files by name.
func manual() map[string]string {
	files := map[string]string{
		"kiosk.1": overviewPage(), "kiosk.env.5": settingsPage(),
		"kiosk.bash": completion(), "kiosk.env.example": exampleSettings(),
	}
	for _, v := range verbs() {
		files["kiosk-"+v.name+".1"] = verbPage(v)
	}
	return files
}

// page is a manual page in the making.
type page struct{ bytes.Buffer }

func newPage(name string, section int, about string) *page {
	p := &page{}
	fmt.Fprintf(p, ".TH %s %d \"\" \"CIBA Kiosk\"\n", roff(strings.ToUpper(name)), section)
	p.head("NAME")
	p.text(name + " - " + about)
	return p
}

func (p *page) head(title string) { fmt.Fprintf(p, ".SH %s\n", title) }
func (p *page) text(s string)     { fmt.Fprintln(p, roff(s)) }
func (p *page) item(term, s string) {
	fmt.Fprintf(p, ".TP\n.B %s\n%s\n", roff(term), roff(s))
}
func (p *page) asItIs(s string) {
	fmt.Fprintf(p, ".nf\n%s\n.fi\n", roff(strings.TrimRight(s, "\n")))
}

// roff takes from a text what troff would read as its own.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

func overviewPage() string {
	p := newPage("kiosk", 1, "a kiosk without a browser: customers sign in on their own phone")
	p.head("SYNOPSIS")
	p.text("kiosk VERB [flags]")
	p.head("DESCRIPTION")
	p.text("A customer types or scans who they are; the kiosk has the authorization server ring that person's phone (OpenID CIBA); " +
		"the same person approves there; the kiosk checks the tokens, fetches what they came for from a protected API, shows it, and forgets it.")
	p.head("VERBS")
	for _, v := range verbs() {
		p.item("kiosk-"+v.name+"(1)", v.about)
	}
	p.head("EXIT STATUS")
	p.item("0", "well; of a visit: approved, checked, the answer was delivered")
	p.item("2", "bad usage")
	for _, r := range kiosk.Reasons() {
		p.item(fmt.Sprint(r.ExitCode()), r.String())
	}
	p.head("FILES")
	for _, f := range [][2]string{
		{"/etc/kiosk/kiosk.env", "settings: kiosk.env(5)"},
		{"/etc/credstore/kiosk.client-key, .client-cert, .client-secret, .store-key", "secrets in clear, readable by root only; each is optional"},
		{"/etc/credstore.encrypted/ with the same names", "the same encrypted to this machine: see /usr/share/ciba-kiosk/encrypted.conf"},
		{"/var/lib/kiosk", "the visits on record and the key that seals them; nothing else is written on the device"},
		{"/run/kiosk/kiosk.sock", "the socket of the running kiosk, for members of the group kiosk"},
	} {
		p.item(f[0], f[1])
	}
	p.head("SEE ALSO")
	p.text("kiosk.env(5), systemctl(1), journalctl(1)")
	return p.String()
}

func verbPage(v verb) string {
	p := newPage("kiosk-"+v.name, 1, v.about)
	p.head("SYNOPSIS")
	synopsis, rest, _ := strings.Cut(v.usage, "\n\n")
	p.asItIs(strings.TrimPrefix(strings.ReplaceAll(synopsis, "\n       ", "\n"), "Usage: "))
	p.head("DESCRIPTION")
	p.asItIs(rest)
	p.head("SEE ALSO")
	p.text("kiosk(1), kiosk.env(5)")
	return p.String()
}

func settingsPage() string {
	p := newPage("kiosk.env", 5, "settings of CIBA Kiosk")
	p.head("DESCRIPTION")
	p.text("/etc/kiosk/kiosk.env has one NAME=value a line, as systemd reads it. Lines that begin with # are comments. " +
		"Secrets are never in it: a setting that names a file can be a systemd credential instead, whose name stands behind it. " +
		"kiosk config check tells what is wrong, kiosk config show what counts and where it came from.")
	p.head("SETTINGS")
	for _, s := range config.Doc() {
		text := s.Doc + "."
		if d := cmp.Or(s.Default, s.Derived); d != "" {
			text += " Default: " + d + "."
		}
		if s.Credential != "" {
			text += " Credential: " + s.Credential + "."
		}
		p.item(s.Name, text)
	}
	p.head("SEE ALSO")
	p.text("kiosk(1), kiosk-config(1), systemd.exec(5)")
	return p.String()
}

// onDevice are the settings that a device needs for the verbs that are run by hand:
// the units have these folders from systemd.
var onDevice = map[string]string{"KIOSK_STATE_DIR": "/var/lib/kiosk", "KIOSK_SOCKET": "/run/kiosk/kiosk.sock"}

// exampleSettings is what a new device finds in /etc/kiosk/kiosk.env: every
// setting, none made but where things lie on a device.
func exampleSettings() string {
	var b strings.Builder
	b.WriteString("# Settings of CIBA Kiosk, see kiosk.env(5). `kiosk provision` fills this in; `kiosk config check` reads it over.\n")
	for _, s := range config.Doc() {
		fmt.Fprintf(&b, "\n# %s\n", s.Doc)
		if value, ok := onDevice[s.Name]; ok {
			fmt.Fprintf(&b, "%s=%s\n", s.Name, value)
		} else {
			fmt.Fprintf(&b, "#%s=%s\n", s.Name, s.Default)
		}
	}
	return b.String()
}

var (
	flagLine = regexp.MustCompile(`(?m)^    (--[a-z-]+)`)
	subverbs = regexp.MustCompile(`(?m)^(?:Usage:|      ) kiosk [a-z]+ ([a-z|]+)`)
)

// flagsOf reads a verb's flags from its help.
func flagsOf(v verb) []string {
	var out []string
	for _, m := range flagLine.FindAllStringSubmatch(v.usage, -1) {
		out = append(out, m[1])
	}
	return out
}

// secondWords reads what can follow a verb, as list of journal.
func secondWords(v verb) []string {
	var out []string
	for _, m := range subverbs.FindAllStringSubmatch(v.usage, -1) {
		out = append(out, strings.Split(m[1], "|")...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func completion() string {
	var b, names strings.Builder
	for _, v := range verbs() {
		names.WriteString(v.name + " ")
		fmt.Fprintf(&b, "\t%s) words=%q ;;\n", v.name, strings.Join(append(secondWords(v), append(flagsOf(v), "-h")...), " "))
	}
	return "# Completion of kiosk for bash, made from its own help.\n_kiosk() {\n" +
		"\tlocal words verb=${COMP_WORDS[1]} now=${COMP_WORDS[COMP_CWORD]}\n" +
		"\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W " + fmt.Sprintf("%q", names.String()) + " -- \"$now\")\n\t\treturn\n\tfi\n" +
		"\tcase $verb in\n" + b.String() + "\t*) words= ;;\n\tesac\n" +
		"\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n\t*-file | --tty | --saved) mapfile -t COMPREPLY < <(compgen -f -- \"$now\") ;;\n" +
		"\t*) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$now\") ;;\n\tesac\n}\ncomplete -F _kiosk kiosk\n"
}
