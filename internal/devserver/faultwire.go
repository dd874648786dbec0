package devserver

import (
	"bytes"
	"compress/gzip"
	"net"
	"net/http"
	"strconv"
	"time"
)

// brokenKinds spoil the way an answer takes, or its outer form. The genuine answer
// is made first, so that what it did stays done.
var brokenKinds = []faultKind{
	{name: "endless", step: rewrite, about: "a body that never ends, as fast as it goes",
		change: func(c *call, f *Fault, a *answer) { a.how = unending }},
	{name: "drip", step: rewrite, about: "the body one byte every value seconds (1)",
		check: decimal(0.001, 3600), change: func(c *call, f *Fault, a *answer) {
			a.how, a.delay = drip, time.Duration(f.number(1)*float64(time.Second))
		}},
	{name: "endless_headers", step: rewrite, about: "header lines that never end",
		change: func(c *call, f *Fault, a *answer) { a.how = endlessHeaders }},
	{name: "informational", step: rewrite, about: "value informational answers (103) before the real one (5000)",
		check: wholeNumber(1, 1<<20), change: func(c *call, f *Fault, a *answer) { a.before = int(f.number(5000)) }},
	{name: "reset", step: rewrite, about: "reset the connection after value bytes of the answer (0), its head included",
		check: wholeNumber(0, 1<<20), change: func(c *call, f *Fault, a *answer) { a.how, a.padding = reset, int64(f.number(0)) }},
	{name: "not_http", step: rewrite, about: "bytes that are the beginning of HTTP/2, where HTTP/1.1 was spoken",
		change: func(c *call, f *Fault, a *answer) { a.how = notHTTP }},
	{name: "bad_chunks", step: rewrite, about: "a chunked body whose second chunk has no length",
		change: func(c *call, f *Fault, a *answer) { a.how = badChunks }},
	{name: "gzip", step: rewrite, about: "64 MiB of blanks before the answer, packed, which nobody asked for",
		change: func(c *call, f *Fault, a *answer) { a.pack() }},
	{name: "wrong_type", step: rewrite, about: "the Content-Type value, or text/html",
		change: func(c *call, f *Fault, a *answer) { a.header.Set("Content-Type", f.text("text/html; charset=utf-7")) }},
	{name: "date", step: rewrite, about: "a Date header value seconds ahead of the clock (7200)",
		check: decimal(-1e9, 1e9), change: func(c *call, f *Fault, a *answer) {
			at := c.now.Add(time.Duration(f.number(7200) * float64(time.Second)))
			a.header.Set("Date", at.UTC().Format(http.TimeFormat))
		}},
	{name: "empty", step: rewrite, about: "the status and headers, and no body",
		change: func(c *call, f *Fault, a *answer) { a.body = nil }},
	{name: "null", step: rewrite, about: "the JSON value null for a body",
		change: func(c *call, f *Fault, a *answer) { a.body = []byte("null") }},
	{name: "list", step: rewrite, about: "the body as the one element of a JSON list",
		change: func(c *call, f *Fault, a *answer) {
			a.body = bytes.Join([][]byte{[]byte("["), a.body, []byte("]")}, nil)
		}},
	{name: "trailing", step: rewrite, about: "a second JSON object behind the first",
		change: func(c *call, f *Fault, a *answer) {
			a.body = append(bytes.Clone(a.body), `{"error":"access_denied"}`...)
		}},
	{name: "bad_utf8", step: rewrite, about: "a member whose value is not UTF-8",
		change: func(c *call, f *Fault, a *answer) { a.append("note", "\"\xff\xfe\"") }},
	{name: "long_poll", places: "token", step: holding, about: "hold a pending poll back until the person answers, value seconds at most (30)",
		check: decimal(0.001, 3600)},
}

// pack puts an enormous lot of nothing before the body and packs both. Each piece is a
// member of its own (RFC 1952, section 2.2), so that the nothing is packed once and a slow
// processor answers in time.
func (a *answer) pack() {
	packed := func(plain []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write(plain) // into memory: it cannot fail
		w.Close()
		return b.Bytes()
	}
	nothing := packed(bytes.Repeat([]byte(" "), 1<<20))
	a.header.Set("Content-Encoding", "gzip")
	a.body = append(bytes.Repeat(nothing, 64), packed(a.body)...)
}

// sendEndless writes a body without an end until the client has had enough.
func (s *Server) sendEndless(w http.ResponseWriter, r *http.Request, a answer) {
	w.WriteHeader(a.status)
	w.Write([]byte(padHead))
	piece := bytes.Repeat([]byte("x"), 32<<10)
	for r.Context().Err() == nil {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

// sendDrip writes a body byte by byte.
func (s *Server) sendDrip(w http.ResponseWriter, r *http.Request, a answer) {
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	for i := range a.body {
		if _, err := w.Write(a.body[i : i+1]); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		if s.wait(r, a.delay); r.Context().Err() != nil {
			return
		}
	}
}

// sendRaw takes the connection away from net/http and writes what it would not.
func (s *Server) sendRaw(w http.ResponseWriter, r *http.Request, a answer) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: a reset stream is as good
	}
	defer conn.Close()
	head := "HTTP/1.1 " + strconv.Itoa(a.status) + " X\r\nContent-Type: application/json\r\n"
	switch a.how {
	case endlessHeaders:
		line := bytes.Repeat([]byte("X-Padding: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"), 500)
		for _, err = conn.Write([]byte(head)); err == nil; {
			_, err = conn.Write(line)
		}
	case badChunks:
		conn.Write([]byte(head + "Transfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(a.body)), 16) + "\r\n" + string(a.body) + "\r\nno length\r\n"))
	case notHTTP: // SETTINGS, then GOAWAY
		conn.Write([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	case reset:
		whole := head + "Content-Length: " + strconv.Itoa(len(a.body)) + "\r\n\r\n" + string(a.body)
		conn.Write([]byte(whole[:min(int(a.padding), len(whole))]))
		s.wait(r, resetPause)
		under := conn
		if t, is := conn.(interface{ NetConn() net.Conn }); is { // TLS: without its farewell
			under = t.NetConn()
		}
		if t, is := under.(*net.TCPConn); is {
			t.SetLinger(0)
		}
		under.Close()
	}
}

// resetPause lets the bytes before a reset arrive: a reset overtakes them.
const resetPause = 20 * time.Millisecond

// hold keeps a pending poll waiting until its request is answered or the time is
// over (CIBA section 10.1), and tells whether the client is still there.
func (s *Server) hold(c *call, id string, most time.Duration) bool {
	end := c.now.Add(most)
	for {
		s.mu.Lock()
		now := s.opt.Now()
		s.settle(now)
		changed, q, auto := s.changed, s.book.request(id), s.auto
		over := q == nil || !q.open(now) || !now.Before(end)
		wake := end
		if !over {
			wake = earlier(wake, q.Expires)
			if auto.state != pending && !q.device() {
				wake = earlier(wake, q.Created.Add(auto.delay))
			}
		}
		s.mu.Unlock()
		c.now = now
		if over {
			return true
		}
		t := time.NewTimer(wake.Sub(now))
		select {
		case <-changed:
		case <-t.C:
		case <-s.stop:
			t.Stop()
			return true
		case <-c.r.Context().Done():
			t.Stop()
			return false
		}
		t.Stop()
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
