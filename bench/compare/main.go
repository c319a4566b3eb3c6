// Command compare runs Whippet and its peers (PyTorch eager and compiled, ONNX
// Runtime, OpenVINO, ncnn, fastai) in turns on the same work and prints medians and
// ratios as Markdown tables.
//
// For each row every peer is tried once with each of its settings, and the fastest
// is the one to beat. Then come rounds: Whippet, the peer, Whippet, the peer, …,
// each time a fresh process with steps to warm up, so that whatever else the
// machine does meanwhile hurts both. See ../README.md for what it needs.
//
//	go run ./bench/compare -python VENV/bin/python [-rounds 3] [-steps 5] [-only REGEXP]
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

func main() {
	var c config
	flag.IntVar(&c.rounds, "rounds", 3, "turns of each side")
	flag.IntVar(&c.steps, "steps", 5, "measured steps of each turn")
	flag.IntVar(&c.warmup, "warmup", 2, "steps of each turn before that, which do not count")
	flag.IntVar(&c.threads, "threads", runtime.GOMAXPROCS(0), "threads of both sides")
	flag.StringVar(&c.python, "python", "/usr/bin/python3", "Python that has torch, torchvision and timm, and of onnxruntime, openvino, ncnn and pnnx those to compare with")
	flag.StringVar(&c.fastai, "fastai", "", "Python that has fastai, for the row of the whole job")
	flag.StringVar(&c.data, "data", "", "folder of pictures named as in Oxford-IIIT Pet, for the rows of the whole pipeline and the whole job")
	flag.StringVar(&c.weights, "weights", "", "weights for the row of the whole job: torchvision's file of SqueezeNet 1.1, or a folder in the Hub's layout of a body that timm has")
	flag.StringVar(&c.leaveOut, "without", "", "peers to leave out: those whose name matches this regular expression, such as ncnn|compile")
	flag.StringVar(&c.save, "save", "", "file of models/testdata/speeds.json's form, to which the ratios of -networks are added")
	networks := flag.String("networks", "", "in place of the usual rows, a training step of every architecture whose name matches this regular expression")
	flag.IntVar(&c.batch, "batch", 16, "pictures in the batches of -networks")
	only := flag.String("only", "", "rows whose name matches this regular expression")
	flag.Parse()
	if err := run(c, *only, *networks); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(c config, only, networks string) error {
	want, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	work := rows
	if networks != "" {
		if work, err = c.networkRows(networks); err != nil {
			return err
		}
	}
	if c.without, err = regexp.Compile(c.leaveOut); err != nil {
		return fmt.Errorf("-without: %w", err)
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
	fmt.Printf("| what | Whippet | fastest peer | ratio | of the rounds | of the fastest steps | peak memory |\n|---|---|---|---|---|---|---|\n")
	var tried []trial
	for _, r := range work {
		if !want.MatchString(r.name) {
			continue
		}
		t, m, err := c.row(r)
		tried = append(tried, t...)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", r.name, err)
			continue
		}
		if networks != "" && c.save != "" {
			if err := c.add(r.arch, m); err != nil {
				return err
			}
		}
	}
	if c.fastai != "" && c.data != "" && c.weights != "" && want.MatchString("whole job") {
		if err := c.job(); err != nil {
			fmt.Fprintf(os.Stderr, "whole job: %v\n", err)
		}
	}
	if len(tried) > 0 {
		fmt.Printf("\n| trials of the peers | setting | ms a step |\n|---|---|---|\n")
		for _, t := range tried {
			fmt.Printf("| %s | %s | %s |\n", t.row, t.setting, t.took)
		}
	}
	if c.data != "" && want.MatchString("pipeline") {
		return c.pipeline()
	}
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
