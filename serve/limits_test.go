package serve

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/testkit/limits"
)

// TestLimitsDocument compares the limits that no option moves with the document's
// figures. Those of options are compared where they are flags.
func TestLimitsDocument(t *testing.T) {
	for what, figures := range map[string][]any{
		"bearer tokens":                     {maxTokens, minToken},
		"open connections":                  {DefaultConnections, idleGrace, spareConnections},
		"header of a form's part":           {maxPartHeader},
		"form fields":                       {maxFields},
		"depth of JSON":                     {maxDepth, maxText},
		"time for a request's header":       {headTimeout, maxHeader},
		"idle connection":                   {idleTimeout},
		"requests to `/metrics`":            {maxScrapes},
		"wait of an incomplete batch":       {DefaultMaxWait, fmt.Sprint(busyWait) + " times"},
		"Grad-CAM computed":                 {explaining},
		"rate of a body, after its first 5": {DefaultBodyRate},
	} {
		limits.Check(t, "The service", what, figures...)
	}
	if grace != 5*time.Second {
		t.Errorf("a body may be slow for its first %v; docs/limits.md says 5 s", grace)
	}
}

// TestProxiesInDocument wants the proxies of docs/serving.md to let through what the
// service takes, and to wait as long as it does.
func TestProxiesInDocument(t *testing.T) {
	b, err := os.ReadFile("../docs/serving.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		setting string
		unit    float64
		least   float64
	}{
		{`client_max_body_size (\d+)m;`, 1 << 20, DefaultMaxBody}, {`max_size (\d+)MB`, 1e6, DefaultMaxBody},
		{`proxy_read_timeout (\d+)s;`, 1, DefaultTimeout.Seconds()}, {`response_header_timeout (\d+)s`, 1, DefaultTimeout.Seconds()},
	} {
		m := regexp.MustCompile(c.setting).FindSubmatch(b)
		if m == nil {
			t.Errorf("docs/serving.md has no %s", c.setting)
			continue
		}
		n, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		if n*c.unit < c.least {
			t.Errorf("docs/serving.md: %s is below the service's own %v", m[0], c.least)
		}
	}
}
