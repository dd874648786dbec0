package ciba

import (
	"net"
	"slices"
	"testing"
)

// addressed is a connection from some address.
type addressed struct {
	net.Conn
	from string
}

func (a addressed) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP(a.from), Port: 1}
}

// TestStrangersMakeRoom checks that the oldest connection of a host ends for its newest, that the oldest of all ends for others,
// and that the server's own is never among them once it has shown its token.
func TestStrangersMakeRoom(t *testing.T) {
	var l strangerListener
	admit := func(from string) (*strangerConn, []*strangerConn) {
		c := &strangerConn{Conn: addressed{from: from}, host: from, listener: &l}
		return c, l.admit(c)
	}
	known, _ := admit("192.0.2.1")
	l.forget(known)
	var flood []*strangerConn
	for i := range 300 {
		c, ended := admit("192.0.2.66")
		flood = append(flood, c)
		if want := i >= maxStrangersOfOneHost; want != (len(ended) == 1) || want && ended[0] != flood[i-maxStrangersOfOneHost] {
			t.Fatalf("connection %d ended %d", i, len(ended))
		}
	}
	for i := range 1000 {
		if _, ended := admit(net.IPv4(198, 51, byte(i>>8), byte(i)).String()); slices.Contains(ended, known) || len(l.strangers) > maxStrangers {
			t.Fatalf("after %d hosts %d strangers are kept", i, len(l.strangers))
		}
	}
	if len(l.strangers) != maxStrangers {
		t.Errorf("%d strangers are kept, want %d", len(l.strangers), maxStrangers)
	}
}
