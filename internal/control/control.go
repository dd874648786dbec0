// Package control is the local socket of a running kiosk, for scripts, front ends and technicians' commands on the
// same device. It handles lines, limits and the client's identity; the requests' handlers belong to its users.
//
// # Protocol
//
// The socket is a Unix stream socket, mode 0660, of the group kiosk if there is one: whoever may open it may make any
// request, except where noted. A client writes lines of at most 4096 bytes and reads lines. A line that begins with {
// is a request, one JSON object with the member do. The answer is one object; it has the member error if the request
// failed:
//
//	{"do":"status"}                                    state of the kiosk (see kiosk status)
//	{"do":"service","off":true,"for":"2h","text":"…"}  out of service, for at most 168h
//	{"do":"service"}                                   in service again
//	{"do":"wait-idle","limit":"10m"}                   answered when no visit is in progress or the limit is reached: {"idle":true}
//	{"do":"reload"}                                    reread the settings once no visit is in progress
//	{"do":"prune","age":"720h"}                        remove old visits: {"pruned":3}; without age by KIOSK_RETENTION
//	{"do":"snapshot"}                                  root and the kiosk's user only: {"size":N}, then N bytes, the database;
//	                                                   with "key":true also the member key, if a credential is the store key
//	{"do":"visit","json":true}                         what kiosk login writes; the next line is the identifier
//
// A device that is being set up on its screen answers status, wait-idle and reload.
//
// A visit is answered by objects with the member out, text to be written unchanged; code, which asks for a line with a
// user code; and finally exit, the exit code of kiosk login. {"do":"leave"} ends the visit as a customer who leaves
// would, and so does closing the connection.
//
// Where kiosk run --headless listens, a line that does not begin with { is an identifier: the visit's JSON lines are
// written as they are (see kiosk login --json), and the connection is free for the next identifier. If the server
// requires a user code, it is the next line. Visits of several clients take turns.
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

// MaxLine is the longest line in bytes, except for answers: longer than any identifier or login hint token.
const MaxLine = 4096

// ErrInUse means that another process listens at the path.
var ErrInUse = errors.New("another process listens there")

// group is the group whose members may use the socket.
const group = "kiosk"

// dialTimeout is short: the other end is on this device.
const dialTimeout = 2 * time.Second

// Listen creates the socket. One that a dead process left is replaced; anything else at the path is an error and left
// alone. Closing the listener removes the socket.
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
			return nil, fmt.Errorf("%s: exists and is not a socket", path)
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
	// The group first: until the mode changes, only the owner can connect.
	if g, err := user.LookupGroup(group); err == nil {
		if id, err := strconv.Atoi(g.Gid); err == nil {
			_ = os.Chown(path, -1, id) // this fails for a user who is not a member; the group then stays the process's own
		}
	}
	if err := os.Chmod(path, 0o660); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}
