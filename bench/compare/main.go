// Command compare runs Whippet and its peers (PyTorch, ONNX Runtime) in turns
// on the same work and prints medians and ratios as Markdown tables.
//
// Each row is measured in rounds: Whippet, the peer, Whippet, the peer, …, each
// time a fresh process with steps to warm up, so that whatever else the machine
// does meanwhile hurts both. See ../README.md for what it needs.
//
//	go run ./bench/compare [-rounds 3] [-steps 5] [-only REGEXP]
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	var c config
	flag.IntVar(&c.rounds, "rounds", 3, "turns of each side")
	flag.IntVar(&c.steps, "steps", 5, "measured steps of each turn")
	flag.IntVar(&c.warmup, "warmup", 2, "steps of each turn before that, which do not count")
	flag.IntVar(&c.threads, "threads", runtime.GOMAXPROCS(0), "threads of both sides")
	flag.StringVar(&c.python, "python", "/usr/bin/python3", "Python that has torch and torchvision")
	flag.StringVar(&c.ort, "ort", os.Getenv("WHIPPET_ORT"), "node_modules folder with onnxruntime-node; empty leaves its rows out")
	flag.StringVar(&c.data, "data", "", "pictures for the rows of the whole pipeline; empty leaves them out")
	only := flag.String("only", "", "rows whose name matches this regular expression")
	flag.Parse()
	if err := run(c, *only); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(c config, only string) error {
	want, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	dir, err := os.MkdirTemp("", "whippet-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.dir, c.whippet = dir, filepath.Join(dir, "whippet")
	build := exec.Command("go", "build", "-o", c.whippet, "./cmd/whippet")
	build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the command (run this from the repository's root): %w", err)
	}
	fmt.Printf("%s, %d threads, %s, %s, %s/%s\n\n", processor(), c.threads, time.Now().UTC().Format("2006-01-02 15:04 UTC"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	fmt.Printf("| what | Whippet | peer | ratio | of the rounds | of the fastest steps |\n|---|---|---|---|---|---|\n")
	for _, r := range rows {
		if !want.MatchString(r.name) {
			continue
		}
		if r.peer == "ort" && c.ort == "" {
			continue
		}
		if err := c.row(r); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", r.name, err)
		}
	}
	if c.data != "" && want.MatchString("pipeline") {
		return c.pipeline()
	}
	return nil
}

// row is one line of the table.
type row struct {
	name  string
	task  string // train, frozen, infer
	arch  string
	batch int
	peer  string // torch, ort, or self: Whippet on one thread
	rss   bool   // compare peak memory instead of speed
}

var rows = []row{
	{name: "ResNet-34 training", task: "train", arch: "resnet34", batch: 32, peer: "torch"},
	{name: "ResNet-34 training, frozen", task: "frozen", arch: "resnet34", batch: 32, peer: "torch"},
	{name: "ResNet-50 training", task: "train", arch: "resnet50", batch: 32, peer: "torch"},
	{name: "SqueezeNet 1.1 training", task: "train", arch: "squeezenet1_1", batch: 32, peer: "torch"},
	{name: "ResNet-34 inference, batch 32", task: "infer", arch: "resnet34", batch: 32, peer: "ort"},
	{name: "ResNet-34 inference, batch 1", task: "infer", arch: "resnet34", batch: 1, peer: "ort"},
	{name: "ResNet-34 inference, batch 32, PyTorch", task: "infer", arch: "resnet34", batch: 32, peer: "torch"},
	{name: "ResNet-34 training on all threads against one", task: "train", arch: "resnet34", batch: 32, peer: "self"},
	{name: "ResNet-34 training, batch 64, peak memory", task: "train", arch: "resnet34", batch: 64, peer: "torch", rss: true},
}

// row measures one line in turns and prints it.
func (c config) row(r row) error {
	var ours, theirs, ratios []float64
	layout, note := "", ""
	if r.peer == "torch" {
		fast, err := c.fasterLayout(r)
		if err != nil {
			return err
		}
		layout = fast
		note = ", " + strings.TrimLeft(cmpOr(layout, "--contiguous"), "-")
	}
	name := ""
	quickest := [2]float64{math.Inf(1), math.Inf(1)}
	for range c.rounds {
		w, err := c.ours(r, c.threads)
		if err != nil {
			return err
		}
		var p result
		switch r.peer {
		case "torch":
			p, err = c.torch(r, layout)
		case "ort":
			p, err = c.ortRun(r)
		default:
			p, err = c.ours(r, 1)
			p.Peer = "one thread"
		}
		if err != nil {
			return err
		}
		name = p.Peer
		if r.rss {
			ours, theirs, ratios = append(ours, w.rss()), append(theirs, p.rss()), append(ratios, w.rss()/p.rss())
			continue
		}
		quickest[0], quickest[1] = min(quickest[0], slices.Min(w.Times)), min(quickest[1], slices.Min(p.Times))
		a, b := w.rate(r.batch), p.rate(r.batch)
		ours, theirs, ratios = append(ours, a), append(theirs, b), append(ratios, a/b)
	}
	unit := "images/s"
	if r.rss {
		unit = "MB"
	}
	var each []string
	for _, v := range ratios {
		each = append(each, fmt.Sprintf("%.2f", v))
	}
	fastest := "–"
	if !r.rss {
		fastest = fmt.Sprintf("%.2f", quickest[1]/quickest[0])
	}
	fmt.Printf("| %s | %.1f %s | %.1f %s (%s%s) | **%.2f×** | %s | %s |\n", r.name, median(ours), unit, median(theirs), unit, name, note,
		median(ratios), strings.Join(each, ", "), fastest)
	return nil
}

// processor returns the processor's name, where Linux says it.
func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return "unknown processor"
}

func cmpOr(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// median of an odd number of values, or the mean of the middle two.
func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
