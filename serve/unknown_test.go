package serve

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/predict"
)

// changedServer serves the model of newServer with another description.
func changedServer(t *testing.T, change func(*models.Info)) *httptest.Server {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	saveModel(t, path, 5, "cat", "dog", "été")
	c, info, err := models.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	change(&info)
	if err := models.Save(path, c, info); err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Log: slog.New(slog.DiscardHandler)}, ModelFile{Name: "pets", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() { h.Close(); s.Close() })
	return h
}

// TestStrangeness: a model that measures strangeness says it of every picture, answers unknown
// beyond its limit, and draws the distribution for Prometheus.
func TestStrangeness(t *testing.T) {
	for limit, unknown := range map[float64]bool{1e-3: true, 1e30: false} {
		h := changedServer(t, func(i *models.Info) {
			a, err := models.ByName(i.Arch)
			if err != nil {
				t.Fatal(err)
			}
			f := a.Features
			i.Strangeness = &confidence.Strangeness{Classes: 3, Features: f, Means: make([]float32, 3*f), Whitening: make([]float32, f*(f+1)/2), Limit: limit}
			for k := range f { // the identity
				i.Strangeness.Whitening[k*(k+3)/2] = 1
			}
		})
		pic := pngPicture(t, 70, 60, 1)
		status, _, b := post(t, h.URL+"/predict?topk=1", "image/png", pic)
		got := decode[[]predict.Score](t, b)
		// Features of length 1, and means of 0: the distance is 1.
		if status != 200 || len(got) == 0 || math.Abs(got[0].Strangeness-1) > 1e-5 || (got[0].Label == "unknown") != unknown || unknown && got[0].Reasons[0].Why != "strangeness" {
			t.Errorf("limit %v: /predict: status %d: %s", limit, status, b)
		}
		body := fmt.Sprintf(`{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":[%q]}]}`, base64.StdEncoding.EncodeToString(pic))
		status, _, b = post(t, h.URL+"/v2/models/pets/infer", "application/json", []byte(body))
		if said := strings.Contains(string(b), "above 0.0: the picture is unlike those of training"); status != 200 || !strings.Contains(string(b), `"strangeness"`) || said != unknown {
			t.Errorf("limit %v: v2: status %d: %s", limit, status, b)
		}
		_, page := get(t, h.URL+"/metrics")
		m := string(page)
		if !strings.Contains(m, `whippet_strangeness_count{model="pets"} 2`) || strings.Contains(m, `whippet_unknown_total{model="pets",reason="strangeness"} 2`) != unknown {
			t.Errorf("limit %v: metrics: %s", limit, m)
		}
	}
}

// TestSets: a model that makes sets of classes answers them, over /predict and the Open Inference
// Protocol.
func TestSets(t *testing.T) {
	h := changedServer(t, func(i *models.Info) { i.Conformal = &confidence.Conformal{Coverage: 0.9} })
	pic := pngPicture(t, 70, 60, 1)
	status, _, b := post(t, h.URL+"/predict?topk=1", "image/png", pic)
	got := decode[[]predict.Score](t, b)
	if status != 200 || len(got) != 1 || len(got[0].Set) != 3 || got[0].Set[0] != got[0].Label {
		t.Errorf("/predict: status %d: %s", status, b)
	}
	body := fmt.Sprintf(`{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":[%q]}],"outputs":[{"name":"set"}]}`, base64.StdEncoding.EncodeToString(pic))
	status, _, b = post(t, h.URL+"/v2/models/pets/infer", "application/json", []byte(body))
	var outs []string
	var set []string
	if status == 200 {
		if err := json.Unmarshal(decode[inferAnswer](t, b).Outputs[0].Data, &outs); err != nil || len(outs) != 1 || json.Unmarshal([]byte(outs[0]), &set) != nil {
			t.Fatalf("v2: %s (%v)", b, err)
		}
	}
	if len(set) != 3 || set[0] != got[0].Label {
		t.Errorf("v2: status %d: %s", status, b)
	}
}

// TestUnknown: a model that abstains answers unknown with reasons, over /predict and
// the Open Inference Protocol, and is counted.
func TestUnknown(t *testing.T) {
	h := changedServer(t, func(i *models.Info) { i.Abstention = &confidence.Abstention{Below: 1} })
	pic := pngPicture(t, 70, 60, 1)
	status, _, b := post(t, h.URL+"/predict?topk=2", "image/png", pic)
	got := decode[[]predict.Score](t, b)
	if status != 200 || len(got) != 3 || got[0].Label != "unknown" || got[0].Score != got[1].Score || len(got[0].Reasons) != 1 || got[0].Reasons[0].Limit != 1 || got[1].Reasons != nil {
		t.Errorf("/predict: status %d: %s", status, b)
	}

	request := map[string]any{"inputs": []any{map[string]any{"name": "image", "shape": []int{1}, "datatype": "BYTES", "data": []string{base64.StdEncoding.EncodeToString(pic)}}}}
	infer := func(url string) (int, map[string]string, string) {
		body, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		status, _, b := post(t, url+"/v2/models/pets/infer", "application/json", body)
		outs := map[string]string{}
		if status == 200 {
			for _, o := range decode[inferAnswer](t, b).Outputs {
				outs[o.Name] = string(o.Data)
			}
		}
		return status, outs, string(b)
	}
	status, outs, text := infer(h.URL)
	if status != 200 || len(outs) != 4 || outs["label"] != `["unknown"]` || !strings.Contains(outs["reasons"], "is below 1.000") {
		t.Errorf("v2: status %d: %s", status, text)
	}
	request["outputs"] = []any{map[string]string{"name": "reasons"}}
	if status, outs, text = infer(h.URL); status != 200 || len(outs) != 1 {
		t.Errorf("v2, reasons alone: status %d: %s", status, text)
	}
	_, always, _ := newServer(t, Options{})
	if status, _, text = infer(always.URL); status != 400 || !strings.Contains(text, `the model has \"probabilities\", \"label\" and \"labels\"`) {
		t.Errorf("v2, reasons of a model that always answers: status %d: %s", status, text)
	}
	if _, b := get(t, h.URL+"/metrics"); !strings.Contains(string(b), `whippet_unknown_total{model="pets",reason="score"} 3`) {
		t.Errorf("/metrics does not count what is unknown")
	}
}
