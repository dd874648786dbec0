package host

import (
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notify tells the service manager how this process is, in lines as sd_notify(3)
// has them: READY=1, STATUS=…, WATCHDOG=1. Without a service manager it does nothing.
func Notify(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("service manager: %w", err)
	}
	return nil
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
