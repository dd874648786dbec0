package host

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notifyTimeout is how long the service manager may take to make room in its queue. It
// is seconds behind while it reads all its units anew, and no reason to stand still.
const notifyTimeout = time.Second

// Notify tells the service manager how this process is, in lines as sd_notify(3)
// has them: READY=1, STATUS=…, WATCHDOG=1. Without a service manager it does nothing.
// It never waits for longer than a second: what was not taken by then is an error,
// and whoever has something to say that must be heard says it again.
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

// Reloading is what a service manager is to be told when settings are about to be read
// again; READY=1 ends that. With the time, by which Type=notify-reload tells whether this
// is the reload that it has asked for (sd_notify(3)). Our units are Type=notify, since
// Debian 12 does not know the other; that lets the time be.
func Reloading() string {
	return strings.TrimSuffix("RELOADING=1\n"+daemon.SdNotifyMonotonicUsec(), "\n")
}

// WatchdogLimit is after how long without WATCHDOG=1 the service manager takes this
// process for hung and ends it; 0 if it does not watch.
func WatchdogLimit() time.Duration {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0 // a variable that is no number watches nothing
	}
	return limit
}
