// Load keeps a running `whippet serve` at saturation from another process and
// reports throughput, latency, refusals and the service's memory over time; with
// -bare it measures the model's bare Predictor on the same pictures, in turn with
// the service, and prints the ratio.
//
//	whippet serve runs/pets &
//	go run ./bench/load -url http://localhost:8080/predict -pictures photos/ -for 2m
//	go run ./bench/load -url http://localhost:8080/predict -pictures photos/ -bare runs/pets/model.safetensors
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/vision"
)

func main() {
	var o options
	flag.StringVar(&o.url, "url", "http://localhost:8080/predict", "where to send pictures")
	flag.StringVar(&o.pictures, "pictures", "", "folder of pictures to send, in turn")
	flag.BoolVar(&o.form, "form", false, "send each picture as the file of a multipart form, not as the body")
	flag.Float64Var(&o.rate, "rate", 0, "pictures per second to send, evenly spaced; 0 is as many as are answered")
	flag.DurationVar(&o.timeout, "timeout", time.Minute, "how long a client waits for an answer")
	flag.DurationVar(&o.pause, "pause", 0, "how long a client waits after a refusal")
	flag.IntVar(&o.clients, "clients", 64, "requests under way at the same time")
	flag.DurationVar(&o.length, "for", 30*time.Second, "how long")
	flag.StringVar(&o.bare, "bare", "", "measure this model's Predictor in turn with the service")
	flag.IntVar(&o.rounds, "rounds", 5, "turns of each with -bare; each takes -for over this")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

type options struct {
	url, pictures, bare string
	clients, rounds     int
	length              time.Duration
	timeout, pause      time.Duration
	form                bool
	rate                float64 // per second; 0: as many as are answered
}

func run(ctx context.Context, o options) error {
	items, err := vision.ImageFiles.List(ctx, o.pictures)
	if err != nil {
		return err
	}
	var files []predict.Input
	for _, it := range items[:min(len(items), 512)] {
		b, err := os.ReadFile(it.Path)
		if err != nil {
			return err
		}
		files = append(files, predict.Input{Name: it.Path, Data: b})
	}
	if o.bare == "" {
		r := attack(ctx, o, files, o.length, true)
		r.print(o.length)
		return r.err()
	}
	p, err := predict.Load(o.bare, predict.Options{})
	if err != nil {
		return err
	}
	each := o.length / time.Duration(2*o.rounds)
	var ratios, cpus []float64
	for i := range o.rounds + 1 {
		began := ownCPU()
		n, bare, err := bareRate(ctx, p, files, each)
		if err != nil {
			return err
		}
		bareCPU := 1000 * (ownCPU() - began) / float64(n)
		began = o.served("process_cpu_seconds_total")
		r := attack(ctx, o, files, each, false)
		if err := r.err(); err != nil {
			return err
		}
		serveCPU := 1000 * (o.served("process_cpu_seconds_total") - began) / float64(len(r.latencies))
		served := r.rate(each)
		if i == 0 {
			continue // warm-up of both
		}
		fmt.Printf("round %d: Predictor alone %.0f pictures/s, %.2f ms of processor each; service %.0f pictures/s (%.0f %%), %.2f ms (%.0f %%), latency p50 %v, p90 %v, p99 %v, longest %v\n",
			i, bare, bareCPU, served, 100*served/bare, serveCPU, 100*bareCPU/serveCPU, r.quantile(0.5), r.quantile(0.9), r.quantile(0.99), r.quantile(1))
		ratios, cpus = append(ratios, served/bare), append(cpus, bareCPU/serveCPU)
	}
	fmt.Printf("medians of service over Predictor alone: rate %.3f, pictures per second of processor time %.3f\n", median(ratios), median(cpus))
	return nil
}

// ownCPU is the processor time that this process has used, in seconds.
func ownCPU() float64 {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	families, err := r.Gather()
	if err != nil {
		return math.NaN()
	}
	for _, f := range families {
		if f.GetName() == "process_cpu_seconds_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return math.NaN()
}

// served reads one of the service's metrics, NaN when it cannot.
func (o options) served(name string) float64 {
	u, err := url.Parse(o.url)
	if err != nil {
		return math.NaN()
	}
	u.Path, u.RawQuery = "/metrics", ""
	res, err := http.Get(u.String())
	if err != nil {
		return math.NaN()
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			if f, err := strconv.ParseFloat(v, 64); err == nil {
				return f
			}
		}
	}
	return math.NaN()
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// bareRate is how many pictures Predictor.Each classifies, and per second.
func bareRate(ctx context.Context, p *predict.Predictor, files []predict.Input, length time.Duration) (n int, rate float64, err error) {
	start := time.Now()
	err = p.Each(ctx, func(yield func(predict.Input) bool) {
		for i := 0; time.Since(start) < length; i++ {
			if !yield(files[i%len(files)]) {
				return
			}
		}
	}, func(r predict.Result) error { n++; return r.Err })
	return n, float64(n) / time.Since(start).Seconds(), err
}

// result is what happened under load.
type result struct {
	mu        sync.Mutex
	began     time.Time
	latencies []time.Duration // of status 200
	finished  []time.Duration // since began, of the same
	statuses  map[int]int
	broken    []error // requests without an answer
	memory    []float64
}

// attack sends pictures from o.clients goroutines.
func attack(ctx context.Context, o options, files []predict.Input, length time.Duration, watch bool) *result {
	r := &result{statuses: map[int]int{}, began: time.Now()}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: o.clients}, Timeout: o.timeout}
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	bodies, kind := make([][]byte, len(files)), "application/octet-stream"
	for i, f := range files {
		bodies[i] = f.Data
		if o.form {
			bodies[i], kind = form(f)
		}
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range o.clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1)
				if o.rate > 0 {
					select {
					case <-time.After(time.Until(began.Add(time.Duration(float64(i) / o.rate * float64(time.Second))))):
					case <-ctx.Done():
						return
					}
				}
				if r.one(client, o.url, kind, bodies[int(i)%len(files)]) != http.StatusOK {
					time.Sleep(o.pause)
				}
			}
		})
	}
	if watch {
		wg.Go(func() { r.watch(ctx, o) })
	}
	wg.Wait()
	return r
}

// form is the body that a browser's form sends for a picture, and its content
// type; the boundary is the same for all.
func form(f predict.Input) ([]byte, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	must(w.SetBoundary("load-load-load-load"))
	part, err := w.CreateFormFile("file", filepath.Base(f.Name))
	must(err)
	_, err = part.Write(f.Data)
	must(err)
	must(w.Close())
	return b.Bytes(), w.FormDataContentType()
}

// must is for what cannot fail in memory.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// one sends a picture and returns the status, 0 when there was no answer.
func (r *result) one(client *http.Client, url, kind string, body []byte) int {
	start := time.Now()
	res, err := client.Post(url, kind, bytes.NewReader(body))
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	took := time.Since(start)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.broken = append(r.broken, err)
		return 0
	}
	r.statuses[res.StatusCode]++
	if res.StatusCode == http.StatusOK {
		r.latencies = append(r.latencies, took)
		r.finished = append(r.finished, time.Since(r.began))
	}
	return res.StatusCode
}

// watch reads the service's resident memory every ten seconds.
func (r *result) watch(ctx context.Context, o options) {
	t := time.NewTicker(10 * time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if b := o.served("process_resident_memory_bytes"); !math.IsNaN(b) {
			r.mu.Lock()
			r.memory = append(r.memory, b/(1<<20))
			r.mu.Unlock()
		}
	}
}

func (r *result) quantile(q float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	slices.Sort(r.latencies)
	return r.latencies[int(q*float64(len(r.latencies)-1))].Round(100 * time.Microsecond)
}

// rate is how many answers there were per second in the last three quarters of
// the time: while clients begin, nothing is finished yet, and when they end, what
// is under way is finished after the time.
func (r *result) rate(length time.Duration) float64 {
	n := 0
	for _, t := range r.finished {
		if t > length/4 && t <= length {
			n++
		}
	}
	return float64(n) / (0.75 * length.Seconds())
}

func (r *result) print(length time.Duration) {
	fmt.Printf("%d answers in %v: %.0f pictures/s\n", len(r.latencies), length, r.rate(length))
	fmt.Printf("latency p50 %v, p90 %v, p99 %v, p99.9 %v, longest %v\n", r.quantile(0.5), r.quantile(0.9), r.quantile(0.99), r.quantile(0.999), r.quantile(1))
	closed := 0
	for _, err := range r.broken {
		if errors.Is(err, syscall.ECONNREFUSED) {
			closed++
		}
	}
	fmt.Printf("statuses %v, requests without an answer %d, of which %d found nobody listening\n", r.statuses, len(r.broken), closed)
	if n := len(r.memory); n > 0 {
		fmt.Printf("memory of the service, MiB: ")
		for i := range min(n, 60) {
			fmt.Printf("%.0f ", r.memory[i*(n-1)/max(min(n, 60)-1, 1)])
		}
		fmt.Println()
	}
}

// err is a failure that is no refusal.
func (r *result) err() error {
	if len(r.broken) > 0 {
		return fmt.Errorf("%d requests without an answer, the first: %w", len(r.broken), r.broken[0])
	}
	for status, n := range r.statuses {
		if status != http.StatusOK && status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
			return fmt.Errorf("%d answers with status %d", n, status)
		}
	}
	return nil
}
