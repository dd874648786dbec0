// Command kiosk is the program on the device. Each verb has a file here; the work is in internal/.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
)

func main() {
	host.UseOneProcessor()
	if err := host.NoCoreDumps(); err != nil {
		fmt.Fprintln(os.Stderr, "kiosk:", err) // the unit forbids core dumps as well
	}
	// The standard library logs unsolicited server responses, which must not reach a terminal or a log.
	log.SetOutput(io.Discard)
	// A closed pipe is an error to be handled: it must not end a visit without a record.
	signal.Ignore(syscall.SIGPIPE)
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if len(os.Args) < 2 || os.Args[1] != runVerb.name { // kiosk run reloads the settings instead
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, _ := signal.NotifyContext(context.Background(), ends...)
	// Every verb stops within seconds. If one is blocked, for example in a write, the process ends anyway.
	context.AfterFunc(ctx, func() { time.AfterFunc(forcedExitDelay, func() { os.Exit(exitFault) }) })
	os.Exit(runRecovering(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// forcedExitDelay is more than revoking tokens and closing the database and the terminal take together.
const forcedExitDelay = 20 * time.Second

// runRecovering runs the program. After a panic it exits with exitFault: Go's own exit code would mean bad usage.
func runRecovering(ctx context.Context, args []string, std streams) (code int) {
	defer func() {
		if recover() != nil { // its value may be secret
			fmt.Fprintf(std.err, "kiosk: internal fault\n%s", debug.Stack())
			code = exitFault
		}
	}()
	return run(ctx, args, std.in, std.out, std.err)
}

// Exit codes besides those of a visit's reasons (kiosk.Reason.ExitCode).
const (
	exitOK    = 0
	exitFault = 1
	exitUsage = 2
)

// streams are a process's standard files, passed as arguments so that tests can replace them.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// verb is a command of kiosk.
type verb struct {
	name  string
	about string // one line, for the list
	usage string // the output of -h
	run   func(ctx context.Context, args []string, io streams) int
}

// verbs returns the verbs in the order of the help.
func verbs() []verb {
	return []verb{runVerb, loginVerb, provisionVerb, doctorVerb, statusVerb, serviceVerb, configVerb, journalVerb, supportVerb, consoleVerb, versionVerb}
}

func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	std := streams{in, out, errs}
	if len(args) == 0 {
		return usageError(std, "", "a verb is missing")
	}
	switch args[0] {
	case "-h", "--help", "help":
		fmt.Fprint(out, overview())
		return exitOK
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			return v.run(ctx, args[1:], std)
		}
	}
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	return unknownWord(std, "", "verb", args[0], names...)
}

// unknownWord writes that a verb or a command is unknown, and which is the nearest known one.
func unknownWord(std streams, verb, kind, word string, known ...string) int {
	what := fmt.Sprintf("unknown %s %q", kind, word)
	if near := config.Nearest(word, known); near != "" {
		what += fmt.Sprintf("; did you mean %s?", near)
	}
	return usageError(std, verb, what)
}

func overview() string {
	var b strings.Builder
	b.WriteString("Usage: kiosk VERB [flags]\n\nA kiosk without a browser: customers approve on their own phone.\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(&b, "    %-10s %s\n", v.name, v.about)
	}
	b.WriteString("\nEvery verb has -h. Settings are environment variables: kiosk config show\n")
	return b.String()
}

// usageError writes what is wrong and what to do, one line each.
func usageError(std streams, verb, what string) int {
	fmt.Fprintf(std.err, "kiosk: %s\nTry: %s\n", what, strings.Join(strings.Fields("kiosk "+verb+" -h"), " "))
	return exitUsage
}
