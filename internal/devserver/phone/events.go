package phone

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// checkInterval is how often the list is compared, since expiry causes no event.
	checkInterval = time.Second
	// keepAliveInterval is how often a comment keeps proxies from closing a quiet
	// connection.
	keepAliveInterval = 15 * time.Second
	writeTimeout      = 10 * time.Second
)

// streamEvents sends the numbers of the pending requests as Server-Sent Events
// whenever they change. The page then fetches the cards.
func (p *phone) streamEvents(w http.ResponseWriter, r *http.Request) {
	owner := phoneOwner(w, r)
	if owner == nil {
		return
	}
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	check, keepAlive := time.NewTicker(checkInterval), time.NewTicker(keepAliveInterval)
	defer check.Stop()
	defer keepAlive.Stop()
	last := ""
	send := func(text string) bool {
		// The stream outlives the server's write timeout, so it sets its own.
		out.SetWriteDeadline(time.Now().Add(writeTimeout)) // unsupported by some writers
		_, err := fmt.Fprint(w, text)
		return err == nil && out.Flush() == nil
	}
	if !send("retry: 2000\n\n") {
		return
	}
	for {
		changed := p.server.Changed()
		if now := p.pendingNumbers(owner.Username); now != last {
			last = now
			if !send("event: pending\ndata: " + now + "\n\n") {
				return
			}
		}
		select {
		case <-changed:
		case <-check.C:
		case <-keepAlive.C:
			if !send(": still here\n\n") {
				return
			}
		case <-r.Context().Done():
			return
		case <-p.server.Done():
			return
		}
	}
}

// pendingNumbers returns the numbers of a person's pending requests as JSON.
func (p *phone) pendingNumbers(username string) string {
	list := []int{}
	for _, q := range p.server.Pending(username) {
		list = append(list, q.Number)
	}
	data, _ := json.Marshal(list) // integers always marshal
	return string(data)
}
