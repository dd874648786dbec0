package provider

// Exported for tests of package provider_test.
const (
	AccessTokenLife = accessTokenLife
	NonceLife       = nonceLife
	MaxBody         = maxBody
)

var TokenHash = tokenHash

// Interval returns the polling interval of the request at an index.
func (s *Server) Interval(index int) int { return s.state.Requests[index].Interval }
