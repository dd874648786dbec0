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

// state is everything that a restart must not lose. Secrets that were handed out
// (request ids, tokens) are in it as digests only; signing keys are in it as
// they are, hence mode 0600.
type state struct {
	Clients       []*client            `json:"clients"`
	Requests      []*request           `json:"requests"`
	Grants        []*grant             `json:"grants"`
	InitialTokens []string             `json:"initial,omitempty"` // digests of initial access tokens that were not used yet
	UsedIDs       map[string]time.Time `json:"seen"`              // digests of assertion ids, until they expire
	Keys          []signingKey         `json:"keys"`              // the last of each algorithm signs
	FormKey       []byte               `json:"forms"`             // key for the tokens in forms
	CA            *certAuthority       `json:"tls,omitempty"`
	LastRequest   int                  `json:"number"` // of the newest request
}

// requestStatus is how far a request has come.
type requestStatus string

const (
	pending  requestStatus = "pending"
	approved requestStatus = "approved"
	denied   requestStatus = "denied"
	redeemed requestStatus = "used" // its tokens were given out
)

// request is one question to a person, whether it came by the backchannel or by
// the device grant.
type request struct {
	Number         int               `json:"number"`
	ID             string            `json:"id"`                  // digest of auth_req_id or device_code
	UserCode       string            `json:"user_code,omitempty"` // device grant only
	Client         string            `json:"client"`
	Person         string            `json:"person,omitempty"` // who is asked; empty until somebody answers a device request
	AnsweredBy     string            `json:"as,omitempty"`     // who answered
	Scope          []string          `json:"scope"`
	BindingMessage string            `json:"binding,omitempty"`
	Site           string            `json:"site,omitempty"`
	ACR            string            `json:"acr,omitempty"` // first of the values asked for
	Details        []json.RawMessage `json:"details,omitempty"`
	Created        time.Time         `json:"created"`
	Expires        time.Time         `json:"expires"`
	Interval       int               `json:"interval"`
	Status         requestStatus     `json:"state"`
	Answered       time.Time         `json:"answered,omitzero"`

	// In memory only, so that the file holds no secret: who was to be pinged before a
	// restart finds out by polling.
	notificationToken, authReqID string

	lastPoll time.Time
	inFlight int
}

// isOpen reports whether the request can still be answered.
func (q *request) isOpen(now time.Time) bool { return q.Status == pending && now.Before(q.Expires) }

// isDevice reports whether the request came by the device grant.
func (q *request) isDevice() bool { return q.UserCode != "" }

// grant is one token that was given out.
type grant struct {
	Token          string    `json:"token"` // digest
	Refresh        bool      `json:"refresh,omitempty"`
	Request        int       `json:"request"` // tokens of one approval share it
	Client         string    `json:"client"`
	Person         string    `json:"person"`
	Scope          []string  `json:"scope"`
	AuthTime       time.Time `json:"auth_time"`
	ACR            string    `json:"acr,omitempty"`
	Expires        time.Time `json:"expires"`
	Spent          bool      `json:"spent,omitempty"` // a refresh token that was exchanged
	KeyThumbprint  string    `json:"jkt,omitempty"`   // thumbprint of the key it is tied to (RFC 9449)
	CertThumbprint string    `json:"x5t,omitempty"`   // or of the certificate (RFC 8705)
}

// findRequest finds a request by its secret id; nil if there is none.
func (b *state) findRequest(id string) *request {
	if id == "" {
		return nil
	}
	d := digest(id)
	for _, q := range b.Requests {
		if q.ID == d {
			return q
		}
	}
	return nil
}

// findGrant finds what a token stands for; nil if nothing.
func (b *state) findGrant(token string) *grant {
	if token == "" {
		return nil
	}
	d := digest(token)
	for _, g := range b.Grants {
		if g.Token == d {
			return g
		}
	}
	return nil
}

// prune drops what nobody can ask about any more.
func (b *state) prune(now time.Time) {
	b.Requests = slices.DeleteFunc(b.Requests, func(q *request) bool { return now.After(q.Expires.Add(keepFinished)) })
	b.Grants = slices.DeleteFunc(b.Grants, func(g *grant) bool { return now.After(g.Expires) })
	for id, until := range b.UsedIDs {
		if now.After(until) {
			delete(b.UsedIDs, id)
		}
	}
}

// load reads the state file, or starts a new book and writes the file.
func (s *Server) load() error {
	if s.opt.StateFile != "" {
		data, err := os.ReadFile(s.opt.StateFile)
		switch {
		case err == nil:
			if err := json.Unmarshal(data, &s.state); err != nil {
				return fmt.Errorf("state file %s: not ours or damaged: %w", s.opt.StateFile, err)
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

// save writes the state file, if there is one. It is called before an answer
// that tells the change leaves, so that a killed server never forgets what it
// said. The lock must be held. A power cut is not provided for: this is a
// development server.
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

// writeFile puts a file of mode 0600 in place as a whole or not at all.
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
