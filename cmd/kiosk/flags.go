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

// envFile contains the settings of a device; more are in the folder kiosk.env.d beside it. systemd puts them into the
// unit's environment, and verbs in a shell read the same files.
const envFile = "/etc/kiosk/kiosk.env"

// flags parses a verb's flags, wherever they are among the arguments.
type flags struct {
	*flag.FlagSet
	verb  verb
	env   string
	files []*config.EnvFile // as read last
}

func newFlags(v verb) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(v.name, flag.ContinueOnError), verb: v}
	f.SetOutput(io.Discard)
	return f
}

// withSettings adds the flag of every verb that reads settings.
func (f *flags) withSettings() *flags {
	f.StringVar(&f.env, "env-file", "", "")
	return f
}

// parse returns the arguments that are no flags. If it has already answered (help, bad usage), ok is false and code is
// the exit code.
func (f *flags) parse(args []string, least, most int, std streams) (rest []string, code int, ok bool) {
	for len(args) > 0 {
		err := f.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(std.out, f.verb.usage)
			return nil, exitOK, false
		}
		if err != nil {
			return nil, usageError(std, f.verb.name, f.explain(err)), false
		}
		args = f.Args()
		if len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	if len(rest) < least {
		return nil, usageError(std, f.verb.name, "an argument is missing"), false
	}
	if len(rest) > most {
		return nil, usageError(std, f.verb.name, "too many arguments"), false
	}
	return rest, exitOK, true
}

// explain says what is wrong with a flag. It does not repeat the argument, which may be an identifier.
func (f *flags) explain(err error) string {
	var known []string
	f.VisitAll(func(one *flag.Flag) { known = append(known, one.Name) })
	if name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); unknown {
		if near := config.Nearest(name, known); near != "" {
			return "unknown flag; did you mean --" + near + "?"
		}
		return "unknown flag"
	}
	for _, name := range known {
		if strings.Contains(err.Error(), " -"+name+":") || strings.HasSuffix(err.Error(), " -"+name) {
			return "missing or invalid value of --" + name
		}
	}
	return "invalid flag"
}

// path returns the file of settings.
func (f *flags) path() string { return cmp.Or(f.env, envFile) }

// load reads the settings with their files. Files that come first win over these, which need not exist then.
func (f *flags) load(first ...*config.EnvFile) (*config.Settings, error) {
	files, err := config.LoadFiles(f.path(), f.env == "" || len(first) > 0)
	files = append(first, files...)
	if err != nil {
		s, loadErr := config.Load(files...)
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
			return s, kiosk.Fail(kiosk.Misconfigured, "settings", err) // nothing is known of the settings
		}
		return s, config.WithFaults(loadErr, err)
	}
	f.files = files
	s, err := config.Load(files...)
	if err != nil && s.Issuer == "" {
		// Without permission to read the settings, it is unknown whether there are any.
		if _, e := config.LoadFile(f.path()); errors.Is(e, fs.ErrPermission) {
			err = kiosk.Fail(kiosk.Misconfigured, "settings", e)
		}
	}
	return s, err
}

// reload reads the settings again. The previous content of the files does not count any more, even if systemd put it
// into the environment.
func (f *flags) reload() (*config.Settings, error) {
	for _, file := range f.files {
		config.ClearEnvironment(file)
	}
	return f.load()
}

// fail writes why a verb cannot continue, one line for each problem, and returns the exit code.
func fail(std streams, err error) int {
	out := limitWrites(std.err)
	for what := range strings.Lines(err.Error()) {
		fmt.Fprintf(out, "kiosk: %s\n", strings.TrimRight(what, "\n"))
	}
	return kiosk.ReasonOf(err).ExitCode()
}

// logger writes structured lines to w. Logs contain nothing personal.
func logger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// isTerminal reports whether a standard file is a terminal.
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
