package main

import (
	"context"
	"regexp"
	"strconv"

	"github.com/ciba-kiosk/ciba-kiosk/internal/console"
)

var consoleVerb = verb{
	name:  "console",
	about: "locks and unlocks the console (root)",
	usage: `Usage: kiosk console lock|unlock [flags]

lock    hangs up and clears the kiosk's terminal, switches to it and disables
        what leaves it: keys that switch the terminal, reboot or freeze the
        screen, the SysRq key, and kernel messages
unlock  clears the terminal and restores all of that, and the palette

The units do both. By hand it needs root; unlock helps a technician at the
keyboard.

    --tty FILE    the kiosk's terminal (` + consoleTTY + `)
    --saved FILE  where the previous settings are kept
                  (` + consoleSaved + `)
`,
}

func init() { consoleVerb.run = runConsole }

const (
	consoleTTY   = "/dev/tty1"
	consoleSaved = "/run/kiosk-console.json" // in memory: it describes this boot only
)

var ttyNumber = regexp.MustCompile(`^/dev/tty([1-9][0-9]?)$`)

func runConsole(_ context.Context, args []string, std streams) int {
	f := newFlags(consoleVerb)
	tty := f.String("tty", consoleTTY, "")
	saved := f.String("saved", consoleSaved, "")
	rest, code, ok := f.parse(args, 1, 1, std)
	if !ok {
		return code
	}
	number := ttyNumber.FindStringSubmatch(*tty)
	if number == nil {
		return usageError(std, "console", "--tty must be a virtual terminal, such as "+consoleTTY)
	}
	if rest[0] != "lock" && rest[0] != "unlock" {
		return unknownWord(std, "console", "command console", rest[0], "lock", "unlock")
	}
	terminal, err := console.Take(*tty, rest[0] == "lock")
	if err != nil {
		return fail(std, err)
	}
	defer terminal.Close()
	o := console.Options{Keys: terminal, Colours: terminal, Kernel: "/proc/sys/kernel", Saved: *saved}
	if rest[0] == "unlock" {
		err = console.Unlock(o)
	} else {
		n, _ := strconv.Atoi(number[1]) // the pattern matches digits only
		if err = terminal.Activate(n); err == nil {
			err = console.Lock(o)
		}
	}
	if err != nil {
		return fail(std, err)
	}
	return exitOK
}
