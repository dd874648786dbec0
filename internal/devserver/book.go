package devserver

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

// book is everything that a restart must not lose. Secrets that were handed out
// (request ids, tokens) are in it as digests only; signing keys are in it as
// they are, hence mode 0600.
type book struct {
	Clients  []*client            `json:"clients"`
	Requests []*request           `json:"requests"`
	Grants   []*grant             `json:"grants"`
	Initial  []string             `json:"initial,omitempty"` // digests of initial access tokens that were not used yet
	Seen     map[string]time.Time `json:"seen"`              // digests of assertion ids, until they expire
	Keys     []signingKey         `json:"keys"`              // the last of each algorithm signs
	Forms    []byte               `json:"forms"`             // key for the tokens in forms
	TLS      *authority           `json:"tls,omitempty"`
	Number   int                  `json:"number"` // of the newest request
}

// requestState is how far a request has come.
type requestState string

const (
	pending  requestState = "pending"
	approved requestState = "approved"
	denied   requestState = "denied"
	used     requestState = "used" // its tokens were given out
)

// request is one question to a person, whether it came by the backchannel or by
// the device grant.
type request struct {
	Number   int               `json:"number"`
	ID       string            `json:"id"`                  // digest of auth_req_id or device_code
	UserCode string            `json:"user_code,omitempty"` // device grant only
	Client   string            `json:"client"`
	Person   string            `json:"person,omitempty"` // who is asked; empty until somebody answers a device request
	As       string            `json:"as,omitempty"`     // who answered
	Scope    []string          `json:"scope"`
	Binding  string            `json:"binding,omitempty"`
	Site     string            `json:"site,omitempty"`
	ACR      string            `json:"acr,omitempty"` // first of the values asked for
	Details  []json.RawMessage `json:"details,omitempty"`
	Created  time.Time         `json:"created"`
	Expires  time.Time         `json:"expires"`
	Interval int               `json:"interval"`
	State    requestState      `json:"state"`
	Answered time.Time         `json:"answered,omitzero"`

	// In memory only, so that the file holds no secret: who was to be pinged before a
	// restart finds out by polling.
	notify, id string

	lastPoll time.Time
	inFlight int
}

// open reports whether the request can still be answered.
func (q *request) open(now time.Time) bool { return q.State == pending && now.Before(q.Expires) }

// device reports whether the request came by the device grant.
func (q *request) device() bool { return q.UserCode != "" }

// grant is one token that was given out.
type grant struct {
	Token   string    `json:"token"` // digest
	Refresh bool      `json:"refresh,omitempty"`
	Request int       `json:"request"` // tokens of one approval share it
	Client  string    `json:"client"`
	Person  string    `json:"person"`
	Scope   []string  `json:"scope"`
	Auth    time.Time `json:"auth_time"`
	ACR     string    `json:"acr,omitempty"`
	Expires time.Time `json:"expires"`
	Spent   bool      `json:"spent,omitempty"` // a refresh token that was exchanged
	Key     string    `json:"jkt,omitempty"`   // thumbprint of the key it is tied to (RFC 9449)
	Cert    string    `json:"x5t,omitempty"`   // or of the certificate (RFC 8705)
}

// request finds a request by its secret id; nil if there is none.
func (b *book) request(id string) *request {
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

// token finds what a token stands for; nil if nothing.
func (b *book) token(token string) *grant {
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
func (b *book) prune(now time.Time) {
	b.Requests = slices.DeleteFunc(b.Requests, func(q *request) bool { return now.After(q.Expires.Add(keepFinished)) })
	b.Grants = slices.DeleteFunc(b.Grants, func(g *grant) bool { return now.After(g.Expires) })
	for id, until := range b.Seen {
		if now.After(until) {
			delete(b.Seen, id)
		}
	}
}

// open reads the state file, or starts a new book and writes the file.
func (s *Server) open() error {
	if s.opt.StateFile != "" {
		data, err := os.ReadFile(s.opt.StateFile)
		switch {
		case err == nil:
			if err := json.Unmarshal(data, &s.book); err != nil {
				return fmt.Errorf("state file %s: not ours or damaged: %w", s.opt.StateFile, err)
			}
			if len(s.book.Keys) == 0 || len(s.book.Clients) == 0 {
				return fmt.Errorf("state file %s: holds no keys or no clients", s.opt.StateFile)
			}
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("state file: %w", err)
		}
	}
	if s.book.Seen == nil {
		s.book.Seen = map[string]time.Time{}
	}
	if len(s.book.Forms) == 0 {
		s.book.Forms = make([]byte, 32)
		rand.Read(s.book.Forms)
	}
	s.book.needKey("ES256")
	s.addReadyMade()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.save()
}

// save writes the state file, if there is one. It is called before an answer
// that tells the change leaves, so that a killed server never forgets what it
// said. The lock must be held. A power cut is not provided for: this is a
// development server.
func (s *Server) save() error {
	s.book.prune(s.opt.Now())
	if s.opt.StateFile == "" {
		return nil
	}
	data, err := json.MarshalIndent(&s.book, "", "  ")
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return writePrivate(s.opt.StateFile, data)
}

// writePrivate puts a file of mode 0600 in place as a whole or not at all.
func writePrivate(path string, data []byte) error {
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
