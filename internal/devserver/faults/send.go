package faults

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Send delivers an answer in the way its fault demands. Waiting ends when stop is
// closed. A dropped or hanging answer panics with [http.ErrAbortHandler], which
// closes the connection for HTTP/1.1 and HTTP/2 alike.
func Send(w http.ResponseWriter, r *http.Request, a Answer, stop <-chan struct{}) {
	if a.Delivery != Drip {
		Wait(r, a.Delay, stop)
	}
	for range a.earlyHints {
		w.WriteHeader(http.StatusEarlyHints)
	}
	switch a.Delivery {
	case Drop:
		panic(http.ErrAbortHandler)
	case EndlessHeaders, Reset, NotHTTP, BadChunks:
		sendRaw(w, r, a, stop)
		return
	case Hang:
		select {
		case <-r.Context().Done():
		case <-stop:
		}
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	switch a.Delivery {
	case Endless:
		sendEndless(w, r, a)
		return
	case Drip:
		sendDrip(w, r, a, stop)
		return
	}
	size := int64(len(a.Body))
	if a.padding > 0 {
		size += int64(len(padHead)+len(padTail)) + a.padding - 1
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.WriteHeader(a.Status)
	if r.Method == http.MethodHead {
		return
	}
	if a.Delivery == Truncate {
		w.Write(a.Body[:len(a.Body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	if a.padding > 0 {
		sendPadded(w, a)
		return
	}
	w.Write(a.Body)
}

const (
	padHead = `{"padding":"`
	padTail = `",`
)

// sendPadded writes a JSON object with a huge first member. It writes in pieces, since
// the server need not hold in memory what the client must refuse.
func sendPadded(w io.Writer, a Answer) {
	io.WriteString(w, padHead)
	piece := bytes.Repeat([]byte("x"), 32<<10)
	for left := a.padding; left > 0; {
		n := min(left, int64(len(piece)))
		if _, err := w.Write(piece[:n]); err != nil {
			return // the client has left
		}
		left -= n
	}
	io.WriteString(w, padTail)
	w.Write(a.Body[1:])
}

// sendEndless writes an endless body until the client leaves.
func sendEndless(w http.ResponseWriter, r *http.Request, a Answer) {
	w.WriteHeader(a.Status)
	w.Write([]byte(padHead))
	piece := bytes.Repeat([]byte("x"), 32<<10)
	for r.Context().Err() == nil {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

// sendDrip writes a body byte by byte.
func sendDrip(w http.ResponseWriter, r *http.Request, a Answer, stop <-chan struct{}) {
	w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	for i := range a.Body {
		if _, err := w.Write(a.Body[i : i+1]); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		if Wait(r, a.Delay, stop); r.Context().Err() != nil {
			return
		}
	}
}

// sendRaw takes the connection over from net/http and writes invalid HTTP.
func sendRaw(w http.ResponseWriter, r *http.Request, a Answer, stop <-chan struct{}) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: reset the stream instead
	}
	defer conn.Close()
	head := "HTTP/1.1 " + strconv.Itoa(a.Status) + " X\r\nContent-Type: application/json\r\n"
	switch a.Delivery {
	case EndlessHeaders:
		line := bytes.Repeat([]byte("X-Padding: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"), 500)
		for _, err = conn.Write([]byte(head)); err == nil; {
			_, err = conn.Write(line)
		}
	case BadChunks:
		conn.Write([]byte(head + "Transfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(a.Body)), 16) + "\r\n" + string(a.Body) + "\r\nno length\r\n"))
	case NotHTTP: // SETTINGS, then GOAWAY
		conn.Write([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	case Reset:
		whole := head + "Content-Length: " + strconv.Itoa(len(a.Body)) + "\r\n\r\n" + string(a.Body)
		conn.Write([]byte(whole[:min(int(a.padding), len(whole))]))
		Wait(r, resetPause, stop)
		under := conn
		if t, is := conn.(interface{ NetConn() net.Conn }); is { // TLS: skip its close_notify
			under = t.NetConn()
		}
		if t, is := under.(*net.TCPConn); is {
			t.SetLinger(0)
		}
		under.Close()
	}
}

// resetPause lets the bytes before a reset arrive, since a reset can overtake them.
const resetPause = 20 * time.Millisecond

// Wait sleeps for a duration, at most until the client leaves or stop is closed.
func Wait(r *http.Request, d time.Duration, stop <-chan struct{}) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	case <-stop:
	}
}
