// Command devserver runs the development OpenID Provider: a phone that is a web
// page, a small customer API, and faults on demand. It is for development only
// and is never installed on a device. All it does is in internal/devserver; here
// are its flags, its files and its end.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run is the whole program. It ends when ctx does.
func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	f, code := parse(args, stdout, stderr)
	if f == nil {
		return code
	}
	return serve(ctx, f, stdout, stderr)
}
