package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
)

// Limits of a response. A longer one is an error.
const (
	MaxResponse = 256 << 10 // of every endpoint; real responses have under 20 KiB
	MaxDocument = 1 << 20   // of discovery and key documents
	maxHeader   = 64 << 10  // an authorization server sends 1 to 4 KiB
)

const (
	dialTimeout = 10 * time.Second // a network that needs longer is down
	tlsTimeout  = 10 * time.Second // a Pi Zero needs about 1 s for its side of a handshake

	// idleTimeout keeps a connection between polls, which are 2 to 10 s apart, and drops it before a firewall forgets it
	// (60 s and more): a request on a forgotten connection hangs until it times out.
	idleTimeout = 30 * time.Second
)

// TransportOptions configure NewTransport. The zero value is usable.
type TransportOptions struct {
	Roots       *x509.CertPool   // replace the system's roots; nil keeps them
	Certificate *Certificate     // client certificate, presented to every server that asks; nil presents none
	Now         func() time.Time // wall clock for validating certificates; nil is Clock's, else the system's
	Clock       *Clock           // learns the time from responses; may be nil
	// Dial replaces the network in tests. nil dials TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Transport sends every request to the authorization server. It follows no redirect, which would take the client's secret
// elsewhere, keeps no cookies, and ignores proxies from the environment: a forgotten HTTP_PROXY in a unit file would let
// a third party read everything.
type Transport struct {
	pool    atomic.Pointer[http.Transport] // keeps one connection per host for the next request
	newPool func() *http.Transport
	oneShot *http.Transport // a connection for each request
	clock   *Clock
}

// NewTransport makes a Transport. It opens no connection.
func NewTransport(o TransportOptions) *Transport {
	if o.Now == nil && o.Clock != nil {
		o.Now = o.Clock.certificateTime
	}
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            o.Roots,
		Time:               o.Now,
		ClientSessionCache: tls.NewLRUClientSessionCache(8), // resumption spares a Pi Zero the slow part of a handshake
	}
	if o.Certificate != nil {
		config.GetClientCertificate = o.Certificate.clientCertificate
	}
	dial := checkedDial(o.Dial)
	newPool := func() *http.Transport {
		return &http.Transport{
			Proxy:                  nil,
			DialContext:            dial,
			TLSClientConfig:        config.Clone(),
			TLSHandshakeTimeout:    tlsTimeout,
			MaxResponseHeaderBytes: maxHeader,
			DisableCompression:     true, // responses are small, and nothing is unpacked that could be a bomb
			IdleConnTimeout:        idleTimeout,
			MaxIdleConnsPerHost:    1,
			Protocols:              http1Only(),
		}
	}
	t := &Transport{newPool: newPool, oneShot: newPool(), clock: o.Clock}
	t.pool.Store(newPool())
	t.oneShot.DisableKeepAlives = true
	return t
}

// http1Only is the set of protocols of every connection that the kiosk opens. HTTP/2 stays off: net/http resends requests
// by itself after GOAWAY and REFUSED_STREAM, which cannot be switched off, and a backchannel authentication request must
// never be sent twice. A few requests a minute gain nothing from it.
func http1Only() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// checkedDial limits the time of dial, nil meaning TCP, and verifies that a loopback name leads to this machine.
func checkedDial(dial dialFunc) dialFunc {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		// net/http goes on dialling after a request was cancelled, so there is no other limit.
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, dialError{err}
		}
		host, _, _ := net.SplitHostPort(address)
		if a, ok := c.RemoteAddr().(*net.TCPAddr); safeurl.IsLoopback(host) && ok && !a.IP.IsLoopback() {
			c.Close()
			return nil, textError("localhost is not this machine")
		}
		return c, nil
	}
}

// checkedTransport rejects every address that safeurl.Parse rejects.
type checkedTransport struct{ next http.RoundTripper }

func (c checkedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := safeurl.Parse(r.URL.String()); err != nil {
		return nil, textError(err.Error())
	}
	return c.next.RoundTrip(r)
}

// CloseIdleConnections closes the connections that carry no request.
func (t *Transport) CloseIdleConnections() { t.pool.Load().CloseIdleConnections() }

// ErrResponseTooLong is a response over its limit. A repeated request would get the same.
var ErrResponseTooLong = errors.New("response too long")

// Reply is a response that was read to its end.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	TLS    *tls.ConnectionState // nil for http
}

// Send sends a request once, on a kept connection if there is one, and reads at most max bytes of the body. The server may
// close a kept connection at any moment: on an error for which IsStaleConnection is true, send the request again by
// SendOnce, with fresh assertions and proofs.
//
// A nil Reply means that no response came. A Reply with an error means that its body was cut off or too long.
func (t *Transport) Send(r *http.Request, max int64) (*Reply, error) {
	return t.sendOn(t.pool.Load(), r, max)
}

// SendOnce sends a request on a new connection. It is for requests that must not arrive twice, like the backchannel
// authentication request, which alerts a phone. Later requests by Send may use the connection. Its results are those of
// Send.
func (t *Transport) SendOnce(r *http.Request, max int64) (*Reply, error) {
	pool := t.newPool()
	reply, err := t.sendOn(pool, r, max)
	t.pool.Swap(pool).CloseIdleConnections()
	return reply, err
}

// SendAlone sends a request on a connection of its own and closes it afterwards. It is for the protected API. Its results
// are those of Send.
func (t *Transport) SendAlone(r *http.Request, max int64) (*Reply, error) {
	return t.sendOn(t.oneShot, r, max)
}

func (t *Transport) sendOn(pool *http.Transport, r *http.Request, max int64) (*Reply, error) {
	var trace requestTrace
	r = r.WithContext(trace.attach(r.Context()))
	// On a kept connection, net/http by itself resends a GET, and any request whose body it can rewind. It would resend the
	// same proof, which servers refuse as replayed. It resends nothing whose body it cannot rewind.
	r.GetBody = nil
	if r.Body == nil {
		r.Body = io.NopCloser(strings.NewReader(""))
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "ciba-kiosk")
	}
	r.Header.Set("Accept-Encoding", "identity") // without it a server may compress (RFC 9110, section 12.5.3)
	var begun time.Duration
	if t.clock != nil {
		begun = t.clock.uptime()
	}
	client := &http.Client{
		Transport:     checkedTransport{pool},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, &TransportError{cause: err, stale: trace.isStale() && r.Context().Err() == nil}
	}
	defer resp.Body.Close()
	if t.clock != nil {
		t.clock.learnFrom(resp, begun)
	}
	reply := &Reply{Status: resp.StatusCode, Header: resp.Header, TLS: resp.TLS}
	body, err := io.ReadAll(io.LimitReader(resp.Body, max+1))
	if err != nil {
		return reply, &TransportError{cause: err}
	}
	if int64(len(body)) > max {
		return reply, ErrResponseTooLong
	}
	reply.Body = body
	return reply, nil
}

// requestTrace observes a request that fails.
type requestTrace struct{ reused, answered atomic.Bool }

func (t *requestTrace) attach(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(i httptrace.GotConnInfo) { t.reused.Store(i.Reused) },
		GotFirstResponseByte: func() { t.answered.Store(true) },
	})
}

// isStale reports whether a kept connection was used and no byte of the response came.
func (t *requestTrace) isStale() bool { return t.reused.Load() && !t.answered.Load() }
