package vault_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/vault"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func wantZeroed(t *testing.T, b []byte) {
	t.Helper()
	if len(b) == 0 {
		t.Fatal("there is nothing to look at")
	}
	if !bytes.Equal(b[:cap(b)], make([]byte, cap(b))) {
		t.Errorf("still there: %q", b[:cap(b)])
	}
}

func TestCopiesInAndOut(t *testing.T) {
	v := vault.New()
	mine := []byte("alice")
	v.Put(1, kiosk.Identifier, mine)
	clear(mine)
	out := v.Get(1, kiosk.Identifier)
	if string(out) != "alice" {
		t.Fatalf("changing the caller's bytes changed the vault: %q", string(out))
	}
	out.Zero()
	if got := v.Get(1, kiosk.Identifier); string(got) != "alice" {
		t.Fatalf("changing the caller's copy changed the vault: %q", string(got))
	}
	if v.Get(1, kiosk.RequestID) != nil || v.Get(2, kiosk.Identifier) != nil {
		t.Error("a value that was never put")
	}
}

func TestOldBytesAreOverwritten(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(v *vault.Vault)
	}{
		{"by a new value", func(v *vault.Vault) { v.Put(1, kiosk.Identifier, []byte("bob")) }},
		{"by a longer value", func(v *vault.Vault) { v.Put(1, kiosk.Identifier, bytes.Repeat([]byte("b"), 500)) }},
		{"by an empty value", func(v *vault.Vault) { v.Put(1, kiosk.Identifier, nil) }},
		{"by a value that is too large", func(v *vault.Vault) { v.Put(1, kiosk.Identifier, make([]byte, 16<<10+1)) }},
		{"by a wipe", func(v *vault.Vault) { v.Wipe(1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := vault.New()
			v.Put(1, kiosk.Identifier, []byte("alice"))
			old := v.Backing(1, kiosk.Identifier)
			if string(old) != "alice" {
				t.Fatalf("not the vault's bytes: %q", old)
			}
			c.do(v)
			wantZeroed(t, old)
			if got := v.Get(1, kiosk.Identifier); string(got) == "alice" {
				t.Error("the value can still be read")
			}
		})
	}
}

func TestWipeRemovesOneRequest(t *testing.T) {
	v := vault.New()
	items := []kiosk.Item{kiosk.Identifier, kiosk.RequestID, kiosk.ExpectedSubject, kiosk.AccessToken, kiosk.IDToken, kiosk.RefreshToken}
	var old [][]byte
	for _, i := range items {
		v.Put(1, i, []byte{'s', byte('a' + i)})
		v.Put(2, i, []byte{'s', byte('a' + i)})
		old = append(old, v.Backing(1, i))
	}
	v.Wipe(1)
	v.Wipe(1)
	for n, i := range items {
		wantZeroed(t, old[n])
		if v.Get(1, i) != nil {
			t.Errorf("item %d is still there", i)
		}
		if string(v.Get(2, i)) != string([]byte{'s', byte('a' + i)}) {
			t.Errorf("item %d of the other request is gone", i)
		}
	}
	if v.Held() != 1 {
		t.Errorf("%d requests held, want 1", v.Held())
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		name string
		item kiosk.Item
		size int
		kept bool
	}{
		{"long request id", kiosk.RequestID, 16 << 10, true},
		{"request id too long", kiosk.RequestID, 16<<10 + 1, false},
		{"long identifier", kiosk.Identifier, 16 << 10, true},
		{"long expectation", kiosk.ExpectedSubject, 16 << 10, true},
		{"expectation too long", kiosk.ExpectedSubject, 16<<10 + 1, false},
		{"large access token", kiosk.AccessToken, 64 << 10, true},
		{"large ID token", kiosk.IDToken, 64 << 10, true},
		{"refresh token too large", kiosk.RefreshToken, 64<<10 + 1, false},
		{"no such item", 16, 1, false},
		{"no such item at all", 255, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := vault.New()
			v.Put(1, c.item, bytes.Repeat([]byte("x"), c.size))
			if got := len(v.Get(1, c.item)); (got == c.size) != c.kept || (got != 0) != c.kept {
				t.Errorf("%d bytes kept of %d", got, c.size)
			}
		})
	}
	v := vault.New()
	for n := range kiosk.Number(100) {
		v.Put(n, kiosk.Identifier, []byte("alice"))
	}
	if v.Held() != 64 {
		t.Errorf("%d requests held, want 64", v.Held())
	}
}

func TestVaultPrintsNoSecret(t *testing.T) {
	v := vault.New()
	v.Put(1, kiosk.Identifier, []byte("canary"))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "vault", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "vault", v)
	//lint:ignore SA9005 that nothing comes out is what is tested
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all += fmt.Sprintf(verb, v) + fmt.Sprintf(verb, struct{ V *vault.Vault }{v})
	}
	for _, form := range []string{"canary", "63616e617279", "[99 97 110"} {
		if strings.Contains(all, form) {
			t.Errorf("%q in %s", form, all)
		}
	}
	if v.String() != "[vault]" {
		t.Errorf("got %q", v.String())
	}
}

func TestConcurrentUse(t *testing.T) {
	v := vault.New()
	var wg sync.WaitGroup
	for g := range kiosk.Number(8) {
		wg.Go(func() {
			value := bytes.Repeat([]byte{byte('a' + g)}, 100)
			for range 200 {
				v.Put(g%4, kiosk.AccessToken, value)
				got := v.Get(g%4, kiosk.AccessToken)
				if len(got) > 0 && !bytes.Equal(got, bytes.Repeat(got[:1], len(got))) {
					t.Errorf("a mixture of two values: %q", string(got))
				}
				got.Zero()
				v.Wipe(g % 4)
				_ = v.String()
			}
		})
	}
	wg.Wait()
	for n := range kiosk.Number(20) {
		v.Wipe(n)
	}
	if v.Held() != 0 {
		t.Errorf("%d requests held after all were wiped", v.Held())
	}
}
