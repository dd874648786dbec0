package devserver

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// send puts an answer on the wire, badly if a fault says so.
func (s *Server) send(w http.ResponseWriter, r *http.Request, a answer) {
	if a.how != drip {
		s.wait(r, a.delay)
	}
	for range a.before {
		w.WriteHeader(http.StatusEarlyHints)
	}
	switch a.how {
	case drop:
		// The one way to end a connection without an answer that works for
		// HTTP/1.1 and HTTP/2 alike; net/http keeps quiet about this panic.
		panic(http.ErrAbortHandler)
	case endlessHeaders, reset, notHTTP, badChunks:
		s.sendRaw(w, r, a)
		return
	case hang:
		select {
		case <-r.Context().Done():
		case <-s.stop:
		}
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	switch a.how {
	case unending:
		s.sendEndless(w, r, a)
		return
	case drip:
		s.sendDrip(w, r, a)
		return
	}
	size := int64(len(a.body))
	if a.padding > 0 {
		size += int64(len(padHead)+len(padTail)) + a.padding - 1
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead {
		return
	}
	if a.how == truncate {
		w.Write(a.body[:len(a.body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	if a.padding > 0 {
		sendPadded(w, a)
		return
	}
	w.Write(a.body)
}

const (
	padHead = `{"padding":"`
	padTail = `",`
)

// sendPadded writes a JSON object with a huge first member, in pieces, so that the
// server needs no memory for what the client is supposed to refuse.
func sendPadded(w io.Writer, a answer) {
	io.WriteString(w, padHead)
	piece := bytes.Repeat([]byte("x"), 32<<10)
	for left := a.padding; left > 0; {
		n := min(left, int64(len(piece)))
		if _, err := w.Write(piece[:n]); err != nil {
			return // the client has seen enough
		}
		left -= n
	}
	io.WriteString(w, padTail)
	w.Write(a.body[1:])
}
