package serve

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestRefusalsAreSummarized sends a thousand requests that are refused for one
// reason and one for another: the log has a line for each reason, and a
// summary with the number of the others.
func TestRefusalsAreSummarized(t *testing.T) {
	var log bytes.Buffer
	s, h, _ := newServer(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	log.Reset()
	for range 1000 {
		if status, _ := get(t, h.URL+"/nothing"); status != 404 {
			t.Fatalf("status %d, want 404", status)
		}
	}
	if status, _, _ := post(t, h.URL+"/predict", "", nil); status != 400 {
		t.Fatalf("status %d, want 400", status)
	}
	s.logRefusals(time.Now().Add(time.Hour))
	h.Close()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "status=404") || !strings.Contains(lines[1], "status=400") ||
		!strings.Contains(lines[2], "reason=path") || !strings.Contains(lines[2], "count=999") {
		t.Errorf("%d lines in the log, want one for each reason and a summary of 999:\n%.2000s", len(lines), &log)
	}
}
