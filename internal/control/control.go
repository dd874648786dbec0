// Package control is the local socket of a kiosk that runs: how scripts, front ends
// and technicians' verbs on the same device speak to it. It knows lines, limits and
// who is at the other end; what is asked and answered is its user's.
//
// # The protocol
//
// A Unix stream socket, 0660, of the group kiosk where there is one: who may open it
// may ask everything. A client writes lines of at most 4096 bytes and gets lines.
// A line that begins with { is a request, one JSON object with the member do; it is
// answered by one object, which has the member error if it was not done:
//
//	{"do":"status"}                                    how the kiosk is (see kiosk status)
//	{"do":"service","off":true,"for":"2h","text":"…"}  out of service, for a time that ends by itself (168h at the most)
//	{"do":"service"}                                   in service again
//	{"do":"wait-idle","limit":"10m"}                   answered when nobody stands there, or the limit is over: {"idle":true}
//	{"do":"reload"}                                    settings are read again once nobody stands there
//	{"do":"prune","age":"720h"}                        old visits are taken off record: {"pruned":3}; without age by KIOSK_RETENTION
//	{"do":"snapshot"}                                  for root and the kiosk's own user: {"size":N} and N bytes, the database
//	{"do":"visit","json":true}                         what kiosk login says; the next line is the identifier
//
// A device whose screen has a technician set it up answers status, wait-idle and reload.
//
// A visit is answered by objects with the member out, text to be written as it is;
// code, which asks for a line with a user code; and at last exit, the exit code of
// kiosk login. {"do":"leave"} ends it as a customer who leaves would, and so does
// closing the connection.
//
// Where kiosk run --headless listens, a line that does not begin with { is an
// identifier: the visit's JSON lines come back as they are (see kiosk login --json), and
// the connection is free for the next identifier. Where the server wants a user
// code, it is the next line. Visits of several clients take turns.
package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"time"
)

// MaxLine is the longest line either way but for answers: more than any identifier or
// login hint token that is read from one.
const MaxLine = 4096

// ErrInUse says that somebody listens at the path already.
var ErrInUse = errors.New("another process listens there")

// group is whose members may speak to a kiosk.
const group = "kiosk"

// dialLimit: the other end is on this device.
const dialTimeout = 2 * time.Second

// Listen makes the socket. One that a dead process left is replaced; anything else at
// the path is left alone, and an error. Closing the listener removes it.
func Listen(path string) (*net.UnixListener, error) {
	l, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	return l, nil
}

func listen(path string) (*net.UnixListener, error) {
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("%s: there is something else of that name", path)
		}
		if conn, err := net.DialTimeout("unix", path, dialTimeout); err == nil {
			_ = conn.Close()
			return nil, fmt.Errorf("%s: %w", path, ErrInUse)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// The group first: until then nobody but the owner gets in.
	if g, err := user.LookupGroup(group); err == nil {
		if id, err := strconv.Atoi(g.Gid); err == nil {
			_ = os.Chown(path, -1, id) // only members may give to a group; then it stays the process's own
		}
	}
	if err := os.Chmod(path, 0o660); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}
