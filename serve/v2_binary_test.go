package serve

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// postBinary sends text followed by raw, and returns the answer's JSON and what
// comes behind it.
func postBinary(t *testing.T, url, text string, raw []byte) (int, inferAnswer, []byte, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(append([]byte(text), raw...)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(binaryHeader, strconv.Itoa(len(text)))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	n := len(b)
	if h := res.Header.Get(binaryHeader); h != "" {
		if n, err = strconv.Atoi(h); err != nil || n > len(b) {
			t.Fatalf("%s: %q of %d bytes", binaryHeader, h, len(b))
		}
	}
	var a inferAnswer
	if err := json.Unmarshal(b[:n], &a); err != nil {
		t.Fatalf("%s: %v", b[:n], err)
	}
	return res.StatusCode, a, b[n:], string(b)
}

// TestInferBinary sends pictures and tensors without base64 and numbers as
// text, and asks for answers in that form.
func TestInferBinary(t *testing.T) {
	s, h, _ := newServer(t, Options{})
	p := s.models[0].now.p
	var pictures, floats []byte
	var wants []float32
	for k := range 2 {
		pic := pngPicture(t, 50+k, 60, k)
		pictures = binary.LittleEndian.AppendUint32(pictures, uint32(len(pic)))
		pictures = append(pictures, pic...)
		x := make([]float32, 3*48*48)
		if err := p.Prepare(t.Context(), x, pic); err != nil {
			t.Fatal(err)
		}
		for c := range 3 {
			for i := range 48 * 48 {
				floats = binary.LittleEndian.AppendUint32(floats, math.Float32bits(x[3*i+c]))
			}
		}
		wants = append(wants, want(t, s, pic).Probs...)
	}
	for _, c := range []struct {
		name, text string
		raw        []byte
	}{
		{"pictures, output by output", fmt.Sprintf(`{"inputs":[{"name":"image","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":%d}}],
			"outputs":[{"name":"probabilities","parameters":{"binary_data":true}},{"name":"label"},{"name":"labels","parameters":{"binary_data":true}}]}`, len(pictures)), pictures},
		{"tensor, all outputs", fmt.Sprintf(`{"parameters":{"binary_data_output":true},
			"inputs":[{"name":"input","shape":[2,3,48,48],"datatype":"FP32","parameters":{"binary_data_size":%d}}],
			"outputs":[{"name":"probabilities"},{"name":"label","parameters":{"binary_data":false}},{"name":"labels"}]}`, len(floats)), floats},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, a, tail, all := postBinary(t, h.URL+"/v2/models/pets/infer", c.text, c.raw)
			if status != 200 || len(a.Outputs) != 3 {
				t.Fatalf("status %d: %s", status, all)
			}
			probs, label, labels := a.Outputs[0], a.Outputs[1], a.Outputs[2]
			if probs.Data != nil || probs.Parameters["binary_data_size"] != 24 || fmt.Sprint(probs.Shape) != "[2 3]" {
				t.Errorf("probabilities %+v", probs)
			}
			if label.Data == nil || label.Parameters != nil {
				t.Errorf("label %+v; want it in JSON", label)
			}
			const names = "\x03\x00\x00\x00cat\x03\x00\x00\x00dog\x05\x00\x00\x00été"
			if labels.Parameters["binary_data_size"] != len(names) || len(tail) != 24+len(names) || string(tail[24:]) != names {
				t.Fatalf("labels %+v and %q", labels, tail)
			}
			for i, w := range wants {
				if got := math.Float32frombits(binary.LittleEndian.Uint32(tail[4*i:])); math.Abs(float64(got-w)) > 1e-5 {
					t.Errorf("probability %d is %v, want %v", i, got, w)
				}
			}
		})
	}
	if _, b := get(t, h.URL+"/v2"); !strings.Contains(string(b), `"extensions":["binary_tensor_data",`) {
		t.Errorf("GET /v2 does not name the extension: %s", b)
	}
}

// TestInferBinaryMistakes sends sizes that do not fit.
func TestInferBinaryMistakes(t *testing.T) {
	_, h, _ := newServer(t, Options{})
	input := func(params string) string {
		return `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES"` + params + `}]}`
	}
	for name, c := range map[string]struct{ text, raw, says string }{
		"size of another":  {input(`,"parameters":{"binary_data_size":9}`), "\x01\x00\x00\x00x", "behind the JSON are 5 bytes"},
		"no size":          {input(``), "\x01\x00\x00\x00x", "no parameter binary_data_size"},
		"negative size":    {input(`,"parameters":{"binary_data_size":-1}`), "", "binary_data_size is -1"},
		"data twice":       {input(`,"data":["AAAA"],"parameters":{"binary_data_size":5}`), "\x01\x00\x00\x00x", "give one"},
		"length too long":  {input(`,"parameters":{"binary_data_size":5}`), "\xff\xff\xff\xffx", "1 are left"},
		"element missing":  {input(`,"parameters":{"binary_data_size":2}`), "ab", "end before element 0"},
		"bytes left":       {input(`,"parameters":{"binary_data_size":6}`), "\x01\x00\x00\x00xy", "1 bytes of binary data are left"},
		"size not number":  {input(`,"parameters":{"binary_data_size":"5"}`), "", "no inference request in JSON"},
		"floats too short": {`{"inputs":[{"name":"input","shape":[1,3,48,48],"datatype":"FP32","parameters":{"binary_data_size":4}}]}`, "abcd", "the shape needs 27648"},
	} {
		if status, _, _, all := postBinary(t, h.URL+"/v2/models/pets/infer", c.text, []byte(c.raw)); status != 400 || !strings.Contains(all, c.says) {
			t.Errorf("%s: status %d %s; want 400 and %q", name, status, all, c.says)
		}
	}
	for _, header := range []string{"-1", "99999999", "x"} {
		req, err := http.NewRequest(http.MethodPost, h.URL+"/v2/models/pets/infer", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(binaryHeader, header)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("%s %s: status %d, want 400", binaryHeader, header, res.StatusCode)
		}
	}
	req, err := http.NewRequest(http.MethodPost, h.URL+"/v2/models/pets/infer", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header[binaryHeader] = []string{"2", "1"}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 400 {
		t.Errorf("%s given twice: status %d, want 400", binaryHeader, res.StatusCode)
	}
	// Without the header the size belongs to nothing.
	if status, _, b := post(t, h.URL+"/v2/models/pets/infer", "", []byte(input(`,"parameters":{"binary_data_size":5}`))); status != 400 || !strings.Contains(string(b), binaryHeader) {
		t.Errorf("no header: %d %s", status, b)
	}
}

// TestInferForms sends what the protocol leaves open: pictures as a column, an
// empty id, no outputs, parameters that say nothing or what is so anyhow.
func TestInferForms(t *testing.T) {
	_, h, _ := newServer(t, Options{})
	text := base64.StdEncoding.EncodeToString(pngPicture(t, 9, 9, 1))
	for i, data := range []string{`["` + text + `"]`, `[["` + text + `"]]`} {
		body := []string{"", "\ufeff"}[i] + `{"id":"","parameters":{"priority":null},"inputs":[{"name":"image","shape":[1,1],"datatype":"BYTES","parameters":{"content_type":"base64"},"data":` + data + `}]}`
		status, _, b := post(t, h.URL+"/v2/models/pets/infer", "application/json", []byte(body))
		a := decode[inferAnswer](t, b)
		if status != 200 || len(a.Outputs) != 3 || !strings.Contains(string(b), `"id":""`) || a.Outputs[2].Name != "labels" {
			t.Errorf("status %d: %s", status, b)
		}
	}
}

// TestUnsupported: what the service would not do is refused by its name.
func TestUnsupported(t *testing.T) {
	_, h, _ := newServer(t, Options{})
	image := `"name":"image","shape":[1],"datatype":"BYTES","data":["AAAA"]`
	for body, says := range map[string]string{
		`{"inputs":[{` + image + `}],"parameters":{"priority":3}}`:                                                  `\"priority\"`,
		`{"inputs":[{` + image + `}],"parameters":{"sequence_id":7,"sequence_start":true}}`:                         `\"sequence_id\"`,
		`{"inputs":[{` + image + `}],"parameters":{"binary_data_size":7}}`:                                          `\"binary_data_size\" of the request`,
		`{"inputs":[{` + image + `,"parameters":{"shared_memory_region":"x"}}]}`:                                    `\"shared_memory_region\" of an input`,
		`{"inputs":[{` + image + `,"parameters":{"content_type":"str"}}]}`:                                          `content_type`,
		`{"inputs":[{` + image + `}],"outputs":[{"name":"probabilities","parameters":{"shared_memory_offset":0}}]}`: `\"shared_memory_offset\" of an output`,
		`{"inputs":[{` + image + `}],"outputs":[{"name":"label","parameters":{"classification":1}}]}`:               `label has no classification`,
		`{"inputs":[{` + image + `}],"outputs":[{"name":"probabilities","parameters":{"classification":-1}}]}`:      `classification is -1`,
		`{"inputs":[{` + image + `,"dtype":"x"}]}`:                                                                  `\"dtype\"`,
		`{"input":[{` + image + `}]}`: `\"input\"`,
		// Given twice, in UTF-16, or with text that is none: nothing is guessed.
		`{"inputs":[{` + image + `,"shape":[2]}]}`:                                              `\"shape\" is given twice`,
		`{"inputs":[{` + image + `}],"outputs":[{"name":"label","name":"labels"}]}`:             `\"name\" is given twice`,
		`{"inputs":[{` + image + `,"parameters":{"binary_data_size":4,"binary_data_size":4}}]}`: `\"binary_data_size\" is given twice`,
		`{"parameters":{},"inputs":[{` + image + `}],"parameters":{}}`:                          `\"parameters\" is given twice`,
		"\xff\xfe{\x00\"\x00i\x00":                                                              "UTF-16",
		"{\x00\"\x00i\x00":                                                                      "UTF-16",
		"\x00\x00\x00{":                                                                         "UTF-32",
		`{"id":"` + "\xe9" + `","inputs":[{` + image + `}]}`:                                    "not in UTF-8",
		`{"id":"\ud800","inputs":[{` + image + `}]}`:                                            "half of a surrogate pair",
		`{"inputs":[{"name":"input","shape":[1,3,48,48],"datatype":"FP32","data":[NaN]}]}`:      "NaN or Infinity, which JSON does not have",
		`{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["QQ"]}]}`:            "padding (=) is missing",
	} {
		if status, _, b := post(t, h.URL+"/v2/models/pets/infer", "", []byte(body)); status != 400 || !strings.Contains(string(b), says) {
			t.Errorf("%s: status %d %s; want 400 and %s", body, status, b, says)
		}
	}
	for query, says := range map[string]string{"/predict?top_k=3": "top_k", "/predict?topk=1&topk=2": "2 times", "/explain?topk=1": "topk", "/predict?a=%zz": "malformed", "/v2/models/pets/infer?topk=1": "topk"} {
		if status, _, b := post(t, h.URL+query, "", []byte("x")); status != 400 || !strings.Contains(string(b), says) {
			t.Errorf("%s: status %d %s; want 400 and %s", query, status, b, says)
		}
	}
}

// TestClassification asks for the most probable classes in the form of Triton's
// extension.
func TestClassification(t *testing.T) {
	s, h, _ := newServer(t, Options{})
	pic := pngPicture(t, 50, 60, 1)
	body := `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["` + base64.StdEncoding.EncodeToString(pic) + `"]}],
		"outputs":[{"name":"probabilities","parameters":{"classification":2}}]}`
	status, _, b := post(t, h.URL+"/v2/models/pets/infer", "", []byte(body))
	if status != 200 {
		t.Fatalf("status %d: %s", status, b)
	}
	var wants []string
	for _, top := range want(t, s, pic).Top(2) {
		wants = append(wants, fmt.Sprintf("%f:%d:%s", top.Score, slices.Index(s.models[0].now.labels, top.Label), top.Label))
	}
	o := decode[inferAnswer](t, b).Outputs[0]
	if got := decode[[]string](t, o.Data); o.Datatype != "BYTES" || fmt.Sprint(o.Shape) != "[1 2]" || !slices.Equal(got, wants) {
		t.Errorf("got %s %v %q, want BYTES [1 2] %q", o.Datatype, o.Shape, got, wants)
	}
}

// FuzzBinary feeds binary data to the decoder of inference requests.
func FuzzBinary(f *testing.F) {
	text := []byte(`{"inputs":[{"name":"image","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":10}}]}`)
	f.Add(text, []byte("\x01\x00\x00\x00x\x01\x00\x00\x00y"))
	f.Add(text, []byte("\xff\xff\xff\xffx\x01\x00\x00\x00y"))
	f.Add([]byte(`{"inputs":[{"name":"input","shape":[1,3,1,1],"datatype":"FP32","parameters":{"binary_data_size":12}}]}`), make([]byte, 12))
	f.Fuzz(func(t *testing.T, text, raw []byte) {
		q, err := parseInfer(text, raw, 1, 3, usual)
		if err != nil {
			if _, ok := err.(*statusError); !ok {
				t.Errorf("error %T: %v", err, err)
			}
			return
		}
		if q.tensor == nil && len(q.images) != q.n {
			t.Fatalf("batch of %d with %d pictures", q.n, len(q.images))
		}
		if q.tensor != nil {
			_ = q.tensor.picture(q.n-1, make([]float32, 3)) // a number may be too large
		}
	})
}
