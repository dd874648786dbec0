package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// screen is where the command writes.
type screen struct {
	mu      sync.Mutex
	content strings.Builder
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.content.Write(b)
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.content.String()
}

// TestDecisions: what is typed reaches the realm with the token of the request.
func TestDecisions(t *testing.T) {
	var got []string
	realm := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		got = append(got, q.URL.Path+" "+q.Header.Get("Authorization")+" "+string(body))
	}))
	defer realm.Close()
	var out screen
	p := &phones{realm: realm.URL, client: realm.Client(), out: &out, asked: make(chan request)}
	in, typing := io.Pipe()
	done := make(chan error)
	go func() { done <- p.answer(in) }()
	for i, word := range []string{"y", "n"} {
		q := httptest.NewRequest(http.MethodPost, "/ask", strings.NewReader(`{"login_hint":"alice","binding_message":"W4S-CT7","scope":"openid"}`))
		q.Header.Set("Authorization", "Bearer token-"+word)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, q)
		if w.Code != http.StatusCreated {
			t.Fatalf("status %d", w.Code)
		}
		// The answer must not be read as typed before the question.
		for strings.Count(out.text(), `scope "openid". Approve?`) <= i {
			runtime.Gosched()
		}
		if _, err := io.WriteString(typing, word+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	typing.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	const at = "/protocol/openid-connect/ext/ciba/auth/callback Bearer token-"
	if len(got) != 2 || got[0] != at+`y {"status":"SUCCEED"}` || got[1] != at+`n {"status":"UNAUTHORIZED"}` {
		t.Errorf("the realm received %q", got)
	}
	if !strings.Contains(out.text(), `"alice" is asked: code "W4S-CT7"`) {
		t.Errorf("shown: %q", out.text())
	}
}

func TestForeignRequestsAreRefused(t *testing.T) {
	w := httptest.NewRecorder()
	(&phones{}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ask", strings.NewReader("{}")))
	if w.Code != http.StatusBadRequest {
		t.Errorf("status %d", w.Code)
	}
	if code := run([]string{"-realm", "https://sso.example/realms/shop", "-listen", "0.0.0.0:0"}, nil, io.Discard, io.Discard); code != 1 {
		t.Errorf("exit code %d for an address that everybody reaches", code)
	}
}
