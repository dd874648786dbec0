package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const usage = `Usage: devserver [flags]

A development OpenID Provider: CIBA, device grant, a phone page, a customer API
and faults on demand. FOR DEVELOPMENT ONLY: its people, passwords and clients are
made up, and whoever can reach it can approve.

    --listen ADDRESS    where to listen (127.0.0.1:8765); port 0 picks a free one
    --issuer URL        issuer; made from the address if not given
    --tls               serve https with a certificate of its own making
    --ca-file FILE      where to write the CA that --tls makes (devserver-ca.pem)
    --expires SECONDS   how long a request lives, if the client has no wish (120)
    --interval SECONDS  polling interval (5); 0 leaves it out of the answer
    --long-poll SECONDS hold a poll back so long until the person answers (0)
    --dpop-nonce        ask for a nonce in every proof of possession
    --guard-registration  register clients with an initial access token only
    --state FILE        keep keys and requests here, so that a restart goes on
    --keys DIR          write the ready-made clients' keys and secrets here
    --auto MODE         answer by itself: approve, deny or none (none)
    --delay DURATION    how long an automatic answer takes, such as 2s (0s)
`

// options are the flags as given.
type options struct {
	listen, issuer, caFile, state, keys, auto string
	tls, guard, dpopNonce                     bool
	expires, interval, longPoll               int
	delay                                     time.Duration
}

// parse reads the flags. Without settings, the code is what to exit with.
func parse(args []string, stdout, stderr io.Writer) (*options, int) {
	f := &options{}
	set := flag.NewFlagSet("devserver", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&f.listen, "listen", "127.0.0.1:8765", "")
	set.StringVar(&f.issuer, "issuer", "", "")
	set.BoolVar(&f.tls, "tls", false, "")
	set.StringVar(&f.caFile, "ca-file", "devserver-ca.pem", "")
	set.IntVar(&f.expires, "expires", 120, "")
	set.IntVar(&f.interval, "interval", 5, "")
	set.IntVar(&f.longPoll, "long-poll", 0, "")
	set.BoolVar(&f.dpopNonce, "dpop-nonce", false, "")
	set.BoolVar(&f.guard, "guard-registration", false, "")
	set.StringVar(&f.state, "state", "", "")
	set.StringVar(&f.keys, "keys", "", "")
	set.StringVar(&f.auto, "auto", "none", "")
	set.DurationVar(&f.delay, "delay", 0, "")
	err := set.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return nil, exitOK
	}
	if err == nil {
		err = f.check(set)
	}
	if err != nil {
		fmt.Fprintf(stderr, "devserver: %v\nTry: devserver -h\n", err)
		return nil, exitUsage
	}
	return f, exitOK
}

// check finds what makes no sense before any work starts.
func (f *options) check(set *flag.FlagSet) error {
	if set.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; everything is a flag", set.Arg(0))
	}
	if _, _, err := net.SplitHostPort(f.listen); err != nil {
		return fmt.Errorf("--listen %q must be an address and a port, such as 127.0.0.1:8765", f.listen)
	}
	if f.expires < 1 || f.expires > 3600 {
		return fmt.Errorf("--expires %d must be between 1 and 3600 seconds", f.expires)
	}
	if f.interval < 0 || f.interval > 3600 {
		return fmt.Errorf("--interval %d must be between 0 and 3600 seconds", f.interval)
	}
	if f.longPoll < 0 || f.longPoll > 300 {
		return fmt.Errorf("--long-poll %d must be between 0 and 300 seconds", f.longPoll)
	}
	switch f.auto {
	case "approve", "deny", "none":
	default:
		return fmt.Errorf("--auto %q must be approve, deny or none", f.auto)
	}
	if f.delay < 0 {
		return errors.New("--delay must not be negative")
	}
	if f.issuer != "" && !strings.HasPrefix(f.issuer, "http://") && !strings.HasPrefix(f.issuer, "https://") {
		return fmt.Errorf("--issuer %q must be a URL that starts with http:// or https://", f.issuer)
	}
	if f.issuer != "" && f.tls && !strings.HasPrefix(f.issuer, "https://") {
		return errors.New("--issuer must start with https:// when --tls is given")
	}
	return nil
}
