package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// envFile is where a device has its settings, with more of them in the folder
// kiosk.env.d beside it. Under systemd they are in the environment already; a
// technician's verbs read the same files.
const envFile = "/etc/kiosk/kiosk.env"

// flags reads a verb's flags, wherever they stand among its arguments.
type flags struct {
	*flag.FlagSet
	verb  verb
	env   string
	files []*config.EnvFile // as they were read last
}

func newFlags(v verb) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(v.name, flag.ContinueOnError), verb: v}
	f.SetOutput(io.Discard)
	return f
}

// settings adds the flag of every verb that reads settings.
func (f *flags) withSettings() *flags {
	f.StringVar(&f.env, "env-file", "", "")
	return f
}

// parse gives the arguments that are no flags. When it has already answered
// (help, misuse), ok is false and code is what to exit with.
func (f *flags) parse(args []string, least, most int, std streams) (rest []string, code int, ok bool) {
	for len(args) > 0 {
		err := f.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(std.out, f.verb.usage)
			return nil, exitWell, false
		}
		if err != nil {
			// Not the error's own text: it repeats the argument, which may be a name.
			return nil, misused(std, f.verb.name, "there is a flag that is not known, or has a wrong value"), false
		}
		args = f.Args()
		if len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	if len(rest) < least {
		return nil, misused(std, f.verb.name, "an argument is missing"), false
	}
	if len(rest) > most {
		return nil, misused(std, f.verb.name, "too many arguments"), false
	}
	return rest, exitWell, true
}

// path is the file of settings.
func (f *flags) path() string { return cmp.Or(f.env, envFile) }

// load reads the settings, with the files that go with them.
func (f *flags) load() (*config.Settings, error) {
	files, err := config.LoadFiles(f.path(), f.env == "")
	if err != nil {
		s, _ := config.Load()
		return s, kiosk.Fail(kiosk.Misconfigured, "settings", err)
	}
	f.files = files
	s, err := config.Load(files...)
	if err != nil && s.Issuer == "" {
		// A device whose settings this user may not read is not one without settings.
		if _, e := config.LoadFile(f.path()); errors.Is(e, fs.ErrPermission) {
			err = kiosk.Fail(kiosk.Misconfigured, "settings", e)
		}
	}
	return s, err
}

// reread reads them once more: what the files said last time does not count any more,
// even where systemd had put it into the environment.
func (f *flags) reread() (*config.Settings, error) {
	for _, file := range f.files {
		config.Forget(file)
	}
	return f.load()
}

// trouble says on standard error why a verb cannot go on, one line a problem, and
// gives the exit code that goes with it.
func trouble(std streams, err error) int {
	out := timely(std.err)
	for what := range strings.Lines(err.Error()) {
		fmt.Fprintf(out, "kiosk: %s\n", strings.TrimRight(what, "\n"))
	}
	return kiosk.ReasonOf(err).ExitCode()
}

// logger writes structured lines to w. Nothing that is logged is personal.
func logger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// isTerminal says whether a standard file is a terminal.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
