package store

import (
	"errors"
	"io/fs"
	"os"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Check examines whether the record of visits can be read. st and err are from Open, for reading only; keySealed tells
// that the key is encrypted for the service. Check closes st.
func Check(st *Store, err error, keySealed bool) check.Outcome {
	if err == nil {
		defer st.Close()
		if err = st.Ping(); err == nil {
			return check.Pass("the record of visits can be read")
		}
	}
	switch {
	case errors.Is(err, ErrAbsent):
		return check.Pass("no visit has been recorded yet")
	case errors.Is(err, ErrLocked):
		return check.Pass("another process has it open")
	case keySealed:
		return check.Skip("its key is encrypted for the service, and no kiosk is running")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, ErrNotOurs) && os.Geteuid() != 0:
		return check.Skip("only the kiosk's user may read it: sudo -u kiosk kiosk doctor")
	case errors.Is(err, ErrKey):
		return check.Fail(kiosk.Internal, check.Cause(err), "restore the right key where KIOSK_STORE_KEY_FILE says, or start the kiosk: it quarantines the record")
	}
	return check.Fail(kiosk.Internal, check.Cause(err), "start the kiosk: it quarantines the damaged record and starts a new one")
}
