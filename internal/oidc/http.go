package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Limits of what a server may send; an answer beyond them is an error.
const (
	MaxResponse = 256 << 10 // token, backchannel, UserInfo, lookup and revocation answers; real ones are under 20 KiB
	MaxDocument = 1 << 20   // discovery and key documents
	maxHeader   = 64 << 10  // response headers; an auth server sends 1 to 4 KiB
)

const (
	dialTimeout = 10 * time.Second // a shop's line that needs longer is down
	tlsTimeout  = 10 * time.Second // a Pi Zero needs about 1 s for its side of a handshake
)

// TransportOptions says how to reach servers.
type TransportOptions struct {
	Roots       *x509.CertPool   // replaces the system's roots; nil keeps them
	Certificate *Certificate     // for mutual TLS, given to every server that asks; nil gives none
	Now         func() time.Time // wall clock by which certificates are judged; nil is Clock's, else the system's
	Clock       *Clock           // learns the time from answers; may be nil
	// Dial replaces the network, for tests in memory. nil dials TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Transport carries every request to the authorization server. It follows no
// redirect, since one would carry the client's secret elsewhere; it keeps no
// cookies; and it honours no proxy from the environment: a kiosk speaks to nobody
// but the configured and published addresses, and a forgotten HTTP_PROXY in a unit
// file would make a third party of whoever runs it.
//
// It speaks HTTP/1.1 only. A kiosk sends a few requests a minute, so HTTP/2 would
// gain nothing, and its own rules for sending a request again (GOAWAY, refused
// streams) would be one more thing to prove harmless.
type Transport struct {
	pool  atomic.Pointer[pool]
	empty func() *pool      // with no connection in it
	fresh http.RoundTripper // one connection for one request
	rests *rests            // nil: connections are used again after restUnknown at most
	clock *Clock
}

// pool keeps a connection for a few seconds.
type pool struct {
	*http.Transport
	used atomic.Int64 // when the last answer had been read, by uptime
}

// NewTransport makes a Transport. It opens no connection.
func NewTransport(o TransportOptions) *Transport {
	// A poll often needs a new connection; a resumed handshake spares a Pi Zero the slow part.
	sessions := tls.NewLRUClientSessionCache(8)
	if o.Now == nil && o.Clock != nil {
		o.Now = o.Clock.certificateTime
	}
	var present func(*tls.CertificateRequestInfo) (*tls.Certificate, error)
	if o.Certificate != nil {
		present = o.Certificate.clientCertificate
	}
	t := &Transport{clock: o.Clock}
	dial, longest := dialer(o.Dial), restUnknown
	if o.Clock != nil {
		t.rests, longest = &rests{uptime: o.Clock.uptime}, restLongest
	}
	base := func(keep bool) *http.Transport {
		p := new(http.Protocols)
		p.SetHTTP1(true)
		return &http.Transport{
			Proxy:       nil,
			DialContext: dial,
			TLSClientConfig: &tls.Config{
				MinVersion:           tls.VersionTLS12,
				RootCAs:              o.Roots,
				GetClientCertificate: present,
				Time:                 o.Now,
				ClientSessionCache:   sessions,
			},
			TLSHandshakeTimeout:    tlsTimeout,
			MaxResponseHeaderBytes: maxHeader,
			DisableCompression:     true, // answers are small, and what is not unpacked cannot explode
			DisableKeepAlives:      !keep,
			IdleConnTimeout:        longest,
			MaxIdleConnsPerHost:    1,
			Protocols:              p,
		}
	}
	t.fresh = checkedTransport{base(false)}
	t.empty = func() *pool {
		kept := base(true)
		if t.rests != nil {
			kept.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := dial(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return &resting{Conn: c, rests: t.rests}, nil
			}
		}
		return &pool{Transport: kept}
	}
	t.pool.Store(t.empty())
	return t
}

// dialer gives a dial function that, for hosts that are trusted only because
// they are this machine, makes sure that they are.
func dialer(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		// net/http goes on dialling after a request has been given up, so this is the only limit there is.
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, dialError{err}
		}
		host, _, _ := net.SplitHostPort(address)
		if a, ok := c.RemoteAddr().(*net.TCPAddr); isLoopback(host) && ok && !a.IP.IsLoopback() {
			c.Close()
			return nil, textError("localhost is not this machine")
		}
		return c, nil
	}
}

// guarded refuses addresses that CheckURL refuses, whatever way they came in.
type checkedTransport struct{ next http.RoundTripper }

func (g checkedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := CheckURL(r.URL.String()); err != nil {
		return nil, textError(err.Error())
	}
	return g.next.RoundTrip(r)
}

// OneShotClient gives an http.Client over the same rules, for calls that want to read
// the answer themselves. Each request has a connection of its own, and none is ever
// sent again: for the protected API, which is called once.
func (t *Transport) OneShotClient() *http.Client { return client(t.fresh) }

// CloseIdleConnections closes the connections that nobody uses.
func (t *Transport) CloseIdleConnections() { t.pool.Load().CloseIdleConnections() }

func client(rt http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ErrResponseTooLong is an answer over the limit. Asking again would bring it again.
var ErrResponseTooLong = errors.New("answer is too long")

// Reply is an answer read to its end.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send sends a request for which nothing bad happens if the same is asked again
// later: polls, documents, revocation. It may use a connection that has been idle
// for as long as this server keeps one (see rests). net/http repeats it by itself only
// if not one byte of it was written, or if it is a GET.
//
// The body is read up to max bytes. A nil Reply means that no answer came; a Reply
// together with an error means that an answer began and its body was cut off or
// too long.
func (t *Transport) Send(r *http.Request, max int64) (*Reply, error) {
	p := t.pool.Load()
	if t.rests != nil && t.rests.uptime()-time.Duration(p.used.Load()) > t.rests.safe() {
		p = t.empty() // what is in the other is left to be closed
		t.pool.Store(p)
	}
	return t.sendFrom(p, r, max)
}

// SendOnce sends a request that must not arrive twice whatever happens: the
// backchannel authentication request, which rings a phone. It goes out on a new
// connection, where net/http never tries again, and its body cannot be rewound.
// Requests by Send that follow may share that connection: where the server holds a
// poll open, or pings, a visit then needs no other. Results are those of Send.
func (t *Transport) SendOnce(r *http.Request, max int64) (*Reply, error) {
	r = r.Clone(r.Context())
	r.GetBody = nil
	p := t.empty()
	reply, err := t.sendFrom(p, r, max)
	t.pool.Swap(p).CloseIdleConnections()
	return reply, err
}

// sendFrom sends on a connection of the pool's, and follows what becomes of that.
func (t *Transport) sendFrom(p *pool, r *http.Request, max int64) (*Reply, error) {
	if t.rests == nil {
		return t.send(checkedTransport{p}, r, max)
	}
	var way ride
	reply, err := t.send(checkedTransport{p}, way.follow(r), max)
	way.over(r.Context().Err() != nil, err != nil)
	p.used.Store(int64(t.rests.uptime()))
	return reply, err
}

func (t *Transport) send(rt http.RoundTripper, r *http.Request, max int64) (*Reply, error) {
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "ciba-kiosk")
	}
	var begun time.Duration
	if t.clock != nil {
		begun = t.clock.uptime()
	}
	resp, err := client(rt).Do(r)
	if err != nil {
		return nil, &TransportError{cause: err}
	}
	defer resp.Body.Close()
	if t.clock != nil {
		t.clock.learnFrom(resp, begun)
	}
	reply := &Reply{Status: resp.StatusCode, Header: resp.Header}
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
