package testkit

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// Network is a network in memory, for tests in virtual time: connections that Dial makes arrive at the listener that the
// Network is.
type Network struct {
	Dials atomic.Int32 // connections made

	conns     chan net.Conn
	closeOnce sync.Once
	closed    chan struct{}
}

var _ net.Listener = (*Network)(nil)

// NewNetwork returns a network. Close it, as http.Server.Close does.
func NewNetwork() *Network { return &Network{conns: make(chan net.Conn), closed: make(chan struct{})} }

// Dial connects to the listener, whatever the address.
func (n *Network) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		n.Dials.Add(1)
		return client, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Further calls have no effect.
func (n *Network) Close() error { n.closeOnce.Do(func() { close(n.closed) }); return nil }

// Addr implements net.Listener.
func (n *Network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
