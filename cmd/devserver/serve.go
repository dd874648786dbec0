package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/phone"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
)

// Limits of the HTTP server, against clients that connect and say nothing. There
// is none for writing: a fault may have to write slowly.
const (
	headerLimit = 10 * time.Second
	readLimit   = 30 * time.Second
	idleLimit   = 2 * time.Minute
	stopLimit   = 3 * time.Second // for open answers, when told to stop
)

// serve listens, prints the facts and serves until ctx ends.
func serve(ctx context.Context, f *options, stdout, stderr io.Writer) int {
	fail := func(err error) int {
		fmt.Fprintf(stderr, "devserver: %v\n", err)
		return exitFailed
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fail(err)
	}
	defer listener.Close()
	host, port, _ := net.SplitHostPort(listener.Addr().String()) // an address of ours
	asked, _, _ := net.SplitHostPort(f.listen)                   // checked with the flags

	scheme := "http"
	if f.tls {
		scheme = "https"
	}
	if asked == "" || net.ParseIP(host).IsUnspecified() {
		asked = "localhost" // no address to call at; the machine itself can use this one
	}
	local := scheme + "://" + net.JoinHostPort(asked, port)
	if f.issuer == "" {
		f.issuer = local
	}
	s, err := provider.New(provider.Options{
		Issuer: f.issuer, Expires: f.expires, Interval: f.interval, OmitInterval: f.interval == 0, StateFile: f.state,
		LongPoll: time.Duration(f.longPoll) * time.Second, DPoPNonce: f.dpopNonce, GuardRegistration: f.guard,
	})
	if err != nil {
		return fail(err)
	}
	phone.Register(s)
	if err := s.SetAuto(f.auto, f.delay, ""); err != nil {
		return fail(err)
	}
	clients, err := s.Clients()
	if err != nil {
		return fail(err)
	}
	if f.keys != "" {
		if err := writeKeys(f.keys, clients); err != nil {
			return fail(err)
		}
	}
	if f.tls {
		conf, ca, err := s.TLS(append(lanAddresses(host), asked)...)
		if err == nil {
			err = os.WriteFile(f.caFile, ca, 0o644) // a certificate is no secret
		}
		if err != nil {
			return fail(err)
		}
		conf.NextProtos = []string{"h2", "http/1.1"}
		listener = tls.NewListener(listener, conf)
	}
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerLimit, ReadTimeout: readLimit, IdleTimeout: idleLimit,
		ErrorLog: log.New(io.Discard, "", 0), // clients that break off are what we are for
	}
	printSummary(stdout, f, clients, local, scheme, host, port)

	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fail(err)
	case <-ctx.Done():
	}
	s.Close() // event streams and hanging answers first, or Shutdown would wait for them
	stop, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fail(err)
	}
	fmt.Fprintln(stdout, "devserver: stopped")
	return exitOK
}

// printSummary prints one line per fact.
func printSummary(w io.Writer, f *options, clients []provider.Client, local, scheme, host, port string) {
	fmt.Fprintln(w, "*** DEVELOPMENT ONLY: made-up people, published secrets, anybody may approve ***")
	fmt.Fprintln(w, "issuer:       ", f.issuer)
	fmt.Fprintln(w, "phone page:   ", local+"/phone")
	near := lanAddresses(host)
	for _, address := range near {
		fmt.Fprintln(w, "phone page:   ", scheme+"://"+net.JoinHostPort(address, port)+"/phone")
	}
	fmt.Fprintln(w, "customer API: ", local+"/api/customer")
	fmt.Fprintln(w, "people:        alice, bob, carol, erin (user code 25802580); dave has no phone; tara is a technician")
	for _, c := range clients {
		fmt.Fprintf(w, "client:        %s (%s)%s\n", c.ID, c.Auth, credentialLocation(f, c))
	}
	if f.tls {
		fmt.Fprintln(w, "CA file:      ", f.caFile)
	}
	if f.state != "" {
		fmt.Fprintln(w, "state file:   ", f.state)
	}
	if f.auto != "none" {
		fmt.Fprintf(w, "answers:       %s by itself after %s\n", f.auto, f.delay)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		fmt.Fprintln(w, "*** listening beyond this machine: everybody on this network can approve ***")
	}
}

// credentialLocation says where a client's secret or key is.
func credentialLocation(f *options, c provider.Client) string {
	switch {
	case f.keys != "" && (c.Secret != "" || c.Key != nil):
		if c.Cert != nil {
			return " " + keyFile(f.keys, c) + " " + certFile(f.keys, c)
		}
		return " " + keyFile(f.keys, c)
	case c.Secret != "":
		return " secret: " + c.Secret
	case c.Key != nil:
		return " key: give --keys DIR to have it written"
	}
	return ""
}

// lanAddresses lists the addresses a phone on the same network can use, if we listen
// on all of them.
func lanAddresses(host string) []string {
	if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
		return nil
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var list []string
	for _, a := range addresses {
		if n, isNet := a.(*net.IPNet); isNet && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			list = append(list, n.IP.String())
		}
	}
	return list
}
