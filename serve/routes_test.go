package serve

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestOtherRequests asks for what is not there and with methods that do not go
// with a path. All errors are JSON.
func TestOtherRequests(t *testing.T) {
	_, h, _ := newServer(t, Options{})
	for _, c := range []struct {
		method, path string
		status       int
		allow, says  string
	}{
		{"GET", "/nothing", 404, "", "there is nothing at"},
		{"OPTIONS", "/nothing", 404, "", "there is nothing at"},
		{"POST", "/v2/models/pets/nothing", 404, "", "there is nothing at"},
		{"GET", "/predict", 405, "POST, OPTIONS", "does not go with /predict"},
		{"PUT", "/predict", 405, "POST, OPTIONS", "does not go with /predict"},
		{"DELETE", "/models", 405, "GET, HEAD, OPTIONS", "does not go with /models"},
		{"POST", "/metrics", 405, "GET, HEAD, OPTIONS", "does not go with /metrics"},
		{"GET", "/v2/models/pets/infer", 405, "POST, OPTIONS", "does not go with"},
		{"POST", "/v2/models/pets", 405, "GET, HEAD, OPTIONS", "does not go with"},
		{"OPTIONS", "/predict", 204, "POST, OPTIONS", ""},
		{"OPTIONS", "/readyz", 204, "GET, HEAD, OPTIONS", ""},
		{"HEAD", "/readyz", 200, "", ""},
		{"HEAD", "/v2/health/live", 200, "", ""},
		{"HEAD", "/", 200, "", ""},
		{"HEAD", "/predict", 405, "POST, OPTIONS", ""},
		{"GET", "/v2/", 200, "", `"extensions"`},
	} {
		req, err := http.NewRequest(c.method, h.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != c.status || res.Header.Get("Allow") != c.allow || !strings.Contains(string(b), c.says) {
			t.Errorf("%s %s: %d, Allow %q, %s; want %d, Allow %q, %q", c.method, c.path, res.StatusCode, res.Header.Get("Allow"), b, c.status, c.allow, c.says)
		}
		if c.says != "" && (res.Header.Get("Content-Type") != "application/json" || !json.Valid(b)) {
			t.Errorf("%s %s: the answer is no JSON: %s", c.method, c.path, b)
		}
	}
	req, err := http.NewRequest(http.MethodPost, h.URL+"/predict", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); res.StatusCode != 403 || !json.Valid(b) {
		t.Errorf("a request of another site's page: %d %s; want 403 in JSON", res.StatusCode, b)
	}
}
