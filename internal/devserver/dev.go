package devserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// devRoutes is the interface for scripts. A page of another site must not reach
// it through a developer's browser.
func (s *Server) devRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /dev/approve", s.devAnswer(s.Approve, s.ApproveDevice))
	mux.HandleFunc("POST /dev/deny", s.devAnswer(
		func(user, _ string) error { return s.Deny(user) },
		func(code, _ string) error { return s.DenyDevice(code) }))
	mux.HandleFunc("POST /dev/auto", s.devAuto)
	mux.HandleFunc("GET /dev/requests", func(w http.ResponseWriter, r *http.Request) { tell(w, s.Requests()) })
	mux.HandleFunc("DELETE /dev/requests", func(w http.ResponseWriter, r *http.Request) {
		s.ForgetRequests()
		tell(w, []Arrival{})
	})
	mux.HandleFunc("GET /dev/faults", func(w http.ResponseWriter, r *http.Request) { tell(w, s.Faults()) })
	mux.HandleFunc("POST /dev/faults", s.devFaults)
	mux.HandleFunc("GET /dev/kinds", func(w http.ResponseWriter, r *http.Request) { tell(w, Kinds()) })
	mux.HandleFunc("POST /dev/ping", s.devPing)
	mux.HandleFunc("POST /dev/hint", s.devHint)
	mux.HandleFunc("POST /dev/initial-access-token", func(w http.ResponseWriter, r *http.Request) {
		token, err := s.InitialAccessToken()
		if err != nil {
			complain(w, http.StatusInternalServerError, err)
			return
		}
		tell(w, map[string]string{"initial_access_token": token})
	})
	mux.HandleFunc("POST /dev/rotate", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Rotate(r.URL.Query().Get("forget") != ""); err != nil {
			complain(w, http.StatusInternalServerError, err)
			return
		}
		tell(w, map[string]bool{"ok": true})
	})
	return s.homeOnly(mux)
}

// devAnswer approves or denies: ?user=alice[&as=bob], or ?user_code=BCDF-GHJK&as=alice
// for a device request.
func (s *Server) devAnswer(byUser, byCode func(string, string) error) http.HandlerFunc {
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
			err = errors.New("say for whom: ?user=alice")
		}
		switch {
		case errors.Is(err, ErrNothingPending):
			complain(w, http.StatusNotFound, err)
		case err != nil:
			complain(w, http.StatusBadRequest, err)
		default:
			tell(w, map[string]bool{"ok": true})
		}
	}
}

// devAuto is POST /dev/auto?mode=approve|deny|none&delay=2s[&as=bob].
func (s *Server) devAuto(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var delay time.Duration
	var err error
	if d := q.Get("delay"); d != "" {
		if delay, err = time.ParseDuration(d); err != nil {
			complain(w, http.StatusBadRequest, errors.New("delay must be a duration such as 2s or 500ms"))
			return
		}
	}
	if err := s.SetAuto(q.Get("mode"), delay, q.Get("as")); err != nil {
		complain(w, http.StatusBadRequest, err)
		return
	}
	tell(w, map[string]string{"mode": q.Get("mode"), "delay": delay.String()})
}

// devFaults replaces the fault list.
func (s *Server) devFaults(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		complain(w, http.StatusRequestEntityTooLarge, errors.New("the list is over 64 KiB"))
		return
	}
	var list []Fault
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		complain(w, http.StatusBadRequest, fmt.Errorf("the body must be a JSON list of faults: %w", err))
		return
	}
	if _, err := d.Token(); err != io.EOF {
		complain(w, http.StatusBadRequest, errors.New("something follows the list of faults"))
		return
	}
	if err := s.SetFaults(list); err != nil {
		complain(w, http.StatusBadRequest, err)
		return
	}
	tell(w, s.Faults())
}

func tell(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.Encode(v) // the client may have gone
}

func complain(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": err.Error()}) // the client may have gone
}
