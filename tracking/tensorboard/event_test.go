package tensorboard

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// TestEvents compares records with those that TensorBoard's own code writes;
// testdata/reference.py made them.
func TestEvents(t *testing.T) {
	b, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	var e encoder
	settings := map[string]string{"lr": "2e-3", "arch": "resnet18"}
	for name, got := range map[string][]byte{
		"scalars":       e.scalars(nil, 1700000000.125, 300, []scalar{{"step/loss", 0.1}, {"step/lr", 2e-3}}),
		"experiment":    e.plugin(nil, 3.5, tagExperiment, hparamsPlugin, experiment(settings, []string{"epoch/valid_loss", "epoch/error_rate"})),
		"session_start": e.plugin(nil, 3.5, tagSessionStart, hparamsPlugin, sessionStarted(settings, 3.5)),
		"session_end":   e.plugin(nil, 3.5, tagSessionEnd, hparamsPlugin, sessionEnded(true, 9)),
		"begin":         e.begin(nil, 1.25),
	} {
		w := want[name]
		if name == "begin" {
			w = want["version"] + want["start"]
		}
		if hex.EncodeToString(got) != w {
			t.Errorf("%s is\n%x, TensorBoard writes\n%s", name, got, w)
		}
	}
}

// TestNextRecord: what is not whole, or has another content than its checksum says, is no
// record.
func TestNextRecord(t *testing.T) {
	two := appendRecord(appendRecord(nil, []byte("one")), nil)
	content, rest, ok := nextRecord(two)
	if !ok || string(content) != "one" {
		t.Fatalf("the first record is %q, %v", content, ok)
	}
	if content, rest, ok = nextRecord(rest); !ok || len(content) != 0 || len(rest) != 0 {
		t.Fatalf("the second record is %q, %v", content, ok)
	}
	one := appendRecord(nil, []byte("one"))
	for n := range one {
		if _, _, ok := nextRecord(one[:n]); ok {
			t.Errorf("%d of %d bytes are a record", n, len(one))
		}
		bad := append([]byte(nil), one...)
		bad[n] ^= 1
		if _, _, ok := nextRecord(bad); ok {
			t.Errorf("a record whose byte %d is another is one still", n)
		}
	}
}

func FuzzReadEvent(f *testing.F) {
	var e encoder
	f.Add(e.scalars(nil, 1, 2, []scalar{{"step/loss", 1}}))
	f.Add(e.begin(nil, 1))
	f.Fuzz(func(_ *testing.T, b []byte) {
		readEvent(b) // must not panic, nor go on for ever
		for _, rest, ok := nextRecord(b); ok; _, rest, ok = nextRecord(rest) {
			continue
		}
	})
}
