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

Runs a development OpenID Provider: CIBA, device grant, a phone page, a customer
API and faults on request. FOR DEVELOPMENT ONLY: its people are invented, its
client secrets are published, and anybody who can reach it can approve.

    --listen ADDRESS    address and port to listen on (127.0.0.1:8765); port 0
                        picks a free one
    --issuer URL        issuer URL (derived from the address)
    --tls               serve https with a certificate from the server's own CA
    --ca-file FILE      where --tls writes the CA certificate (devserver-ca.pem)
    --expires SECONDS   lifetime of a request without requested_expiry (120)
    --interval SECONDS  polling interval (5); 0 omits it from the answer
    --long-poll SECONDS time for which a poll waits for the person's answer (0)
    --dpop-nonce        demand a nonce in every DPoP proof
    --guard-registration
                        demand an initial access token to register a client
    --state FILE        keep keys and requests in FILE across restarts
    --keys DIR          write the keys and secrets of the built-in clients to DIR
    --auto MODE         answer requests automatically: approve, deny or none (none)
    --delay DURATION    delay of an automatic answer, such as 2s (0s)
`

// options are the flags as given.
type options struct {
	listen, issuer, caFile, stateFile, keysDir, auto string
	tls, guardRegistration, dpopNonce                bool
	expires, interval, longPoll                      int
	delay                                            time.Duration
}

// parseOptions reads the flags. If it returns nil, the program exits with code.
func parseOptions(args []string, stdout, stderr io.Writer) (opts *options, code int) {
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
	set.BoolVar(&f.guardRegistration, "guard-registration", false, "")
	set.StringVar(&f.stateFile, "state", "", "")
	set.StringVar(&f.keysDir, "keys", "", "")
	set.StringVar(&f.auto, "auto", "none", "")
	set.DurationVar(&f.delay, "delay", 0, "")
	err := set.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return nil, exitOK
	}
	if err == nil {
		err = f.validate(set)
	}
	if err != nil {
		fmt.Fprintf(stderr, "devserver: %v\nTry: devserver -h\n", err)
		return nil, exitUsage
	}
	return f, exitOK
}

// validate rejects bad values before any work starts.
func (f *options) validate(set *flag.FlagSet) error {
	if set.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; use flags only", set.Arg(0))
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
