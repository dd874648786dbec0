package provider

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// state is what survives a restart: the content of the state file. It has digests of
// request identifiers and tokens, and private keys in plain.
type state struct {
	Clients       []*client            `json:"clients"`
	Requests      []*request           `json:"requests"`
	Grants        []*grant             `json:"grants"`
	InitialTokens []string             `json:"initial,omitempty"` // digests of unused initial access tokens
	UsedIDs       map[string]time.Time `json:"seen"`              // digests of jti values, until they expire
	Keys          []signingKey         `json:"keys"`              // the last one of each algorithm signs
	FormKey       []byte               `json:"forms"`             // MAC key of form tokens and nonces
	CA            *certAuthority       `json:"tls,omitempty"`
	LastRequest   int                  `json:"number"` // of the newest request
}

// requestStatus is how far a request has come.
type requestStatus string

const (
	pending  requestStatus = "pending"
	approved requestStatus = "approved"
	denied   requestStatus = "denied"
	redeemed requestStatus = "used" // its tokens were issued
)

// request is a backchannel or device request for a person's approval.
type request struct {
	Number         int               `json:"number"`
	ID             string            `json:"id"`                  // digest of auth_req_id or device_code
	UserCode       string            `json:"user_code,omitempty"` // device grant only
	Client         string            `json:"client"`
	Person         string            `json:"person,omitempty"` // empty for a device request until somebody answers
	AnsweredBy     string            `json:"as,omitempty"`     // may be another person, for tests
	Scope          []string          `json:"scope"`
	BindingMessage string            `json:"binding,omitempty"`
	Site           string            `json:"site,omitempty"`
	ACR            string            `json:"acr,omitempty"` // the first value requested
	Details        []json.RawMessage `json:"details,omitempty"`
	Created        time.Time         `json:"created"`
	Expires        time.Time         `json:"expires"`
	Interval       int               `json:"interval"`
	Status         requestStatus     `json:"state"`
	Answered       time.Time         `json:"answered,omitzero"`

	// In memory only, so that the state file holds no usable secret. After a restart the
	// client is not pinged and must poll.
	notificationToken, authReqID string

	lastPoll time.Time
	inFlight int
}

// isOpen reports whether the request can still be answered.
func (q *request) isOpen(now time.Time) bool { return q.Status == pending && now.Before(q.Expires) }

// isDevice reports whether the request came by the device grant.
func (q *request) isDevice() bool { return q.UserCode != "" }

// grant is an issued token.
type grant struct {
	Token          string    `json:"token"` // digest
	Refresh        bool      `json:"refresh,omitempty"`
	Request        int       `json:"request"` // shared by the tokens of one approval
	Client         string    `json:"client"`
	Person         string    `json:"person"`
	Scope          []string  `json:"scope"`
	AuthTime       time.Time `json:"auth_time"`
	ACR            string    `json:"acr,omitempty"`
	Expires        time.Time `json:"expires"`
	Spent          bool      `json:"spent,omitempty"` // a refresh token already exchanged
	KeyThumbprint  string    `json:"jkt,omitempty"`   // of the key that the token is bound to (RFC 9449)
	CertThumbprint string    `json:"x5t,omitempty"`   // of the certificate that the token is bound to (RFC 8705)
}

// findRequest returns a request by its auth_req_id or device_code, nil if there is none.
func (st *state) findRequest(id string) *request {
	if id == "" {
		return nil
	}
	d := digest(id)
	for _, q := range st.Requests {
		if q.ID == d {
			return q
		}
	}
	return nil
}

// findGrant returns the grant of a token, nil if there is none.
func (st *state) findGrant(token string) *grant {
	if token == "" {
		return nil
	}
	d := digest(token)
	for _, g := range st.Grants {
		if g.Token == d {
			return g
		}
	}
	return nil
}

// prune removes entries that no client can use any more.
func (st *state) prune(now time.Time) {
	st.Requests = slices.DeleteFunc(st.Requests, func(q *request) bool { return now.After(q.Expires.Add(keepFinished)) })
	st.Grants = slices.DeleteFunc(st.Grants, func(g *grant) bool { return now.After(g.Expires) })
	for id, until := range st.UsedIDs {
		if now.After(until) {
			delete(st.UsedIDs, id)
		}
	}
}

// load reads the state file, or creates it with a new state.
func (s *Server) load() error {
	if s.opt.StateFile != "" {
		data, err := os.ReadFile(s.opt.StateFile)
		switch {
		case err == nil:
			if err := json.Unmarshal(data, &s.state); err != nil {
				return fmt.Errorf("state file %s: damaged or of another program: %w", s.opt.StateFile, err)
			}
			if len(s.state.Keys) == 0 || len(s.state.Clients) == 0 {
				return fmt.Errorf("state file %s: holds no keys or no clients", s.opt.StateFile)
			}
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("state file: %w", err)
		}
	}
	if s.state.UsedIDs == nil {
		s.state.UsedIDs = map[string]time.Time{}
	}
	if len(s.state.FormKey) == 0 {
		s.state.FormKey = make([]byte, 32)
		rand.Read(s.state.FormKey)
	}
	s.state.ensureKey("ES256")
	s.addBuiltInClients()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.save()
}

// save writes the state file, if there is one. It is called before the answer is sent,
// so that a killed server forgets nothing that a client knows. It does not sync, so a
// power cut may lose changes. The lock must be held.
func (s *Server) save() error {
	s.state.prune(s.opt.Now())
	if s.opt.StateFile == "" {
		return nil
	}
	data, err := json.MarshalIndent(&s.state, "", "  ")
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return writeFile(s.opt.StateFile, data)
}

// writeFile replaces a file atomically, with mode 0600.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".devserver-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	_, err = f.Write(data)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}
