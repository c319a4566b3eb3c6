package serve

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

type inferAnswer struct {
	ID      string `json:"id"`
	Model   string `json:"model_name"`
	Version string `json:"model_version"`
	Outputs []struct {
		Name, Datatype string
		Shape          []int
		Data           json.RawMessage
		Parameters     map[string]int
	}
}

// TestInfer asks for a batch as pictures and as tensors: both give what the
// model says.
func TestInfer(t *testing.T) {
	s, h, _ := newServer(t, Options{})
	p := s.models[0].now.p
	var pics [][]byte
	var text []string
	var nested [][3][48][48]float32
	for k := range 3 {
		pic := pngPicture(t, 60+k, 70, k)
		pics = append(pics, pic)
		text = append(text, base64.StdEncoding.EncodeToString(pic))
		x := make([]float32, 3*48*48)
		if err := p.Prepare(t.Context(), x, pic); err != nil {
			t.Fatal(err)
		}
		var n [3][48][48]float32
		for i, v := range x {
			n[i%3][i/3/48][i/3%48] = v
		}
		nested = append(nested, n)
	}
	for name, input := range map[string]any{
		"pictures": map[string]any{"name": "image", "shape": []int{3}, "datatype": "BYTES", "data": text},
		"tensor":   map[string]any{"name": "input", "shape": []int{3, 3, 48, 48}, "datatype": "FP32", "data": nested},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := json.Marshal(map[string]any{"id": "x7", "inputs": []any{input},
				"outputs": []any{map[string]string{"name": "labels"}, map[string]string{"name": "probabilities"}}})
			if err != nil {
				t.Fatal(err)
			}
			status, _, b := post(t, h.URL+"/v2/models/pets/infer", "application/json", body)
			if status != 200 {
				t.Fatalf("status %d: %s", status, b)
			}
			a := decode[inferAnswer](t, b)
			if a.ID != "x7" || a.Model != "pets" || a.Version == "" || len(a.Outputs) != 2 {
				t.Fatalf("answer %s", b)
			}
			if o := a.Outputs[0]; o.Name != "labels" || o.Datatype != "BYTES" || fmt.Sprint(o.Shape) != "[3]" || string(o.Data) != `["cat","dog","été"]` {
				t.Errorf("labels %+v", o)
			}
			o := a.Outputs[1]
			if o.Name != "probabilities" || o.Datatype != "FP32" || fmt.Sprint(o.Shape) != "[3 3]" {
				t.Fatalf("probabilities %+v", o)
			}
			got := decode[[]float32](t, o.Data)
			for i, pic := range pics {
				for k, v := range want(t, s, pic).Probs {
					if d := got[3*i+k] - v; d > 1e-5 || d < -1e-5 {
						t.Errorf("picture %d class %d: %v, want %v", i, k, got[3*i+k], v)
					}
				}
			}
		})
	}
}

// TestDescriptions reads everything that GET offers.
func TestDescriptions(t *testing.T) {
	s, h, _ := newServer(t, Options{})
	version := s.models[0].now.version
	for path, says := range map[string]string{
		"/healthz":                            `"ok"`,
		"/readyz":                             `"ready"`,
		"/models":                             `"labels":["cat","dog","été"]`,
		"/v2":                                 `"name":"whippet"`,
		"/v2/health/live":                     `{"live":true}`,
		"/v2/health/ready":                    `{"ready":true}`,
		"/v2/models/pets":                     `"shape":[-1,3,48,48]`,
		"/v2/models/pets/versions/" + version: `"platform":"whippet_squeezenet1_1"`,
		"/v2/models/pets/ready":               `"ready":true`,
		"/v2/models/pets/config":              `"data_type":"TYPE_FP32","dims":[-1,3,48,48]`,
		"/v2/models/pets/stats":               `"inference_stats":{"compute_infer":{"count":`,
		"/v2/models/stats":                    `"model_stats":[{"name":"pets"`,
		"/metrics":                            `whippet_model_reloads_total{model="pets",outcome="failed"} 0`,
		"/":                                   "<!doctype html>",
		"/page.js":                            "predict",
		"/page.css":                           "{",
		"/icon.svg":                           "<svg",
	} {
		if status, b := get(t, h.URL+path); status != 200 || !strings.Contains(string(b), says) {
			t.Errorf("GET %s: %d %.300s; want 200 and %s", path, status, b, says)
		}
	}
	for path, status := range map[string]int{"/nothing": 404, "/v2/models/cars": 404, "/v2/models/cars/ready": 404, "/predict": 405, "/v2/models/pets/versions/3": 404} {
		if got, b := get(t, h.URL+path); got != status {
			t.Errorf("GET %s: %d %s; want %d", path, got, b, status)
		}
	}
	s.drains.Store(true)
	for _, path := range []string{"/readyz", "/v2/health/ready", "/v2/models/pets/ready"} {
		if got, _ := get(t, h.URL+path); got != http.StatusServiceUnavailable {
			t.Errorf("GET %s while shutting down: %d", path, got)
		}
	}
}

// TestExplain asks where the model looked, for its own choice and for a class.
func TestExplain(t *testing.T) {
	s, h, _ := newServer(t, Options{})
	pic := pngPicture(t, 90, 70, 2)
	for query, label := range map[string]string{"": want(t, s, pic).Label(), "?class=dog": "dog", "?class=%C3%A9t%C3%A9": "été"} {
		status, _, b := post(t, h.URL+"/explain"+query, "", pic)
		if status != 200 {
			t.Fatalf("%s: status %d: %s", query, status, b)
		}
		e := decode[explanation](t, b)
		if e.Label != label || e.Width != 64 || e.Height != 64 || !strings.HasPrefix(e.View, "data:image/jpeg;base64,") || e.View == e.Overlay {
			t.Errorf("%s: %.200s; want %s", query, b, label)
		}
	}
}

// TestIndex asks which models there are, as Triton's clients do.
func TestIndex(t *testing.T) {
	_, h, _ := newServer(t, Options{})
	for body, want := range map[string]int{"": 200, "{}": 200, `{"ready":true}`: 200, `{"ready":1}`: 400, `{"other":true}`: 400, `[]`: 400, "{}x": 400, "\x00": 400, " \n": 200} {
		status, _, b := post(t, h.URL+"/v2/repository/index", "application/json", []byte(body))
		if status != want || status == 200 && !strings.Contains(string(b), `[{"name":"pets","version":"`) {
			t.Errorf("%q: status %d %s; want %d", body, status, b, want)
		}
	}
}

// TestStatistics: pictures, requests and runs of the network are counted.
func TestStatistics(t *testing.T) {
	_, h, _ := newServer(t, Options{})
	pic := pngPicture(t, 50, 60, 1)
	for _, b := range [][]byte{pic, pic, []byte("no picture")} {
		post(t, h.URL+"/predict", "", b)
	}
	_, b := get(t, h.URL+"/v2/models/pets/stats")
	a := decode[struct{ Model_stats []v2Statistics }](t, b)
	if len(a.Model_stats) != 1 {
		t.Fatalf("%s", b)
	}
	m := a.Model_stats[0]
	if m.Inferences != 2 || m.Executions != 2 || m.Last == 0 || m.Requests["success"].Count != 2 || m.Requests["success"].NS == 0 || m.Requests["fail"].Count != 1 ||
		len(m.Batches) != 1 || m.Batches[0].Size != 1 || m.Batches[0].Compute.Count != 2 {
		t.Errorf("after two pictures and a request that failed: %s", b)
	}
}
