package provider

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"
)

// bearerAlphabet is the syntax of bearer tokens (RFC 6750 section 2.1).
var bearerAlphabet = regexp.MustCompile(`^[A-Za-z0-9\-._~+/]+=*$`)

// PingModes are the ways to ping a client: once, as specified; not at all (lost); three
// times (often); before the request is acknowledged (early); with the auth_req_id of
// another request (foreign) (CIBA section 10.2).
var PingModes = []string{"once", "lost", "often", "early", "foreign"}

// SetPing puts a client into ping mode, or into poll mode if the endpoint is empty. mode
// is one of [PingModes]; empty means the first. The endpoint must be https; roots are PEM
// certificates to verify it with, empty for the system's (CIBA section 4).
func (s *Server) SetPing(clientID, endpoint, mode, roots string) error {
	if mode == "" {
		mode = PingModes[0]
	}
	if !slices.Contains(PingModes, mode) {
		return fmt.Errorf("manner must be one of %v", PingModes)
	}
	if endpoint != "" {
		if err := checkNotificationEndpoint(endpoint); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	cl := s.state.findClient(clientID)
	if cl == nil || !cl.isAllowed(grantCIBA) {
		return errors.New("no such client for CIBA")
	}
	cl.NotificationEndpoint, cl.PingMode, cl.NotificationCAs = endpoint, mode, roots
	return s.save()
}

func checkNotificationEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return errors.New("backchannel_client_notification_endpoint must be an https URL")
	}
	return nil
}

// controlPing handles POST /dev/ping?client=kiosk-basic&endpoint=https://…[&manner=lost].
// The body has the PEM certificates to verify the endpoint with.
func (s *Server) controlPing(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	roots, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = s.SetPing(q.Get("client"), q.Get("endpoint"), q.Get("manner"), string(roots))
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, map[string]bool{"ok": true})
}

// deliveryMode returns the client's backchannel_token_delivery_mode.
func (k *client) deliveryMode() string {
	if k.NotificationEndpoint != "" {
		return "ping"
	}
	return "poll"
}

// parseNotificationToken reads client_notification_token, required in ping mode and
// forbidden otherwise. It returns what is wrong, or nothing (CIBA section 7.1).
func (q *request) parseNotificationToken(c *call, cl *client) string {
	token := c.form.Get("client_notification_token")
	switch {
	case cl.NotificationEndpoint == "" && c.form.Has("client_notification_token"):
		return "client_notification_token is not for poll mode"
	case cl.NotificationEndpoint != "" && (len(token) > 1024 || !bearerAlphabet.MatchString(token)):
		return "ping mode needs a client_notification_token of at most 1024 characters (RFC 6750)"
	}
	q.notificationToken = token
	return ""
}

// scheduleAutoAnswer starts a timer for the automatic answer to a client in ping mode,
// which may wait without polling. The lock must be held.
func (s *Server) scheduleAutoAnswer(q *request) {
	if q.notificationToken == "" || s.auto.status == pending {
		return
	}
	time.AfterFunc(max(q.Created.Add(s.auto.delay).Sub(s.opt.Now()), 0), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.applyAutoAnswers(s.opt.Now())
	})
}

// sendPings starts the pings for an answered request in the background. The lock must be
// held.
func (s *Server) sendPings(q *request) {
	cl := s.state.findClient(q.Client)
	if q.notificationToken == "" || cl == nil || cl.NotificationEndpoint == "" {
		return
	}
	id, times := q.authReqID, map[string]int{"once": 1, "often": 3, "foreign": 1}[cl.PingMode]
	if cl.PingMode == "foreign" {
		id = newSecret()
	}
	to, token, number := *cl, q.notificationToken, q.Number
	for range times {
		go s.deliverPing(to, token, id, number)
	}
}

// sendEarlyPing pings before the acknowledgement, for a client of that mode.
func (s *Server) sendEarlyPing(q *request) {
	s.mu.Lock()
	cl := s.state.findClient(q.Client)
	early := q.notificationToken != "" && cl != nil && cl.PingMode == "early"
	if early {
		s.applyAutoAnswers(s.opt.Now())
	}
	var to client
	if early {
		to = *cl
	}
	s.mu.Unlock()
	if early {
		s.deliverPing(to, q.notificationToken, q.authReqID, q.Number)
	}
}

// pingTimeout is how long a client may take to answer a ping.
const pingTimeout = 5 * time.Second

// deliverPing sends one ping and logs its outcome (CIBA section 10.2).
func (s *Server) deliverPing(to client, token, authReqID string, number int) {
	outcome := to.postPing(token, authReqID)
	s.arrivals.add(&Arrival{Time: s.opt.Now(), Kind: "ping", Client: to.ID, Request: number, Outcome: outcome})
}

// postPing sends a ping without following redirects and returns the outcome.
func (k *client) postPing(token, authReqID string) (outcome string) {
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]string{"auth_req_id": authReqID})
	if err != nil {
		return err.Error()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.NotificationEndpoint, bytes.NewReader(body))
	if err != nil {
		return "bad endpoint"
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	var roots *x509.CertPool
	if k.NotificationCAs != "" {
		roots = x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(k.NotificationCAs))
	}
	c := &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots},
			// No connection remains open when a test ends.
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := c.Do(r)
	if err != nil {
		return "not reached"
	}
	resp.Body.Close()
	return resp.Status
}
