package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const manualDir = "docs/man"

// verb is a command of kiosk, as its own help describes it.
type verb struct {
	name  string
	about string // one line
	usage string // the output of -h
}

var overviewLine = regexp.MustCompile(`(?m)^    (\S+) +(.+)$`)

// readVerbs builds kiosk and asks it for the help of each verb.
func readVerbs(root string) ([]verb, error) {
	dir, err := os.MkdirTemp("", "kiosk-docs")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "kiosk")
	build := exec.Command("go", "build", "-o", program, "./cmd/kiosk")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	overview, err := exec.Command(program, "-h").Output()
	if err != nil {
		return nil, fmt.Errorf("kiosk -h: %w", err)
	}
	var verbs []verb
	for _, m := range overviewLine.FindAllSubmatch(overview, -1) {
		v := verb{name: string(m[1]), about: string(m[2])}
		usage, err := exec.Command(program, v.name, "-h").Output()
		if err != nil {
			return nil, fmt.Errorf("kiosk %s -h: %w", v.name, err)
		}
		v.usage = string(usage)
		verbs = append(verbs, v)
	}
	if len(verbs) == 0 {
		return nil, fmt.Errorf("kiosk -h: no verbs found")
	}
	return verbs, nil
}

func manualPages(verbs []verb) []document {
	pages := []document{
		whole(filepath.Join(manualDir, "kiosk.1"), overviewPage(verbs)),
		whole(filepath.Join(manualDir, "kiosk.env.5"), settingsPage()),
	}
	for _, v := range verbs {
		pages = append(pages, whole(filepath.Join(manualDir, "kiosk-"+v.name+".1"), verbPage(v)))
	}
	return pages
}

// page is a manual page while it is written.
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
func (p *page) verbatim(s string) {
	fmt.Fprintf(p, ".nf\n%s\n.fi\n", roff(strings.TrimRight(s, "\n")))
}

// roff escapes what troff would interpret.
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

func overviewPage(verbs []verb) string {
	p := newPage("kiosk", 1, "a kiosk without a browser: customers approve on their own phone")
	p.head("SYNOPSIS")
	p.text("kiosk VERB [flags]")
	p.head("DESCRIPTION")
	p.text("A customer types or scans who they are. The kiosk asks the authorization server to ring that person's phone (OpenID CIBA). " +
		"The person approves there. The kiosk validates the tokens, calls a protected API, shows the result and forgets it.")
	p.head("VERBS")
	for _, v := range verbs {
		p.item("kiosk-"+v.name+"(1)", v.about)
	}
	p.head("EXIT STATUS")
	p.item("0", "success; for a visit: approved, validated, the answer was delivered")
	p.item("2", "bad usage")
	for _, r := range kiosk.Reasons() {
		p.item(fmt.Sprint(r.ExitCode()), r.String())
	}
	p.head("FILES")
	for _, f := range [][2]string{
		{"/etc/kiosk/kiosk.env, /etc/kiosk/kiosk.env.d/*.env", "settings: kiosk.env(5)"},
		{"/etc/credstore/kiosk.client-key, .client-cert, .client-secret, .store-key", "secrets, readable by root only; each is optional"},
		{"/etc/credstore.encrypted/ with the same names", "the same, encrypted: see /usr/share/ciba-kiosk/encrypted.conf"},
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
	p.verbatim(strings.TrimPrefix(strings.ReplaceAll(synopsis, "\n       ", "\n"), "Usage: "))
	p.head("DESCRIPTION")
	p.verbatim(rest)
	p.head("SEE ALSO")
	p.text("kiosk(1), kiosk.env(5)")
	return p.String()
}

func settingsPage() string {
	p := newPage("kiosk.env", 5, "settings of CIBA Kiosk")
	p.head("DESCRIPTION")
	p.text("/etc/kiosk/kiosk.env has one NAME=value a line, in the form that systemd reads. Lines that begin with # are comments. " +
		"Files in /etc/kiosk/kiosk.env.d override it; the last by name takes precedence. " +
		"Secrets are never in these files: a setting that names a file can be a systemd credential instead. " +
		"kiosk config check reports what is wrong, kiosk config show prints each setting with its origin.")
	p.head("SETTINGS")
	for _, s := range config.Doc() {
		text := meaning(s) + "."
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

// deviceValues are the settings that verbs need when they are run by hand on a device. The units get these folders from
// systemd.
var deviceValues = map[string]string{"KIOSK_STATE_DIR": "/var/lib/kiosk", "KIOSK_SOCKET": "/run/kiosk/kiosk.sock"}

// exampleSettings is the first /etc/kiosk/kiosk.env of a device: every setting, all commented out except deviceValues.
func exampleSettings() string {
	var b strings.Builder
	b.WriteString("# Settings of CIBA Kiosk, see kiosk.env(5). `kiosk provision` completes this file; `kiosk config check` checks it.\n")
	for _, s := range config.Doc() {
		fmt.Fprintf(&b, "\n# %s\n", meaning(s))
		if value, ok := deviceValues[s.Name]; ok {
			fmt.Fprintf(&b, "%s=%s\n", s.Name, value)
		} else {
			fmt.Fprintf(&b, "#%s=%s\n", s.Name, s.Default)
		}
	}
	return b.String()
}

var (
	flagLine    = regexp.MustCompile(`(?m)^    (--[a-z-]+)`)
	commandLine = regexp.MustCompile(`(?m)^(?:Usage:|      ) kiosk [a-z]+ ([a-z|]+)`)
)

// flags returns the flags in a verb's help.
func (v verb) flags() []string {
	var out []string
	for _, m := range flagLine.FindAllStringSubmatch(v.usage, -1) {
		out = append(out, m[1])
	}
	return out
}

// commands returns what can follow a verb, such as list after journal.
func (v verb) commands() []string {
	var out []string
	for _, m := range commandLine.FindAllStringSubmatch(v.usage, -1) {
		out = append(out, strings.Split(m[1], "|")...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// completion returns a script for bash.
func completion(verbs []verb) string {
	var cases, names strings.Builder
	for _, v := range verbs {
		names.WriteString(v.name + " ")
		fmt.Fprintf(&cases, "\t%s) words=%q ;;\n", v.name, strings.Join(append(v.commands(), append(v.flags(), "-h")...), " "))
	}
	return "# Completion of kiosk for bash, generated from its help by make docs.\n_kiosk() {\n" +
		"\tlocal words verb=${COMP_WORDS[1]} now=${COMP_WORDS[COMP_CWORD]}\n" +
		"\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W " + fmt.Sprintf("%q", names.String()) + " -- \"$now\")\n\t\treturn\n\tfi\n" +
		"\tcase $verb in\n" + cases.String() + "\t*) words= ;;\n\tesac\n" +
		"\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n\t*-file | --tty | --saved | --out | --from) mapfile -t COMPREPLY < <(compgen -f -- \"$now\") ;;\n" +
		"\t*) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$now\") ;;\n\tesac\n}\ncomplete -F _kiosk kiosk\n"
}
