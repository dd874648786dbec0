// Command devserver runs the development OpenID Provider with its phone page, customer
// API and faults. It is for development only and is never installed on a device. It
// composes the packages of internal/devserver and adds flags, key files and shutdown.
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

// run is the program without the process. It returns the exit code when ctx ends.
func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	f, code := parseOptions(args, stdout, stderr)
	if f == nil {
		return code
	}
	return serve(ctx, f, stdout, stderr)
}
