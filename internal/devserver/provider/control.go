package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// controlRoutes serves the control interface for scripts.
func (s *Server) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /dev/approve", s.controlAnswer(s.Approve, s.ApproveDevice))
	mux.HandleFunc("POST /dev/deny", s.controlAnswer(
		func(user, _ string) error { return s.Deny(user) },
		func(code, _ string) error { return s.DenyDevice(code) }))
	mux.HandleFunc("POST /dev/auto", s.controlAuto)
	mux.HandleFunc("GET /dev/requests", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, s.Requests()) })
	mux.HandleFunc("DELETE /dev/requests", func(w http.ResponseWriter, r *http.Request) {
		s.ForgetRequests()
		writeJSON(w, []Arrival{})
	})
	mux.HandleFunc("GET /dev/faults", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, s.Faults()) })
	mux.HandleFunc("POST /dev/faults", s.controlFaults)
	mux.HandleFunc("GET /dev/kinds", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, faults.Kinds()) })
	mux.HandleFunc("POST /dev/ping", s.controlPing)
	mux.HandleFunc("POST /dev/hint", s.controlHint)
	mux.HandleFunc("POST /dev/initial-access-token", func(w http.ResponseWriter, r *http.Request) {
		token, err := s.InitialAccessToken()
		if err != nil {
			writeError(w, http.StatusInternalServerError, err)
			return
		}
		writeJSON(w, map[string]string{"initial_access_token": token})
	})
	mux.HandleFunc("POST /dev/rotate", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Rotate(r.URL.Query().Get("forget") != ""); err != nil {
			writeError(w, http.StatusInternalServerError, err)
			return
		}
		writeJSON(w, map[string]bool{"ok": true})
	})
	return s.LocalOnly(mux)
}

// controlAnswer handles POST /dev/approve and /dev/deny: ?user=alice[&as=bob], or
// ?user_code=BCDF-GHJK&as=alice for a device request.
func (s *Server) controlAnswer(byUser, byCode func(string, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		var err error
		switch {
		case q.Get("user_code") != "":
			as := q.Get("as")
			if as == "" {
				as = q.Get("user")
			}
			err = byCode(q.Get("user_code"), as)
		case q.Get("user") != "":
			err = byUser(q.Get("user"), q.Get("as"))
		default:
			err = errors.New("the user is missing: ?user=alice")
		}
		switch {
		case errors.Is(err, ErrNothingPending):
			writeError(w, http.StatusNotFound, err)
		case err != nil:
			writeError(w, http.StatusBadRequest, err)
		default:
			writeJSON(w, map[string]bool{"ok": true})
		}
	}
}

// controlAuto handles POST /dev/auto?mode=approve|deny|none&delay=2s[&as=bob].
func (s *Server) controlAuto(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var delay time.Duration
	var err error
	if d := q.Get("delay"); d != "" {
		if delay, err = time.ParseDuration(d); err != nil {
			writeError(w, http.StatusBadRequest, errors.New("delay must be a duration such as 2s or 500ms"))
			return
		}
	}
	if err := s.SetAuto(q.Get("mode"), delay, q.Get("as")); err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, map[string]string{"mode": q.Get("mode"), "delay": delay.String()})
}

// controlFaults handles POST /dev/faults, which replaces the fault list.
func (s *Server) controlFaults(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeError(w, http.StatusRequestEntityTooLarge, errors.New("the list is over 64 KiB"))
		return
	}
	var list []faults.Fault
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		writeError(w, http.StatusBadRequest, fmt.Errorf("the body must be a JSON list of faults: %w", err))
		return
	}
	if _, err := d.Token(); err != io.EOF {
		writeError(w, http.StatusBadRequest, errors.New("something follows the list of faults"))
		return
	}
	if err := s.SetFaults(list); err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, s.Faults())
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.Encode(v) // the client may have gone
}

func writeError(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": err.Error()}) // the client may have gone
}
