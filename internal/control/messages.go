package control

import (
	"context"
	"fmt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
)

// Request is a client's request. Do names it; the other members belong to single requests (see the package comment).
type Request struct {
	Do    string `json:"do"`
	Off   bool   `json:"off,omitempty"`
	For   string `json:"for,omitempty"`
	Text  string `json:"text,omitempty"`
	Limit string `json:"limit,omitempty"`
	Age   string `json:"age,omitempty"`
	JSON  bool   `json:"json,omitempty"`
	Key   bool   `json:"key,omitempty"`
}

// Done answers a request that has no other answer.
type Done struct {
	OK bool `json:"ok"`
}

// Idle answers wait-idle.
type Idle struct {
	Idle bool `json:"idle"` // false: the limit was reached first
}

// Pruned answers prune.
type Pruned struct {
	Visits int `json:"pruned"`
}

// Snapshot answers snapshot; so many bytes of a bbolt database follow its line.
type Snapshot struct {
	Size int64  `json:"size"`
	Key  string `json:"key,omitempty"` // contents of the store's key file, if it was requested
}

// Visit is one answer to visit; exactly one member is set.
type Visit struct {
	Out  string `json:"out,omitempty"`  // text to write unchanged
	Code string `json:"code,omitempty"` // prompt for the user code that the server requires
	Exit *int   `json:"exit,omitempty"` // exit code of kiosk login; the last answer
}

// Failure answers a request that failed.
type Failure struct {
	Error string `json:"error"`
}

// Handler carries out one kind of request. A nil answer without an error sends nothing.
type Handler func(ctx context.Context, c *Client, q Request) (answer any, err error)

// Handlers maps Request.Do to the handler of the request.
type Handlers map[string]Handler

// Handle carries out a request and sends its answer.
func (h Handlers) Handle(ctx context.Context, c *Client, q Request) {
	handler, ok := h[q.Do]
	if !ok {
		c.Reply(nil, fmt.Errorf("unknown request %q", sanitize.Line(q.Do)))
		return
	}
	c.Reply(handler(ctx, c, q))
}

// Reply sends the answer, or the error if there is one. A client that has disconnected misses it.
func (c *Client) Reply(answer any, err error) {
	switch {
	case err != nil:
		_ = c.Answer(Failure{err.Error()})
	case answer != nil:
		_ = c.Answer(answer)
	}
}
