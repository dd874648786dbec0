package host

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notifyTimeout bounds one message. The service manager can be busy for seconds while it reads all its units.
const notifyTimeout = time.Second

// Notify sends a state to the service manager in the form of sd_notify(3), such as READY=1, STATUS=… or WATCHDOG=1.
// Without a service manager it does nothing. A message that is not accepted within a second is an error; the caller
// repeats it if it matters.
func Notify(state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err == nil {
		defer conn.Close()
		err = conn.SetWriteDeadline(time.Now().Add(notifyTimeout))
	}
	if err == nil {
		_, err = conn.Write([]byte(state))
	}
	if err != nil {
		return fmt.Errorf("service manager: %w", err)
	}
	return nil
}

// Reloading returns the message that settings are about to be read; READY=1 ends that. It contains the time, which
// Type=notify-reload needs (sd_notify(3)). The units are Type=notify, because Debian 12 does not know the other type;
// that ignores the time.
func Reloading() string {
	return strings.TrimSuffix("RELOADING=1\n"+daemon.SdNotifyMonotonicUsec(), "\n")
}

// WatchdogLimit returns how long the service manager waits for WATCHDOG=1 before it ends this process; 0 without a
// watchdog.
func WatchdogLimit() time.Duration {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0 // a malformed variable
	}
	return limit
}
