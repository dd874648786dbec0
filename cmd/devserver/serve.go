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
	"net/url"
	"os"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/phone"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
)

// Timeouts of the HTTP server, against silent clients. Writing has none, since a fault
// may write slowly.
const (
	headerTimeout   = 10 * time.Second
	readTimeout     = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 3 * time.Second // for open answers
)

// serve listens, prints the summary and serves until ctx ends. It returns the exit code.
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
	host, port, _ := net.SplitHostPort(listener.Addr().String()) // valid: the listener's
	asked, _, _ := net.SplitHostPort(f.listen)                   // validated with the flags

	scheme := "http"
	if f.tls {
		scheme = "https"
	}
	if asked == "" || net.ParseIP(host).IsUnspecified() {
		asked = "localhost" // the listener's address cannot be called; this machine can use localhost
	}
	local := scheme + "://" + net.JoinHostPort(asked, port)
	if f.issuer == "" {
		f.issuer = local
	}
	s, err := provider.New(provider.Options{
		Issuer: f.issuer, Expires: f.expires, Interval: f.interval, OmitInterval: f.interval == 0, StateFile: f.stateFile,
		LongPoll: time.Duration(f.longPoll) * time.Second, DPoPNonce: f.dpopNonce, GuardRegistration: f.guardRegistration,
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
	if f.keysDir != "" {
		if err := writeKeys(f.keysDir, clients); err != nil {
			return fail(err)
		}
	}
	if f.tls {
		conf, ca, err := s.TLS(append(lanAddresses(host), asked, issuerHost(f.issuer))...)
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
		Handler: s.Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		ErrorLog: log.New(io.Discard, "", 0), // broken connections are expected here
	}
	printSummary(stdout, f, clients, local, scheme, host, port)

	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fail(err)
	case <-ctx.Done():
	}
	s.Close() // ends event streams and hanging answers; Shutdown would wait for them
	stop, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
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

// printSummary prints one line for each fact about the server.
func printSummary(w io.Writer, f *options, clients []provider.Client, local, scheme, host, port string) {
	fmt.Fprintln(w, "*** DEVELOPMENT ONLY: invented people, published secrets, anybody can approve ***")
	fmt.Fprintln(w, "issuer:       ", f.issuer)
	fmt.Fprintln(w, "phone page:   ", local+"/phone")
	for _, address := range lanAddresses(host) {
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
	if f.stateFile != "" {
		fmt.Fprintln(w, "state file:   ", f.stateFile)
	}
	if f.auto != "none" {
		fmt.Fprintf(w, "answers:       %s automatically after %s\n", f.auto, f.delay)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		fmt.Fprintln(w, "*** LISTENING ON THE NETWORK: everybody on it can approve ***")
	}
}

// credentialLocation describes where a client's secret or key is.
func credentialLocation(f *options, c provider.Client) string {
	switch {
	case f.keysDir != "" && (c.Secret != "" || c.Key != nil):
		if c.Cert != nil {
			return " " + keyFile(f.keysDir, c) + " " + certFile(f.keysDir, c)
		}
		return " " + keyFile(f.keysDir, c)
	case c.Secret != "":
		return " secret: " + c.Secret
	case c.Key != nil:
		return " key: use --keys DIR to write it"
	}
	return ""
}

// issuerHost returns the host name or address of the issuer; empty if it has none.
func issuerHost(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// lanAddresses lists the addresses for a phone on the same network, if the server listens
// on all addresses.
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
