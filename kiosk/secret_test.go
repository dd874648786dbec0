package kiosk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/canary"
)

// TestSecretsAreNotPrinted formats and encodes a secret in every way, alone and inside every type that contains one.
func TestSecretsAreNotPrinted(t *testing.T) {
	text := canary.Make("token")
	var c canary.Canaries
	if err := c.Add("token", text); err != nil {
		t.Fatal(err)
	}
	s := Secret(text)
	for _, v := range []any{
		s, &s, []Secret{s}, map[string]Secret{"x": s}, Tokens{Access: s}, &Tokens{ID: s}, Secrets{Identifier: s}, Record{Secrets: Secrets{RequestID: s}},
		Request{Identifier: s}, Ack{RequestID: s}, PollAnswer{Tokens: Tokens{Refresh: s}}, Expectation{ExpectedSubject: s}, IdentifierEntered{Identifier: s}, SetInput{Text: s},
		Recovery{Record: Record{Secrets: Secrets{Identifier: s}}},
	} {
		var out bytes.Buffer
		for verb := '!'; verb <= 'z'; verb++ {
			if verb == 'w' || verb == 'p' {
				continue // %w is for errors only, and %p prints an address
			}
			for _, flags := range []string{"", "+", "#", " ", "-9", "09.4"} {
				fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", v)
			}
		}
		fmt.Fprintln(&out, v)
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Info("x", "v", v, slog.Group("g", "v", v))
		}
		fmt.Fprintln(&out, Fail(Internal, "what", fmt.Errorf("cause: %v %s %x %d", v, v, v, v)))
		if found := c.Find(fmt.Sprintf("a printed %T", v), out.Bytes()); len(found) > 0 {
			t.Errorf("%v:\n%s", found, out.String())
		}
	}
}
