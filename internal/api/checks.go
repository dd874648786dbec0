package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Check calls the API without a token, which it should refuse. A nil address means that no API is configured.
func Check(ctx context.Context, transport *oidc.Transport, address *url.URL) check.Outcome {
	if address == nil {
		return check.Skip("no API is configured: the kiosk shows the verified claims")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return check.Fail(kiosk.Misconfigured, "bad address", "correct KIOSK_API_URL")
	}
	r.Header.Set("Accept", "application/json")
	reply, err := transport.SendOnce(r, oidc.MaxDocument)
	if reply == nil {
		return check.Fail(kiosk.ServiceDown, err.Error(), "check KIOSK_API_URL, and that the API runs")
	}
	switch s := reply.Status; {
	case s == http.StatusBadRequest, s == http.StatusUnauthorized, s == http.StatusForbidden:
		return check.Pass("the API answers and requires a token (status %d)", s)
	case s >= 200 && s < 300:
		return check.Warn("the API answers without a token", "check that KIOSK_API_URL is the protected resource")
	case s >= 500:
		return check.Fail(kiosk.ServiceDown, fmt.Sprintf("status %d", s), "repair the API; see its own log")
	default:
		return check.Fail(kiosk.ServiceDown, fmt.Sprintf("status %d", s), "correct KIOSK_API_URL: the kiosk does not follow redirects")
	}
}
