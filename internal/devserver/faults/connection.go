package faults

import (
	"bytes"
	"compress/gzip"
	"net/http"
)

// connectionKinds spoil the delivery of an answer or its outer form. The endpoint
// runs first and its effect remains.
var connectionKinds = []kind{
	{name: "endless", stage: AfterAnswer, summary: "a body that never ends, at full speed",
		change: func(c Call, f *Fault, a *Answer) { a.Delivery = Endless }},
	{name: "drip", stage: AfterAnswer, summary: "the body one byte every value seconds (1)",
		check: checkNumber(0.001, 3600), change: func(c Call, f *Fault, a *Answer) {
			a.Delivery, a.Delay = Drip, f.seconds(1)
		}},
	{name: "endless_headers", stage: AfterAnswer, summary: "header lines that never end",
		change: func(c Call, f *Fault, a *Answer) { a.Delivery = EndlessHeaders }},
	{name: "informational", stage: AfterAnswer, summary: "value informational answers (103) before the real one (5000)",
		check: checkInteger(1, 1<<20), change: func(c Call, f *Fault, a *Answer) { a.earlyHints = int(f.Number(5000)) }},
	{name: "reset", stage: AfterAnswer, summary: "reset the connection after value bytes of the answer (0), headers included",
		check: checkInteger(0, 1<<20), change: func(c Call, f *Fault, a *Answer) { a.Delivery, a.padding = Reset, int64(f.Number(0)) }},
	{name: "not_http", stage: AfterAnswer, summary: "the first bytes of an HTTP/2 connection on an HTTP/1.1 connection",
		change: func(c Call, f *Fault, a *Answer) { a.Delivery = NotHTTP }},
	{name: "bad_chunks", stage: AfterAnswer, summary: "a chunked body whose second chunk has no length",
		change: func(c Call, f *Fault, a *Answer) { a.Delivery = BadChunks }},
	{name: "gzip", stage: AfterAnswer, summary: "64 MiB of spaces before the answer, compressed without being asked",
		change: func(c Call, f *Fault, a *Answer) { a.pack() }},
	{name: "wrong_type", stage: AfterAnswer, summary: "the Content-Type value, or text/html",
		change: func(c Call, f *Fault, a *Answer) { a.Header.Set("Content-Type", f.text("text/html; charset=utf-7")) }},
	{name: "date", stage: AfterAnswer, summary: "a Date header value seconds in the future (7200)",
		check: checkNumber(-1e9, 1e9), change: func(c Call, f *Fault, a *Answer) {
			at := c.Now().Add(f.seconds(7200))
			a.Header.Set("Date", at.UTC().Format(http.TimeFormat))
		}},
	{name: "empty", stage: AfterAnswer, summary: "the status and headers, and no body",
		change: func(c Call, f *Fault, a *Answer) { a.Body = nil }},
	{name: "null", stage: AfterAnswer, summary: "a body of JSON null",
		change: func(c Call, f *Fault, a *Answer) { a.Body = []byte("null") }},
	{name: "list", stage: AfterAnswer, summary: "the body as the only element of a JSON list",
		change: func(c Call, f *Fault, a *Answer) {
			a.Body = bytes.Join([][]byte{[]byte("["), a.Body, []byte("]")}, nil)
		}},
	{name: "trailing", stage: AfterAnswer, summary: "a second JSON object after the first",
		change: func(c Call, f *Fault, a *Answer) {
			a.Body = append(bytes.Clone(a.Body), `{"error":"access_denied"}`...)
		}},
	{name: "bad_utf8", stage: AfterAnswer, summary: "a member whose value is invalid UTF-8",
		change: func(c Call, f *Fault, a *Answer) { a.append("note", "\"\xff\xfe\"") }},
	{name: "long_poll", places: "token", stage: HoldPoll, summary: "hold a pending poll until the person answers, at most value seconds (30)",
		check: checkNumber(0.001, 3600)},
}

// pack puts 64 MiB of spaces before the body and compresses both. Each piece is a gzip
// member of its own, so that the spaces are compressed only once and a slow processor
// answers in time (RFC 1952 section 2.2).
func (a *Answer) pack() {
	packed := func(plain []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write(plain) // a buffer never fails
		w.Close()
		return b.Bytes()
	}
	spaces := packed(bytes.Repeat([]byte(" "), 1<<20))
	a.Header.Set("Content-Encoding", "gzip")
	a.Body = append(bytes.Repeat(spaces, 64), packed(a.Body)...)
}
