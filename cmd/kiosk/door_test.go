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

// door stands between the kiosk and the server as a network does, and can be
// shut in the face of both. It keeps its address while it is shut.
type door struct {
	url string
	l   net.Listener

	mu    sync.Mutex // guards all below
	to    string     // the server behind, host:port
	no    bool       // it is shut
	conns map[net.Conn]bool
}

func newDoor(t testing.TB) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{url: "http://" + l.Addr().String(), l: l, conns: map[net.Conn]bool{}}
	go d.serve()
	t.Cleanup(d.leave)
	return d
}

func (d *door) serve() {
	for {
		c, err := d.l.Accept()
		if err != nil {
			return // it is gone
		}
		if d.keep(c) {
			go d.pass(c)
		}
	}
}

// keep lets a connection in, or resets it.
func (d *door) keep(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.no {
		reset(c)
		return false
	}
	d.conns[c] = true
	return true
}

// leads says what is behind the door.
func (d *door) leads(to string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.to = to
}

func (d *door) pass(c net.Conn) {
	d.mu.Lock()
	to := d.to
	d.mu.Unlock()
	s, err := net.DialTimeout("tcp", to, limit)
	if err != nil || !d.keep(s) {
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

// reset closes a connection the rude way.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// shut resets what is open and whatever comes.
func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.no = true
	for c := range d.conns {
		reset(c)
	}
	clear(d.conns)
}

func (d *door) open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.no = false
}

// leave shuts the door and takes the house away: connections are refused.
func (d *door) leave() {
	d.shut()
	_ = d.l.Close() // it may be closed already
}

// eventually waits until something is so, asking a few hundred times a second:
// for what the server knows and nobody announces.
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

// useKey has the device prove who it is by its key instead of a secret.
func (r *rig) useKey() {
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
