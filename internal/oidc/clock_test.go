package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
)

// device is a wall clock and an uptime that advance independently.
type device struct {
	*testkit.Clock
	up atomic.Int64 // read by several goroutines
}

// pass advances both; jump sets the wall clock.
func (d *device) pass(t time.Duration) { d.Advance(t); d.up.Add(int64(t)) }
func (d *device) jump(t time.Duration) { d.Advance(t) }

// datedServer is a server that sends a Date header. Its certificate is valid from an hour before noon to a week after it.
type datedServer struct {
	*httptest.Server
	roots *x509.CertPool
	date  string // of the next responses
	age   string // their Age header; empty for none
	spend func() // the duration of a response
}

func newDated(t *testing.T) *datedServer {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "op"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(7 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key))
	s := &datedServer{roots: x509.NewCertPool(), spend: func() {}}
	s.roots.AddCert(must(x509.ParseCertificate(der)))
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.spend()
		w.Header()["Date"] = nil
		if s.date != "" {
			w.Header().Set("Date", s.date)
		}
		if s.age != "" {
			w.Header().Set("Age", s.age)
		}
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *datedServer) setDate(at time.Time) { s.date = at.UTC().Format(http.TimeFormat) }

// request sends two requests as a device does at its first contact: discovery and keys.
func (s *datedServer) request(t *testing.T, c *Clock, address string) error {
	t.Helper()
	_ = s.requestOnce(t, c, address)
	return s.requestOnce(t, c, address)
}

func (s *datedServer) requestOnce(t *testing.T, c *Clock, address string) error {
	t.Helper()
	transport := NewTransport(TransportOptions{Roots: s.roots, Clock: c})
	defer transport.CloseIdleConnections()
	_, err := transport.Send(post(t, address), MaxResponse)
	return err
}

func newDevice(issuer string, ahead time.Duration) (*device, *Clock) {
	d := &device{Clock: testkit.NewClock(noon.Add(ahead))}
	d.up.Store(int64(time.Hour))
	return d, NewClock(ClockOptions{
		Issuer: issuer, Wall: d.Now, Uptime: func() time.Duration { return time.Duration(d.up.Load()) }, Earliest: noon.Add(-30 * 24 * time.Hour),
	})
}

func near(t *testing.T, what string, got, want time.Time) {
	t.Helper()
	if off := got.Sub(want); off < -2*time.Second || off > 2*time.Second {
		t.Errorf("%s: %v, off by %v", what, got, off)
	}
}

// TestClockLearnsFromDateHeader checks that later jumps of the wall clock change nothing.
func TestClockLearnsFromDateHeader(t *testing.T) {
	s := newDated(t)
	d, c := newDevice(s.URL, 20*time.Minute) // the device is ahead
	s.setDate(noon)
	if c.Offset() != 0 || !c.Now().Equal(d.Now()) {
		t.Error("a time was learnt before a request")
	}
	if err := s.request(t, c, s.URL); err != nil {
		t.Fatal(err)
	}
	near(t, "learnt", c.Now(), noon)
	near(t, "the wall clock put right", d.Now().Add(c.Offset()), noon)
	if c.Corrections() != 1 {
		t.Errorf("%d corrections", c.Corrections())
	}
	d.pass(90 * time.Second)
	near(t, "later", c.Now(), noon.Add(90*time.Second))
	for _, jump := range []time.Duration{-400 * 24 * time.Hour, 4000 * 24 * time.Hour} {
		d.jump(jump)
		near(t, "after a jump of the wall clock", c.Now(), noon.Add(90*time.Second))
	}
	s.setDate(noon.Add(90 * time.Second))
	if err := s.request(t, c, s.URL); err == nil {
		t.Error("a certificate that is expired by the wall clock was accepted")
	}
	d.jump(-3600 * 24 * time.Hour)
	if err := s.request(t, c, s.URL); err != nil || c.Corrections() != 1 {
		t.Errorf("nothing new, and %d corrections: %v", c.Corrections(), err)
	}
}

// TestRightWallClockIsKept checks that the header, which has a resolution of a second, does not replace a better clock.
func TestRightWallClockIsKept(t *testing.T) {
	s := newDated(t)
	d, c := newDevice(s.URL, 900*time.Millisecond)
	s.setDate(noon)
	if err := s.request(t, c, s.URL); err != nil || !c.Now().Equal(d.Now()) || c.Corrections() != 0 {
		t.Errorf("%v instead of %v: %v", c.Now(), d.Now(), err)
	}
	// A time service's clock is used whatever the server sends.
	c.synchronised = func() bool { return true }
	s.setDate(noon.Add(time.Hour))
	if err := s.request(t, c, s.URL); err != nil || !c.Now().Equal(d.Now()) || c.Corrections() != 0 {
		t.Errorf("%v instead of %v: %v", c.Now(), d.Now(), err)
	}
	// Without the time service the server's date counts.
	c.synchronised = func() bool { return false }
	near(t, "no longer kept", c.Now(), noon.Add(time.Hour))
}

// TestOneOddDateIsIgnored has a server behind a cache that serves a document 50 minutes old.
func TestOneOddDateIsIgnored(t *testing.T) {
	s := newDated(t)
	d, c := newDevice(s.URL, 0)
	old := noon.Add(-50 * time.Minute)
	s.setDate(old)
	if err := s.requestOnce(t, c, s.URL); err != nil || !c.Now().Equal(d.Now()) {
		t.Errorf("after one odd date: %v, %v", c.Now(), err)
	}
	s.setDate(noon)
	if err := s.requestOnce(t, c, s.URL); err != nil {
		t.Fatal(err)
	}
	s.setDate(old) // again, but a right one lies between
	if err := s.requestOnce(t, c, s.URL); err != nil || !c.Now().Equal(d.Now()) || c.Corrections() != 0 {
		t.Errorf("after two odd dates: %v, %v", c.Now(), err)
	}
	s.age = "3000"
	if err := s.request(t, c, s.URL); err != nil || !c.Now().Equal(d.Now()) || c.Corrections() != 0 {
		t.Errorf("after two dates that a cache declares: %v, %v", c.Now(), err)
	}
}

func TestUntrustedDatesAreIgnored(t *testing.T) {
	s := newDated(t)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", noon.Add(time.Hour).Format(http.TimeFormat))
	}))
	t.Cleanup(plain.Close)
	for name, c := range map[string]struct {
		issuer, to, date string
		took             time.Duration
	}{
		"plain http":                        {issuer: plain.URL, to: plain.URL},
		"another host than the issuer":      {issuer: "https://op.example", to: s.URL, date: noon.Add(time.Hour).Format(http.TimeFormat)},
		"no date":                           {issuer: s.URL, to: s.URL},
		"not a date":                        {issuer: s.URL, to: s.URL, date: "soon"},
		"before this program was built":     {issuer: s.URL, to: s.URL, date: noon.Add(-50 * time.Minute).Format(http.TimeFormat)},
		"before the certificate's validity": {issuer: s.URL, to: s.URL, date: noon.Add(-2 * time.Hour).Format(http.TimeFormat)},
		"after the certificate's validity":  {issuer: s.URL, to: s.URL, date: noon.Add(8 * 24 * time.Hour).Format(http.TimeFormat)},
		"a slow response":                   {issuer: s.URL, to: s.URL, date: noon.Add(time.Hour).Format(http.TimeFormat), took: 30 * time.Second},
		"an uptime that went backwards":     {issuer: s.URL, to: s.URL, date: noon.Add(time.Hour).Format(http.TimeFormat), took: -time.Second},
	} {
		d, k := newDevice(c.issuer, 0)
		if name == "before this program was built" { // but within the certificate's validity
			k.earliest = noon.Add(-45 * time.Minute)
		}
		s.date, s.spend = c.date, func() { d.up.Add(int64(c.took)) }
		if err := s.request(t, k, c.to); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !k.Now().Equal(d.Now()) || k.Corrections() != 0 {
			t.Errorf("%s: believed: %v", name, k.Now())
		}
	}
}

// TestLearntTimeSkipsNoTLSCheck has a device whose clock is before the certificate's validity: it learns nothing and blames
// its clock.
func TestLearntTimeSkipsNoTLSCheck(t *testing.T) {
	s := newDated(t)
	s.setDate(noon)
	d, c := newDevice(s.URL, -2*time.Hour)
	err := s.request(t, c, s.URL)
	if err == nil || !SuggestsWrongClock(err, c.Now()) || !c.Now().Equal(d.Now()) {
		t.Errorf("%v, and the time is %v", err, c.Now())
	}
	stranger := newDated(t)
	stranger.setDate(noon.Add(time.Hour))
	d, c = newDevice(stranger.URL, 0)
	stranger.roots = x509.NewCertPool()
	if err := stranger.request(t, c, stranger.URL); !errors.As(err, new(x509.UnknownAuthorityError)) || !c.Now().Equal(d.Now()) {
		t.Errorf("%v, and the time is %v", err, c.Now())
	}
	// A learnt time makes newer certificates valid, but never an expired one.
	d, c = newDevice(s.URL, -30*time.Minute)
	s.setDate(noon.Add(24 * time.Hour))
	if err := s.request(t, c, s.URL); err != nil {
		t.Fatal(err)
	}
	near(t, "learnt", c.certificateTime(), noon.Add(24*time.Hour))
	d.jump(8 * 24 * time.Hour)
	if err := s.request(t, c, s.URL); err == nil {
		t.Error("an expired certificate became valid")
	}
}
