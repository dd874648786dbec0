// Command phones stands for the service that reaches people's phones, for a first try with Keycloak: it prints each
// authentication request and reads y or n from the terminal. It is for trials on loopback addresses only.
//
//	go run ./tools/phones -realm https://sso.example/realms/shop [-listen 127.0.0.1:9501] [-ca ca.pem]
//
// Start Keycloak with the address http://127.0.0.1:9501/ask as http-authentication-channel-uri.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, in io.Reader, out, stderr io.Writer) int {
	flags := flag.NewFlagSet("phones", flag.ContinueOnError)
	flags.SetOutput(stderr)
	realm := flags.String("realm", "", "the realm's issuer `URL`")
	listen := flags.String("listen", "127.0.0.1:9501", "loopback `address` at which Keycloak asks")
	ca := flags.String("ca", "", "PEM `file` of the authority that issued Keycloak's certificate; by default the system's")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *realm == "" || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "phones: -realm is required, and nothing else but flags")
		return 2
	}
	client, err := newClient(*ca)
	if err == nil {
		err = serve(*listen, &phones{realm: strings.TrimSuffix(*realm, "/"), client: client, out: out, asked: make(chan request)}, in)
	}
	if err != nil {
		fmt.Fprintln(stderr, "phones:", err)
		return 1
	}
	return 0
}

// newClient returns a client that trusts the authority in a file, or those of the system.
func newClient(ca string) (*http.Client, error) {
	c := &http.Client{Timeout: 30 * time.Second} // Keycloak answers at once; a trial's server may be slow
	if ca == "" {
		return c, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New(ca + ": no certificate in it")
	}
	c.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	return c, nil
}

// request is what Keycloak sends for one person. The bearer token belongs to the request and permits the answer.
type request struct {
	bearer  string
	Who     string `json:"login_hint"`
	Message string `json:"binding_message"`
	Scope   string `json:"scope"`
}

// phones are the phones of a realm.
type phones struct {
	realm  string
	client *http.Client
	out    io.Writer
	asked  chan request
}

// serve takes requests at an address until the answers in in end.
func serve(address string, p *phones, in io.Reader) error {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return errors.New("-listen: not a loopback address; this command authenticates nobody")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	defer server.Close()
	go func() { _ = server.Serve(l) }() // ends with Close
	fmt.Fprintf(p.out, "Keycloak may ask at http://%s/ask. End with Ctrl-D.\n", l.Addr())
	return p.answer(in)
}

// ServeHTTP takes one request. Keycloak keeps it only after the answer 201.
func (p *phones) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	bearer, ok := strings.CutPrefix(q.Header.Get("Authorization"), "Bearer ")
	r := request{bearer: bearer}
	if err := json.NewDecoder(io.LimitReader(q.Body, 64<<10)).Decode(&r); err != nil || !ok || q.Method != http.MethodPost {
		http.Error(w, "not a request of Keycloak's authentication channel", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusCreated)
	go func() { p.asked <- r }()
}

// answer shows the requests one after the other and sends what is typed.
func (p *phones) answer(in io.Reader) error {
	typed := make(chan string)
	go func() {
		defer close(typed)
		for lines := bufio.NewScanner(in); lines.Scan(); {
			typed <- strings.ToLower(strings.TrimSpace(lines.Text()))
		}
	}()
	for {
		select {
		case _, more := <-typed: // nothing was asked
			if !more {
				return nil
			}
		case r := <-p.asked:
			fmt.Fprintf(p.out, "%q is asked: code %q, scope %q. Approve? [y/n] ", r.Who, r.Message, r.Scope)
			word, more := <-typed
			if !more {
				return nil
			}
			status := "UNAUTHORIZED"
			if word == "y" || word == "yes" {
				status = "SUCCEED"
			}
			if err := p.decide(r, status); err != nil {
				fmt.Fprintln(p.out, "not taken:", err)
			} else {
				fmt.Fprintln(p.out, "sent:", status)
			}
		}
	}
}

// decide sends a decision to the realm.
func (p *phones) decide(r request, status string) error {
	q, err := http.NewRequest(http.MethodPost, p.realm+"/protocol/openid-connect/ext/ciba/auth/callback", strings.NewReader(`{"status":"`+status+`"}`))
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+r.bearer)
	q.Header.Set("Content-Type", "application/json")
	answer, err := p.client.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d; it may have expired", answer.StatusCode)
	}
	return nil
}
