package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/daemon"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// PruneAsService removes visits older than age with the rights of the kiosk's user: as root, this process becomes that user for
// good, so that no file of the record belongs to root. No kiosk may be running.
func PruneAsService(s *config.Settings, process string, age time.Duration) (int, error) {
	if s.StoreKey.Sealed {
		return 0, sealedKey(s)
	}
	o := storeOptions(s, process, false)
	if user, isOther := host.FindServiceUser(s.StateDir); isOther {
		if s.StoreKey.Data != nil {
			o.KeyText = s.StoreKey.Data // perhaps only root can read the file
		}
		if err := user.Become(); err != nil {
			return 0, kiosk.Fail(kiosk.Internal, "journal", err)
		}
	}
	st, err := store.Open(o)
	if err != nil {
		return 0, kiosk.Fail(kiosk.Internal, "", err)
	}
	defer st.Close()
	return PruneStore(st, age)
}

func storeOptions(s *config.Settings, process string, readOnly bool) store.Options {
	o := store.Options{Dir: s.StateDir, Process: process, ReadOnly: readOnly}
	if s.StoreKey.Origin != "derived" { // a derived key is where the store looks by itself
		o.KeyFile = s.StoreKey.Path
	}
	return o
}

func sealedKey(s *config.Settings) error {
	return kiosk.Fail(kiosk.Misconfigured, "store key", fmt.Errorf("%s is encrypted for the service only (%w): while the kiosk runs, root can read the record: sudo systemctl start kiosk", s.StoreKey.Path, fs.ErrPermission))
}

// OpenStore opens the store of the record for commands that change it, and quarantines nothing. With readOnly it makes and
// changes nothing; store.ErrAbsent means that there is no store yet.
func OpenStore(s *config.Settings, process string, readOnly bool) (*store.Store, error) {
	if s.StoreKey.Sealed {
		return nil, sealedKey(s)
	}
	st, err := store.Open(storeOptions(s, process, readOnly))
	if err != nil {
		return nil, kiosk.Fail(kiosk.Internal, "", err) // err names the store
	}
	return st, nil
}

// snapshotLimit is how long a verb waits for a snapshot: the kiosk gives up after 10 s.
const snapshotLimit = 15 * time.Second

// ReadStore opens the visits on record for reading, with the key in keyFile, or that of the settings if that is empty. If a
// kiosk runs, it reads a snapshot that the kiosk sends. store.ErrAbsent says that there are no visits on record yet.
func ReadStore(s *config.Settings, process, keyFile string) (*store.Store, error) {
	o := storeOptions(s, process, true)
	if keyFile != "" {
		o.KeyFile = keyFile
	} else if s.StoreKey.Sealed { // only the running kiosk has the key
		return openSnapshot(s, o, true, sealedKey(s))
	}
	st, err := store.Open(o)
	if errors.Is(err, store.ErrLocked) {
		st, err = openSnapshot(s, o, false, err)
	}
	if err != nil {
		return nil, kiosk.Fail(kiosk.Internal, "", err) // the error begins "store: "
	}
	return st, nil
}

// openSnapshot asks the process that has the database open for a snapshot. A visit by the command line has it open and
// listens nowhere; then the error is locked, which names the process. With withKey that process also sends its store key.
func openSnapshot(s *config.Settings, o store.Options, withKey bool, locked error) (*store.Store, error) {
	ctx, cancel := context.WithTimeout(context.Background(), snapshotLimit)
	defer cancel()
	for _, path := range Sockets(s) {
		st, err := store.OpenSnapshot(o, func(w io.Writer) ([]byte, error) {
			return control.Fetch(ctx, path, w, store.DefaultMaxSize, withKey)
		})
		if !errors.Is(err, control.ErrNotRunning) {
			return st, err
		}
	}
	return nil, locked
}

// unitSocket is where the kiosk of the systemd units listens. A technician's shell lacks the $RUNTIME_DIRECTORY that names it.
const unitSocket = "/run/kiosk/kiosk.sock"

// Sockets lists the paths at which a running kiosk may listen, the most likely first.
func Sockets(s *config.Settings) []string {
	derived := slices.ContainsFunc(s.Rows(), func(r config.Row) bool { return r.Name == "KIOSK_SOCKET" && r.Origin == "derived" })
	if derived {
		return []string{s.Socket, unitSocket}
	}
	return []string{s.Socket}
}

// PruneStore removes visits older than age and returns their number. It is an error if the clock is not trusted.
func PruneStore(st *store.Store, age time.Duration) (int, error) {
	return daemon.Prune(st, host.NewClock(), age)
}
