package serve

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/hostile"
	"github.com/whippet-ml/whippet/predict"
)

func TestPredictOne(t *testing.T) {
	s, h, _ := newServer(t, Options{})
	pic := pngPicture(t, 70, 60, 1)
	expected := want(t, s, pic)
	formType, formBody := form(t, pic)
	for name, c := range map[string]struct {
		query, kind string
		body        []byte
		topk        int
	}{
		"raw":               {"", "image/png", pic, 3},
		"raw, no type":      {"", "", pic, 3},
		"raw, wrong type":   {"", "text/plain", pic, 3},
		"two best":          {"?topk=2", "image/png", pic, 2},
		"more than classes": {"?topk=50", "image/png", pic, 3},
		"form":              {"?topk=1", formType, formBody, 1},
		"named model":       {"?model=pets", "image/png", pic, 3},
	} {
		t.Run(name, func(t *testing.T) {
			status, header, b := post(t, h.URL+"/predict"+c.query, c.kind, c.body)
			if status != http.StatusOK || header.Get("Content-Type") != "application/json" {
				t.Fatalf("status %d, %s: %s", status, header.Get("Content-Type"), b)
			}
			if got := decode[[]predict.Score](t, b); !near(got, expected.Top(c.topk)) {
				t.Errorf("answer %v, want %v", got, expected.Top(c.topk))
			}
		})
	}
}

func TestPredictMany(t *testing.T) {
	s, h, _ := newServer(t, Options{})
	var pics [][]byte
	for k := range 5 {
		pics = append(pics, pngPicture(t, 60+k, 50, k))
	}
	pics[2] = []byte("no picture")
	kind, body := form(t, pics...)
	status, _, b := post(t, h.URL+"/predict", kind, body)
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, b)
	}
	got := decode[[]pictureAnswer](t, b)
	if len(got) != len(pics) {
		t.Fatalf("%d answers for %d pictures", len(got), len(pics))
	}
	for i, a := range got {
		if a.File != string(rune('a'+i))+".png" {
			t.Errorf("answer %d is for %q", i, a.File)
		}
		if i == 2 {
			if !strings.Contains(a.Error, "not a picture") || a.Predictions != nil {
				t.Errorf("the bad picture gave %+v", a)
			}
			continue
		}
		if a.Error != "" || !near(a.Predictions, want(t, s, pics[i]).Top(3)) {
			t.Errorf("picture %d gave %+v", i, a)
		}
	}
}

// pngHeader is a PNG that declares a size and has no pixels.
func pngHeader(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
	b = binary.BigEndian.AppendUint32(b, w)
	b = binary.BigEndian.AppendUint32(b, h)
	b = append(b, 8, 2, 0, 0, 0)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
}

// TestRefusals lists what strangers may send and the clear answer to each.
func TestRefusals(t *testing.T) {
	s, h, _ := newServer(t, Options{MaxBody: 100_000, MaxPictures: 3, MaxPixels: 10_000})
	good := pngPicture(t, 50, 50, 1)
	formType, fourFiles := form(t, good, good, good, good)
	_, oneFile := form(t, good)
	tooManyFields := "--b\r\n" + strings.Repeat("Content-Disposition: form-data; name=\"x\"\r\n\r\n\r\n--b\r\n", 20) + "--b--\r\n"
	infer := func(inputs string) []byte { return []byte(`{"inputs":[` + inputs + `]}`) }
	image64 := base64.StdEncoding.EncodeToString(good)
	cases := map[string]struct {
		path, kind string
		body       []byte
		status     int
		says       string
	}{
		"empty body":             {"/predict", "", nil, 400, "empty"},
		"text":                   {"/predict", "", []byte("hello hello hello"), 415, "not a picture"},
		"HTML":                   {"/predict", "image/png", []byte("<html><body>404"), 415, "HTML"},
		"cut off":                {"/predict", "", good[:len(good)/2], 422, "damaged"},
		"body too large":         {"/predict", "", make([]byte, 100_001), 413, "limit is 100000"},
		"too many pixels":        {"/predict", "", pngPicture(t, 101, 100, 1), 413, "limit"},
		"picture bomb":           {"/predict", "", pngHeader(1<<17, 1<<17), 413, "131072×131072"},
		"overflowing bomb":       {"/predict", "", pngHeader(1<<31-1, 1<<31-1), 422, "overflow"},
		"negative size":          {"/predict", "", pngHeader(1<<32-1, 5), 422, "damaged"},
		"no pixels":              {"/predict", "", pngHeader(0, 5), 422, ""},
		"topk text":              {"/predict?topk=many", "", good, 400, "topk"},
		"topk zero":              {"/predict?topk=0", "", good, 400, "topk"},
		"topk overflow":          {"/predict?topk=99999999999999999999", "", good, 400, "topk"},
		"unknown model":          {"/predict?model=cars", "", good, 404, "cars"},
		"too many files":         {"/predict", formType, fourFiles, 413, "more than 3 pictures"},
		"form cut off":           {"/predict", formType, fourFiles[:len(fourFiles)/3], 400, "last boundary"},
		"wrong boundary":         {"/predict", "multipart/form-data; boundary=zzz", oneFile, 400, "last boundary"},
		"no boundary":            {"/predict", "multipart/form-data", oneFile, 400, "boundary"},
		"part in base64":         {"/predict", "multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; filename=\"x\"\r\nContent-Transfer-Encoding: BASE64\r\n\r\nQUJD\r\n--b--\r\n"), 400, "Content-Transfer-Encoding"},
		"form without files":     {"/predict", "multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nv\r\n--b--\r\n"), 400, "no file"},
		"form of many fields":    {"/predict", "multipart/form-data; boundary=b", []byte(tooManyFields), 400, "fields"},
		"form that ends at once": {"/predict", "multipart/form-data; boundary=b", []byte("--b--"), 400, ""},

		"explain unknown class": {"/explain?class=bird", "", good, 404, "bird"},
		"explain two pictures":  {"/explain", formType, fourFiles, 413, "more than 1"},
		"explain text":          {"/explain", "", []byte("hello hello"), 415, ""},

		"infer no JSON":          {"/v2/models/pets/infer", "", good, 400, "JSON"},
		"infer deep JSON":        {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[1,3,48,48],"datatype":"FP32","data":` + strings.Repeat("[", 20_000)), 400, "JSON"},
		"infer unknown model":    {"/v2/models/cars/infer", "", infer(""), 404, "cars"},
		"infer unknown version":  {"/v2/models/pets/versions/1/infer", "", infer(""), 404, "version"},
		"infer no input":         {"/v2/models/pets/infer", "", infer(""), 400, "0 inputs"},
		"infer wrong name":       {"/v2/models/pets/infer", "", infer(`{"name":"x","shape":[1],"datatype":"BYTES","data":[]}`), 400, `"x"`},
		"infer wrong type":       {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[1,3,48,48],"datatype":"INT8","data":[]}`), 400, "FP32"},
		"infer wrong shape":      {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[1,48,48,3],"datatype":"FP32","data":[]}`), 400, "[N,3,48,48]"},
		"infer negative shape":   {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[-1,3,48,48],"datatype":"FP32","data":[1]}`), 400, "N from 1"},
		"infer huge shape":       {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[9223372036854775807,3,48,48],"datatype":"FP32","data":[1]}`), 413, "batch of 9223372036854775807"},
		"infer shape beyond 64b": {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[92233720368547758070,3,48,48],"datatype":"FP32","data":[1]}`), 400, "JSON"},
		"infer too short":        {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[3,3,48,48],"datatype":"FP32","data":[1,2,3]}`), 400, "too short"},
		"infer few numbers":      {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[1,3,48,48],"datatype":"FP32","data":[` + strings.Repeat("0.001,", 6000) + `1]}`), 400, "6001 numbers"},
		"infer many numbers":     {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[1,3,48,48],"datatype":"FP32","data":[` + strings.Repeat("0,", 6912) + `1]}`), 400, "more than"},
		"infer words":            {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[1,3,48,48],"datatype":"FP32","data":[` + strings.Repeat(`"a",`, 6912) + `1]}`), 400, "numbers only"},
		"infer overflow":         {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[1,3,48,48],"datatype":"FP32","data":[` + strings.Repeat("1e39,", 6911) + `1]}`), 400, "float32"},
		"infer huge numbers":     {"/v2/models/pets/infer", "", infer(`{"name":"input","shape":[1,3,48,48],"datatype":"FP32","data":[` + strings.Repeat("3e38,", 6911) + `1]}`), 400, "finite"},
		"infer no base64":        {"/v2/models/pets/infer", "", infer(`{"name":"image","shape":[1],"datatype":"BYTES","data":["%%%"]}`), 400, "base64"},
		"infer missing images":   {"/v2/models/pets/infer", "", infer(`{"name":"image","shape":[2],"datatype":"BYTES","data":["` + image64 + `"]}`), 400, "1 elements"},
		"infer bad picture":      {"/v2/models/pets/infer", "", infer(`{"name":"image","shape":[2],"datatype":"BYTES","data":["` + image64 + `","aGVsbG8="]}`), 415, "element 1"},
		"infer unknown output":   {"/v2/models/pets/infer", "", []byte(`{"outputs":[{"name":"y"}],"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["` + image64 + `"]}]}`), 400, `"y"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			status, header, b := post(t, h.URL+c.path, c.kind, c.body)
			if status != c.status || header.Get("Content-Type") != "application/json" {
				t.Fatalf("status %d (%s), want %d: %s", status, header.Get("Content-Type"), c.status, b)
			}
			e := decode[map[string]string](t, b)
			if len(e) != 1 || e["error"] == "" || !strings.Contains(e["error"], c.says) || len(e["error"]) > 600 {
				t.Errorf("error %q does not say %q, or too much", e["error"], c.says)
			}
		})
	}
	if n := s.bodies.Load(); n != 0 {
		t.Errorf("%d bytes of bodies are still counted", n)
	}
	if n := s.models[0].queued(); n != 0 {
		t.Errorf("%d places of the queue are still taken", n)
	}
	if n := s.models[0].now.b.coming.Load(); n != 0 {
		t.Errorf("%d pictures are still waited for", n)
	}
	if s.requests.inside() != 0 {
		t.Errorf("%d requests are still counted", s.requests.inside())
	}
	status, _, b := post(t, h.URL+"/predict", "", good)
	if status != 200 {
		t.Errorf("after all that a good picture gave %d: %s", status, b)
	}
}

// TestCrossOrigin: a page of another site cannot make a browser ask us.
func TestCrossOrigin(t *testing.T) {
	_, h, _ := newServer(t, Options{})
	r, err := http.NewRequest("POST", h.URL+"/predict", bytes.NewReader(pngPicture(t, 50, 50, 1)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://elsewhere.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("status %d, want 403", res.StatusCode)
	}
}

// FuzzSplit feeds bodies and content types to the decoder of requests.
func FuzzSplit(f *testing.F) {
	kind, body := form(f, []byte("abc"), []byte("d"))
	f.Add(body, kind)
	f.Add(body[:40], kind)
	f.Add([]byte("x"), "multipart/mixed; boundary=\"\"")
	f.Add([]byte("--b\r\nContent-Disposition: form-data; filename*=utf-8''%zz; name=a\r\n\r\n1\r\n--b--"), "multipart/form-data; boundary=b")
	f.Add([]byte("--b\nContent-Type: image/png\nContent-Transfer-Encoding: quoted-printable\n\n=3D\n--b--"), "multipart/form-data; boundary=b")
	f.Add([]byte("\x89PNG"), "image/png")
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		var pics []picture
		var err error
		hostile.Bounded(t, 2<<20+8*len(body), func() { pics, err = split(bytes.NewReader(body), int64(len(body)), kind, 3, newAccount()) })
		if err != nil {
			if _, ok := err.(*statusError); !ok || pics != nil {
				t.Errorf("error %T with %d pictures", err, len(pics))
			}
			return
		}
		total := 0
		for _, p := range pics {
			total += len(p.data)
		}
		if len(pics) == 0 || len(pics) > 3 || total > len(body) {
			t.Errorf("%d pictures of %d bytes out of a body of %d", len(pics), total, len(body))
		}
	})
}

// FuzzInfer feeds bodies to the decoder of inference requests.
func FuzzInfer(f *testing.F) {
	f.Add([]byte(`{"id":"a","inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["AAAA"]}]}`))
	f.Add([]byte(`{"inputs":[{"name":"input","shape":[1,3,2,2],"datatype":"FP32","data":[[[[1,2],[3,4]],[[5e-3,6],[7,-8]],[[9,0],[1,2]]]]}],"outputs":[{"name":"labels"}]}`))
	f.Add([]byte(`{"inputs":[{"name":"input","shape":[1,3,2,2],"datatype":"FP32","data":[1,2,3,4,5,6,7,8,9,1,2,1e999]}]}`))
	f.Add([]byte(`{"inputs":[{"name":"input","shape":[4,3,2,2],"datatype":"FP32","data":"x"}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var q *inferRequest
		var err error
		hostile.Bounded(t, 2<<20+len(body), func() { q, err = parseInfer(body, nil, 2, 3, usual) })
		if err != nil {
			if _, ok := err.(*statusError); !ok {
				t.Errorf("error %T: %v", err, err)
			}
			return
		}
		if q.n < 1 || q.n > 3 || (q.images == nil) == (q.tensor == nil) {
			t.Fatalf("batch of %d, images %v, tensor %v", q.n, q.images != nil, q.tensor != nil)
		}
		if q.tensor != nil {
			if err := q.tensor.picture(q.n-1, make([]float32, 12)); err != nil && !strings.Contains(err.Error(), "does not fit float32") {
				t.Fatal(err)
			}
		} else if len(q.images) != q.n {
			t.Fatalf("%d pictures, batch of %d", len(q.images), q.n)
		}
	})
}
