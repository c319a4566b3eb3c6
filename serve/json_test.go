package serve

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/whippet-ml/whippet/internal/testkit/hostile"
)

// FuzzScanner compares with encoding/json: what it calls valid passes, unless
// it is nested too deep or a key has half of a surrogate pair, which is refused
// wherever a string is read, and strings and numbers mean the same.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0.5e+3,true,false,null,"é\u00e9\ud83d\ude00\ud83dx\/\n"],"b":{}}`, ` "\\\"" `, `[[[]]]`, `-`, `01`, `1.e3`, `"\x"`, "\"\x01\"", `{"a" 1}`, `[1,]`, `nul`, `{"\ud800":1}`, `{"\n0":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &scanner{b: bytes.Clone(b)} // keys are unescaped in place
		err := s.skip()
		if err == nil {
			err = s.end()
		}
		valid := json.Valid(b)
		if valid && err != nil && !strings.Contains(err.Error(), "deep") && !strings.Contains(err.Error(), "half of a surrogate pair") {
			t.Fatalf("valid JSON refused: %v", err)
		}
		if !valid && err == nil && !bytes.ContainsRune(b, '\\') { // escapes are looked at only when somebody reads them
			t.Fatal("passed although it is no JSON")
		}
		var text string
		if json.Unmarshal(b, &text) == nil && utf8.Valid(b) && bytes.ContainsRune(b, '"') && !strings.Contains(text, "\ufffd") { // half of a surrogate pair means U+FFFD there
			s := &scanner{b: bytes.Clone(b)}
			if got, err := s.str(); err != nil || string(got) != text {
				t.Fatalf("string %q with error %v, want %q", got, err, text)
			}
		}
		var n int64
		if json.Unmarshal(b, &n) == nil && !bytes.ContainsRune(b, 'n') {
			s := &scanner{b: b}
			if got, err := s.integer(); err != nil || got != n {
				t.Fatalf("integer %d with error %v, want %d", got, err, n)
			}
		}
	})
}

// FuzzBase64InPlace compares with encoding/base64.
func FuzzBase64InPlace(f *testing.F) {
	for _, s := range []string{"", "AAAA", "QUJD\r\nRA==", "A===", "QQ==QQ==", "====", strings.Repeat("QUJD", 3000), "QUI="} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want, werr := base64.StdEncoding.DecodeString(string(b))
		got, err := base64InPlace(bytes.Clone(b))
		if (err == nil) != (werr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%q with error %v, want %q with error %v", got, err, want, werr)
		}
	})
}

// TestInferMemory sends bodies that would become large in memory if they were
// believed: none takes more than a fraction of its own size, but for numbers
// that the shape announced.
func TestInferMemory(t *testing.T) {
	const mib = 1 << 20
	fill := func(before, what, after string) []byte {
		return []byte(before + strings.Repeat(what, mib/len(what)) + after)
	}
	image := func(data string) string {
		return `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":` + data + `}]}`
	}
	for name, c := range map[string]struct {
		body []byte
		says string // part of the error, none when it is empty
	}{
		"million inputs":        {fill(`{"inputs":[`, `{},`, `{}]}`), "more than one input"},
		"million outputs":       {fill(`{"outputs":[`, `{},`, `{}]}`), "unknown"},
		"million dimensions":    {fill(`{"inputs":[{"shape":[`, `0,`, `0]}]}`), "more than 8 numbers"},
		"million pictures":      {[]byte(image(`[` + strings.Repeat(`"",`, mib/3) + `""]`)), "more than 1 elements"},
		"million keys":          {fill(`{`, `"id":"",`, `"b":1}`), "twice"},
		"million deep arrays":   {fill(`{"inputs":[{"name":"image","data":`, `[`, ``), "deep"},
		"million deep objects":  {fill(`{"inputs":[{"data":`, `{"x":`, ``), "deep"},
		"deep data":             {fill(`{"inputs":[{"name":"input","shape":[1,3,4,4],"datatype":"FP32","data":`, `[`, ``), "deep"},
		"long id":               {fill(`{"id":"`, `x`, `"}`), "bytes"},
		"long name":             {fill(`{"inputs":[{"name":"`, `\u0041`, `"}]}`), "bytes"},
		"long number":           {fill(`{"inputs":[{"shape":[`, `1`, `]}]}`), "64 bits"},
		"long key":              {fill(`{"`, `x`, `":1}`), `no "xxx`},
		"endless string":        {fill(`{"id":"`, `x`, ``), "ends early"},
		"a picture of a MiB":    {[]byte(image(`["` + strings.Repeat("QUJD", mib/4) + `"]`)), ""},
		"an escaped picture":    {[]byte(image(`["` + strings.Repeat(`\u0041`, mib/24*4) + `"]`)), ""},
		"numbers beyond shape":  {fill(`{"inputs":[{"name":"input","shape":[1,3,4,4],"datatype":"FP32","data":[`, `0,`, `0]}]}`), "more than the 48"},
		"arrays without values": {fill(`{"inputs":[{"name":"input","shape":[1,3,4,4],"datatype":"FP32","data":[`, `[],`, `0]}]}`), "1 numbers"},
		"inputs twice":          {[]byte(`{"inputs":[{}],"inputs":[{}]}`), "twice"},
		"data twice":            {[]byte(`{"inputs":[{"data":[],"data":[]}]}`), "twice"},
		"no data":               {[]byte(`{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES"}]}`), "no data"},
		"something behind":      {[]byte(image(`["AAAA"]`) + "x"), "the end"},
		"nulls":                 {[]byte(`{"id":null,"outputs":null,"x":null,"parameters":{"a":null},` + image(`["AAAA"]`)[1:]), ""},
	} {
		t.Run(name, func(t *testing.T) {
			size := len(c.body)
			var q *inferRequest
			var err error
			took, memory := hostile.Cost(func() { q, err = parseInfer(c.body, nil, 4, 3, usual) })
			if memory > uint64(size/4+64<<10) {
				t.Errorf("%d bytes allocated for a body of %d", memory, size)
			}
			if took > 10*time.Second { // of milliseconds
				t.Errorf("it took %v of processor time", took)
			}
			if c.says == "" {
				if err != nil || len(q.images) != 1 {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			var se *statusError
			if !errors.As(err, &se) || se.status/100 != 4 || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 600 {
				t.Errorf("the error %.700v does not say %q", err, c.says)
			}
		})
	}
}

// TestInferTruncated cuts a request at every byte: each is refused, and none
// panics.
func TestInferTruncated(t *testing.T) {
	whole := `{"id":"a\u00e9","parameters":{"binary_data_output":false,"y":null},"inputs":[{"name":"image","shape":[2],"datatype":"BYTES","data":["QUJD","QQ\u003d="]}],"outputs":[{"name":"labels"}]}`
	for n := range len(whole) {
		var se *statusError
		if _, err := parseInfer([]byte(whole[:n]), nil, 4, 3, usual); !errors.As(err, &se) || se.status != 400 {
			t.Errorf("cut at byte %d: %v", n, err)
		}
	}
	q, err := parseInfer([]byte(whole), nil, 4, 3, usual)
	if err != nil || len(q.images) != 2 || string(q.images[0]) != "ABC" || string(q.images[1]) != "A" {
		t.Errorf("the whole request: %+v, %v", q, err)
	}
}

// TestSplitTruncated cuts a form at every byte.
func TestSplitTruncated(t *testing.T) {
	kind, whole := form(t, []byte("abc"), []byte("d"))
	end := bytes.LastIndex(whole, []byte("--")) // the final boundary's mark
	for n := range end {
		pics, err := split(bytes.NewReader(whole[:n]), int64(len(whole)), kind, 3, newAccount())
		var se *statusError
		if !errors.As(err, &se) || se.status != 400 || pics != nil {
			t.Errorf("cut at byte %d of %d: %d pictures, %v", n, len(whole), len(pics), err)
		}
	}
}
