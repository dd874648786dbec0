// Package wait waits for a time that a context can cut short.
package wait

import (
	"context"
	"time"
)

// For waits for d and reports whether ctx had not ended by then.
func For(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
