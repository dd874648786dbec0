// Command kiosk is the binary on the device: each verb is one file here, and what
// a verb does is in internal/.
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

	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
)

func main() {
	host.UseOneProcessor()
	if err := host.NoCoreDumps(); err != nil {
		fmt.Fprintln(os.Stderr, "kiosk:", err) // no reason to stay closed: a unit can forbid them, too
	}
	// The standard library's own log gets what a server sends unasked; it must not
	// reach a terminal or a journal.
	log.SetOutput(io.Discard)
	// A reader that has gone away is an error to be handled, not the end of a visit
	// that nobody has put on record.
	signal.Ignore(syscall.SIGPIPE)
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if len(os.Args) < 2 || os.Args[1] != runVerb.name { // there it reads the settings again
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, _ := signal.NotifyContext(context.Background(), ends...)
	// Told to stop, every verb ends within seconds. Should one not, because what it
	// writes to is blocked, say, that is no reason to hang.
	context.AfterFunc(ctx, func() { time.AfterFunc(lastResort, func() { os.Exit(exitFault) }) })
	os.Exit(whole(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// lastResort is more than giving tokens back, closing the store and the terminal take together.
const lastResort = 20 * time.Second

// whole runs the program. A panic is our fault, not bad usage, which is what Go's own
// exit code would say.
func whole(ctx context.Context, args []string, std streams) (code int) {
	defer func() {
		if recover() != nil { // its value may hold what is nobody's business
			fmt.Fprintf(std.err, "kiosk: internal fault\n%s", debug.Stack())
			code = exitFault
		}
	}()
	return run(ctx, args, std.in, std.out, std.err)
}

// Exit codes beside those of a visit's reasons (kiosk.Reason.ExitCode).
const (
	exitWell  = 0
	exitFault = 1
	exitUsage = 2
)

// streams are a process's standard files, passed in so that a test can be the process.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// verb is one thing that kiosk can do.
type verb struct {
	name  string
	about string // one line, for the list
	usage string // the whole of -h
	run   func(ctx context.Context, args []string, io streams) int
}

// verbs lists them in the order of the help. A function, since they refer to each other.
func verbs() []verb {
	return []verb{runVerb, loginVerb, provisionVerb, doctorVerb, statusVerb, serviceVerb, configVerb, journalVerb, supportVerb, consoleVerb, versionVerb}
}

func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	std := streams{in, out, errs}
	if len(args) == 0 {
		return misused(std, "", "no verb was given")
	}
	switch args[0] {
	case "-h", "--help", "help":
		fmt.Fprint(out, overview())
		return exitWell
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			return v.run(ctx, args[1:], std)
		}
	}
	return misused(std, "", fmt.Sprintf("there is no verb %q", args[0]))
}

func overview() string {
	var b strings.Builder
	b.WriteString("Usage: kiosk VERB [flags]\n\nA kiosk without a browser: customers sign in on their own phone.\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(&b, "    %-10s %s\n", v.name, v.about)
	}
	b.WriteString("\nEvery verb has -h. Settings are environment variables: kiosk config show\n")
	return b.String()
}

// misused says in one line what was wrong and in one what to do.
func misused(std streams, verb, what string) int {
	fmt.Fprintf(std.err, "kiosk: %s\nTry: %s\n", what, strings.Join(strings.Fields("kiosk "+verb+" -h"), " "))
	return exitUsage
}
