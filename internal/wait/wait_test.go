package wait

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		began := time.Now()
		if !For(ctx, 3*time.Second) || time.Since(began) != 3*time.Second {
			t.Errorf("stopped after %v", time.Since(began))
		}
		if For(ctx, 3*time.Second) || time.Since(began) != 5*time.Second {
			t.Errorf("the context ended after 5 s; stopped after %v", time.Since(began))
		}
	})
}
