package main

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// gate is a TCP proxy between kiosk and server that a test can close. It keeps its address while it is closed.
type gate struct {
	url string
	l   net.Listener

	mu    sync.Mutex // guards all below
	to    string     // the server behind, host:port
	no    bool       // it is shut
	conns map[net.Conn]bool
}

func newGate(t testing.TB) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &gate{url: "http://" + l.Addr().String(), l: l, conns: map[net.Conn]bool{}}
	go d.serve()
	t.Cleanup(d.refuse)
	return d
}

func (d *gate) serve() {
	for {
		c, err := d.l.Accept()
		if err != nil {
			return // it is gone
		}
		if d.admit(c) {
			go d.forward(c)
		}
	}
}

// admit accepts a connection, or resets it if the gate is closed.
func (d *gate) admit(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.no {
		reset(c)
		return false
	}
	d.conns[c] = true
	return true
}

// connectTo sets the address behind the gate.
func (d *gate) connectTo(to string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.to = to
}

func (d *gate) forward(c net.Conn) {
	d.mu.Lock()
	to := d.to
	d.mu.Unlock()
	s, err := net.DialTimeout("tcp", to, limit)
	if err != nil || !d.admit(s) {
		reset(c)
		return
	}
	go func() {
		_, _ = io.Copy(s, c) // either side may go at any time
		_ = s.Close()
	}()
	_, _ = io.Copy(c, s)
	_ = c.Close()
}

// reset closes a connection with RST.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// close resets all connections, open and new ones.
func (d *gate) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.no = true
	for c := range d.conns {
		reset(c)
	}
	clear(d.conns)
}

func (d *gate) open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.no = false
}

// refuse closes the gate and its listener: connections are refused.
func (d *gate) refuse() {
	d.close()
	_ = d.l.Close() // it may be closed already
}

// eventually waits for a condition that nothing announces, by checking it a few hundred times a second.
func (r *rig) eventually(what string, so func() bool) {
	r.t.Helper()
	timer, tick := time.NewTimer(limit), time.NewTicker(3*time.Millisecond)
	defer timer.Stop()
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-timer.C:
			r.t.Fatalf("never: %s", what)
		}
	}
}

// useClientKey makes the device authenticate with its key instead of a secret.
func (r *rig) useClientKey() {
	r.t.Helper()
	client, err := r.dev.Client("kiosk-jwt")
	if err != nil {
		r.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(client.Key)
	if err != nil {
		r.t.Fatal(err)
	}
	delete(r.env, "KIOSK_CLIENT_SECRET_FILE")
	r.set("KIOSK_CLIENT_ID=" + client.ID)
	r.set("KIOSK_CLIENT_KEY_FILE=" + r.write("client-key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))))
}
