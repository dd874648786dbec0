package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/ciba-kiosk/ciba-kiosk/internal/console"
)

var consoleVerb = verb{
	name:  "console",
	about: "locks the console's own ways out, or opens them again (root)",
	usage: `Usage: kiosk console lock|unlock [flags]

lock brings the kiosk's terminal to the front and takes away what leads out of
it: keys that switch the terminal, reboot or freeze the screen, the SysRq key,
and the kernel's messages. unlock puts all back as it was. The units do both; by
hand it needs root, and unlock helps a technician at the keyboard.

    --tty FILE    the kiosk's terminal (` + consoleTTY + `)
    --saved FILE  what was there before (` + consoleSaved + `)
`,
}

func init() { consoleVerb.run = lockConsole }

const (
	consoleTTY   = "/dev/tty1"
	consoleSaved = "/run/kiosk-console.json" // in memory: it speaks of this boot only
)

var ttyNumber = regexp.MustCompile(`^/dev/tty([1-9][0-9]?)$`)

func lockConsole(_ context.Context, args []string, std streams) int {
	f := newFlags(consoleVerb)
	tty := f.String("tty", consoleTTY, "")
	saved := f.String("saved", consoleSaved, "")
	rest, code, ok := f.parse(args, 1, 1, std)
	if !ok {
		return code
	}
	number := ttyNumber.FindStringSubmatch(*tty)
	if number == nil {
		return misused(std, "console", "--tty takes a virtual terminal, as "+consoleTTY)
	}
	if rest[0] != "lock" && rest[0] != "unlock" {
		return misused(std, "console", fmt.Sprintf("there is no console %q", rest[0]))
	}
	terminal, err := console.OpenTerminal(*tty)
	if err != nil {
		return trouble(std, err)
	}
	defer terminal.Close()
	o := console.Options{Keys: terminal, Kernel: "/proc/sys/kernel", Saved: *saved}
	if rest[0] == "unlock" {
		err = console.Unlock(o)
	} else {
		n, _ := strconv.Atoi(number[1]) // the pattern lets nothing else through
		if err = terminal.ToFront(n); err == nil {
			err = console.Lock(o)
		}
	}
	if err != nil {
		return trouble(std, err)
	}
	return exitWell
}
