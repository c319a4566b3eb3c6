package serve

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/predict"
)

// TestNumbers: a model that predicts numbers answers with them by their columns' names, in their order,
// over /predict and the Open Inference Protocol, where nothing is called a probability.
func TestNumbers(t *testing.T) {
	names := []string{"width", "age", "größe"}
	h := changedServer(t, func(i *models.Info) { i.Task, i.Vocab = "regression(-2,30)", names })
	pic := pngPicture(t, 70, 60, 1)
	status, _, b := post(t, h.URL+"/predict?topk=1", "image/png", pic)
	got := decode[[]predict.Score](t, b)
	if status != 200 || len(got) != 3 {
		t.Fatalf("/predict: status %d: %s", status, b)
	}
	for k, s := range got {
		if s.Label != names[k] || !s.Number || s.Score <= -2 || s.Score >= 30 {
			t.Errorf("number %d is answered %+v; want %s, a number in the range of the task", k, s, names[k])
		}
	}
	infer := func(outputs string) (int, string) {
		body := fmt.Sprintf(`{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":[%q]}]%s}`, base64.StdEncoding.EncodeToString(pic), outputs)
		status, _, b := post(t, h.URL+"/v2/models/pets/infer", "application/json", []byte(body))
		return status, string(b)
	}
	status, said := infer("")
	if status != 200 {
		t.Fatalf("infer: status %d: %s", status, said)
	}
	outs := map[string]string{}
	for _, o := range decode[inferAnswer](t, []byte(said)).Outputs {
		outs[o.Name] = string(o.Data)
	}
	var values []float32
	var called []string
	if json.Unmarshal([]byte(outs["numbers"]), &values) != nil || json.Unmarshal([]byte(outs["labels"]), &called) != nil || len(outs) != 2 || !slices.Equal(called, names) {
		t.Fatalf("infer answers %v; want numbers and labels alone", outs)
	}
	for k, v := range values {
		if v != got[k].Score {
			t.Errorf("%s is %v over the protocol and %v over /predict", names[k], v, got[k].Score)
		}
	}
	for outputs, want := range map[string]string{
		`,"outputs":[{"name":"probabilities"}]`:                             `the model has \"numbers\"`,
		`,"outputs":[{"name":"numbers","parameters":{"classification":2}}]`: "numbers has no classification",
	} {
		if status, said := infer(outputs); status != 400 || !strings.Contains(said, want) {
			t.Errorf("%s: status %d: %s; want %s", outputs, status, said, want)
		}
	}
	for _, path := range []string{"/v2/models/pets", "/v2/models/pets/config"} {
		if status, b := get(t, h.URL+path); status != 200 || strings.Contains(string(b), "probabilities") || !strings.Contains(string(b), `"numbers"`) {
			t.Errorf("%s: status %d: %s", path, status, b)
		}
	}
}
