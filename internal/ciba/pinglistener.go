package ciba

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
)

// Limits for connections whose sender has not shown a valid bearer token. Anybody can open them, so none may keep a ping from
// coming through: where there are too many, the oldest ends.
const (
	maxStrangers          = 128 // a TLS connection takes about 40 KiB: 5 MiB in all
	maxStrangersOfOneHost = 8   // an authorization server sends its pings over one connection or a few
)

// strangerListener accepts connections and ends the oldest of strangers where there are too many. netutil.LimitListener would let
// them keep a ping waiting.
type strangerListener struct {
	net.Listener

	mu        sync.Mutex
	strangers []*strangerConn // oldest first
}

// strangerConn is a connection of a stranger until it is recognized or closed.
type strangerConn struct {
	net.Conn
	host     string
	listener *strangerListener
}

// Accept returns the next connection.
func (l *strangerListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	c := &strangerConn{Conn: conn, host: host, listener: l}
	for _, old := range l.admit(c) {
		_ = old.Conn.Close()
	}
	return c, nil
}

// admit adds a connection and returns those that have to end for it.
func (l *strangerListener) admit(c *strangerConn) (ended []*strangerConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strangers = append(l.strangers, c)
	ofHost := func(s *strangerConn) bool { return s.host == c.host }
	count := 0
	for _, s := range l.strangers {
		if ofHost(s) {
			count++
		}
	}
	drop := func(i int) {
		ended = append(ended, l.strangers[i])
		l.strangers = slices.Delete(l.strangers, i, i+1)
	}
	if count > maxStrangersOfOneHost {
		drop(slices.IndexFunc(l.strangers, ofHost))
	}
	if len(l.strangers) > maxStrangers {
		drop(0)
	}
	return ended
}

// forget takes a connection out of the strangers: it has shown a valid token, or is closed.
func (l *strangerListener) forget(c *strangerConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strangers = slices.DeleteFunc(l.strangers, func(s *strangerConn) bool { return s == c })
}

// Close closes the connection.
func (c *strangerConn) Close() error {
	c.listener.forget(c)
	return c.Conn.Close()
}

type strangerKey struct{}

// withStranger keeps a TLS connection's stranger in the context of its requests.
func withStranger(ctx context.Context, conn net.Conn) context.Context {
	if t, ok := conn.(*tls.Conn); ok {
		return context.WithValue(ctx, strangerKey{}, t.NetConn())
	}
	return ctx
}

// recognizeSender says that the sender of a request has shown a valid token.
func recognizeSender(ctx context.Context) {
	if c, ok := ctx.Value(strangerKey{}).(*strangerConn); ok {
		c.listener.forget(c)
	}
}
