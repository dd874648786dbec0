package devserver

import (
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Rhythm of the event stream. A request runs out without anything happening, so
// the list is looked at every second; a comment now and then keeps middlemen from
// closing a quiet connection.
const (
	lookEvery  = time.Second
	aliveEvery = 15 * time.Second
	writeLimit = 10 * time.Second
)

// phoneEvents streams the numbers of what pends, as Server-Sent Events, whenever
// they change. The page fetches the cards itself.
func (s *Server) phoneEvents(w http.ResponseWriter, r *http.Request) {
	p := owner(w, r)
	if p == nil {
		return
	}
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	look, alive := time.NewTicker(lookEvery), time.NewTicker(aliveEvery)
	defer look.Stop()
	defer alive.Stop()
	last := ""
	send := func(text string) bool {
		// An event stream outlives the server's write limit, so it sets its own.
		out.SetWriteDeadline(time.Now().Add(writeLimit)) // not every connection can
		_, err := fmt.Fprint(w, text)
		return err == nil && out.Flush() == nil
	}
	if !send("retry: 2000\n\n") {
		return
	}
	for {
		changed := s.watch()
		if now := s.numbers(p.Username); now != last {
			last = now
			if !send("event: pending\ndata: " + now + "\n\n") {
				return
			}
		}
		select {
		case <-changed:
		case <-look.C:
		case <-alive.C:
			if !send(": still here\n\n") {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.stop:
			return
		}
	}
}

// numbers is the list of what pends for a person, as JSON.
func (s *Server) numbers(user string) string {
	list := []int{}
	for _, c := range s.cards(user, tongues["en"]) {
		list = append(list, c.Number)
	}
	data, _ := json.Marshal(list) // integers always marshal
	return string(data)
}

// devicePage is where the QR code of a device request leads (RFC 8628 section 3.3).
func (s *Server) devicePage(w http.ResponseWriter, r *http.Request) {
	code := plainText(r.URL.Query().Get("user_code"), 20)
	in := say(w, r)
	view := phoneView{tongue: in, Title: in.texts["device.title"], Code: code, People: withPhone()}
	view.outcome(r)
	status := http.StatusOK
	if code != "" {
		s.mu.Lock()
		now := s.opt.Now()
		if q := s.byUserCode(code, now); q != nil {
			view.Cards = []card{s.card(q, now, in)}
		} else {
			view.Wrong, status = true, http.StatusNotFound
		}
		s.mu.Unlock()
	}
	show(w, r, status, "device.html", view)
}

// deviceAnswer takes the form of the device page.
func (s *Server) deviceAnswer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	code, as := r.PostFormValue("user_code"), r.PostFormValue("as")
	to, known := map[string]requestState{"approve": approved, "decline": denied}[r.PostFormValue("decision")]
	if !known || answerer(as) == nil {
		sorry(w, r, http.StatusBadRequest, "error.form", "/device")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	q := s.byUserCode(code, now)
	if q == nil {
		http.Redirect(w, r, "/device?done=gone", http.StatusSeeOther)
		return
	}
	if !hmac.Equal([]byte(r.PostFormValue("token")), []byte(s.formToken(q))) {
		sorry(w, r, http.StatusForbidden, "error.forged", "/device")
		return
	}
	done := string(to)
	if s.decide(q, as, to, now) != nil {
		done = "gone"
	}
	http.Redirect(w, r, "/device?done="+url.QueryEscape(done), http.StatusSeeOther)
}

// isAddress reports whether a host is an IP address rather than a name.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
