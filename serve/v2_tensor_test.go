package serve

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestPicturesOfTensors reads numbers in every form that the protocol has: they
// come out in rows of RGB.
func TestPicturesOfTensors(t *testing.T) {
	var raw []byte
	for i := range 24 {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(i)-0.5))
	}
	flat, nested := make([]string, 24), "["
	for i := range flat {
		flat[i] = fmt.Sprintf("%de-1", 10*i-5)
		nested += [12]string{"[[[", ",", "],[", " , ", "]],[[", ",", "]\n,[", ",", "]],\t[[", ",", "],[", ","}[i%12] + flat[i]
		if i%12 == 11 {
			nested += "]]]" + []string{",", "]"}[i/12]
		}
	}
	head := `{"inputs":[{"name":"input","shape":[2,3,2,2],"datatype":"FP32",`
	for name, c := range map[string]struct {
		text string
		raw  []byte
	}{
		"flat":   {head + `"data":[` + strings.Join(flat, ",") + `]}]}`, nil},
		"nested": {head + `"data":` + nested + `}]}`, nil},
		"binary": {head + `"parameters":{"binary_data_size":96}}]}`, raw},
	} {
		q, err := parseInfer([]byte(c.text), c.raw, 2, 2, usual)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, want := range []string{"[-0.5 3.5 7.5 0.5 4.5 8.5 1.5 5.5 9.5 2.5 6.5 10.5]", "[11.5 15.5 19.5 12.5 16.5 20.5 13.5 17.5 21.5 14.5 18.5 22.5]"} {
			dst := make([]float32, 12)
			if err := q.tensor.picture(i, dst); err != nil || fmt.Sprint(dst) != want {
				t.Errorf("%s: picture %d is %v (%v), want %s", name, i, dst, err, want)
			}
		}
	}
}

// TestTensorMistakes: what is wrong with a number is said before or when its
// picture's turn comes.
func TestTensorMistakes(t *testing.T) {
	_, h, _ := newServer(t, Options{})
	rest := strings.Repeat(",0", 3*48*48-1)
	for first, says := range map[string]string{"1e39": "number 0 of the tensor, 1e39, does not fit float32", "-1e999": "does not fit float32", "NaN": "no inference request",
		"Infinity": "no inference request", `"NaN"`: "numbers only", "null": "numbers only", "0." + strings.Repeat("0", 2000): "limit is 1000", "1,1": "more than the 6912", "[]": "6911 numbers"} {
		body := `{"inputs":[{"name":"input","shape":[1,3,48,48],"datatype":"FP32","data":[` + first + rest + `]}]}`
		status, _, b := post(t, h.URL+"/v2/models/pets/infer", "application/json", []byte(body))
		if status != 400 || !strings.Contains(string(b), says) {
			t.Errorf("%.20s: status %d %.300s; want 400 and %q", first, status, b, says)
		}
	}
}

// TestTensorMemory holds 64 requests with tensors, where they wait for the
// network: live memory stays within the limit on bodies, packed or not, since
// numbers take no memory but their text's.
func TestTensorMemory(t *testing.T) {
	const clients, pictures, queue, slack = 64, 32, 64, 12 << 20
	head := fmt.Sprintf(`{"inputs":[{"name":"input","shape":[%d,3,48,48],"datatype":"FP32"`, pictures)
	text := []byte(head + `,"data":[0` + strings.Repeat(",0", pictures*3*48*48-1) + `]}]}`)
	raw := make([]byte, pictures*4*3*48*48)
	binaryText := head + fmt.Sprintf(`,"parameters":{"binary_data_size":%d}}]}`, len(raw))
	rawBody := append([]byte(binaryText), raw...)
	for name, c := range map[string]struct {
		body             []byte
		encoding, header string
		most             int
	}{
		"JSON":           {text, "", "", len(text)},
		"packed JSON":    {gzipped(t, text), "gzip", "", len(text)},
		"binary":         {rawBody, "", fmt.Sprint(len(binaryText)), len(rawBody)},
		"packed, binary": {gzipped(t, rawBody), "gzip", fmt.Sprint(len(binaryText)), len(rawBody)},
	} {
		t.Run(name, func(t *testing.T) {
			s, h, _ := newServer(t, Options{MaxBody: int64(c.most), MaxBodies: 2 * clients * int64(c.most+1), Queue: queue, Timeout: time.Minute, QueueTimeout: 30 * time.Second})
			in := s.models[0].acquire()
			defer s.models[0].release(in)
			if err := in.b.reserve(t.Context(), queue, &patience{}); err != nil {
				t.Fatal(err)
			}
			defer func() { in.b.cancelReservation(queue); in.b.release(queue) }()
			before := live()
			ctx, leave := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			defer wg.Wait()
			defer leave() // nothing is computed
			for range clients {
				wg.Go(func() {
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL+"/v2/models/pets/infer", bytes.NewReader(c.body))
					if err != nil {
						t.Error(err)
						return
					}
					req.Header.Set("Content-Encoding", c.encoding)
					req.Header.Set(binaryHeader, c.header)
					if res, err := http.DefaultClient.Do(req); err == nil {
						res.Body.Close()
						t.Errorf("status %d while there is no place for the pictures", res.StatusCode)
					}
				})
			}
			for limit := time.Now().Add(time.Minute); in.b.places.waiting() < clients; time.Sleep(time.Millisecond) {
				if time.Now().After(limit) {
					t.Fatalf("%d requests wait, want %d", in.b.places.waiting(), clients)
				}
			}
			if n, counted := live()-before, s.bodies.Load(); n > counted+slack || counted > s.opts.MaxBodies {
				t.Errorf("%d requests take %d MiB of live memory; %d MiB are counted", clients, n>>20, counted>>20)
			} else {
				t.Logf("%d MiB of live memory, %d counted", n>>20, counted>>20)
			}
		})
	}
}

// live is the size of the heap that is in use.
func live() int64 {
	runtime.GC()
	runtime.GC() // what had finalizers
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
