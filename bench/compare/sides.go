package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

type config struct {
	rounds, steps, warmup int
	threads               int
	python, fastai        string
	data, weights         string
	leaveOut              string
	save                  string
	batch                 int // of the rows of -networks
	without               *regexp.Regexp
	dir, whippet          string
}

// result is what a side prints about one turn.
type result struct {
	Peer    string    `json:"peer"`
	Times   []float64 `json:"times_ms"`
	PeakRSS int64     `json:"peak_rss_bytes"`
}

func (r result) rss() float64 { return float64(r.PeakRSS) / (1 << 20) }

// peer is a program beside Whippet with one choice of its settings.
type peer struct {
	setting string // for messages and -without
	suffix  string // what stands behind the peer's name and version in tables
	args    []string
	export  []string // writes the network first, once
}

// peers returns who can do r, each with all the settings that may be its best.
func (c config) peers(r row) []peer {
	var all []peer
	for _, mode := range []string{"", "--compile"} {
		for _, layout := range []string{"", "--channels-last"} {
			p := peer{suffix: ", eager", args: []string{"torch_peer.py", r.task, r.arch}}
			if mode != "" {
				p.suffix, p.args = ", torch.compile", append(p.args, mode)
			}
			if layout != "" {
				p.suffix, p.args = p.suffix+", channels-last", append(p.args, layout)
			} else {
				p.suffix += ", contiguous"
			}
			p.setting = "torch" + p.suffix
			all = append(all, p)
		}
	}
	if r.task == "infer" {
		onnx := []string{"export.py", r.arch, c.dir}
		all = append(all,
			peer{"onnxruntime", "", []string{"runtime_peer.py", "onnxruntime", r.arch, c.dir}, onnx},
			peer{"openvino, latency", ", latency", []string{"runtime_peer.py", "openvino", r.arch, c.dir, "--hint", "latency"}, onnx})
		if r.batch > 1 {
			all = append(all, peer{"openvino, throughput", ", throughput", []string{"runtime_peer.py", "openvino", r.arch, c.dir, "--hint", "throughput"}, onnx})
		} else {
			all = append(all, peer{"ncnn", "", []string{"runtime_peer.py", "ncnn", r.arch, c.dir}, append(onnx, "--ncnn")})
		}
	}
	if c.leaveOut == "" {
		return all
	}
	var kept []peer
	for _, p := range all {
		if !c.without.MatchString(p.setting) {
			kept = append(kept, p)
		}
	}
	return kept
}

// turn runs one turn of a peer.
func (c config) turn(r row, p peer) (v result, err error) {
	env := []string{"OMP_NUM_THREADS=" + strconv.Itoa(c.threads)}
	if p.export != nil {
		made := filepath.Join(c.dir, r.arch+".onnx")
		if p.export[len(p.export)-1] == "--ncnn" {
			made = filepath.Join(c.dir, r.arch+".ncnn.bin")
		}
		if _, err := os.Stat(made); err != nil {
			if err := command(nil, env, c.python, script(p.export)...); err != nil {
				return v, err
			}
		}
	}
	warmup, steps := c.stepsOf(r)
	args := append(script(p.args), "--batch", strconv.Itoa(r.batch), "--threads", strconv.Itoa(c.threads),
		"--warmup", strconv.Itoa(warmup), "--steps", strconv.Itoa(steps))
	err = command(&v, env, c.python, args...)
	return v, err
}

func script(args []string) []string {
	return append([]string{filepath.Join("bench", "peers", args[0])}, args[1:]...)
}

// stepsOf is how many steps a turn warms up and measures: single pictures are
// cheap.
func (c config) stepsOf(r row) (warmup, steps int) {
	if r.batch == 1 {
		return 20, 40 * c.steps
	}
	return c.warmup, c.steps
}

// command runs a side and decodes the last line that it prints, which is JSON; a
// nil v takes no output.
func command(v any, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	var errs tail
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(args[0]), err, errs)
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(lastLine(out), v); err != nil {
		return fmt.Errorf("%s printed %.80q: %w", filepath.Base(args[0]), out, err)
	}
	return nil
}

// ours runs one turn of Whippet.
func (c config) ours(r row, threads int) (result, error) {
	warmup, steps := c.stepsOf(r)
	task := r.task
	args := []string{"--json", "--arch", r.arch, "--batch", strconv.Itoa(r.batch), "--threads", strconv.Itoa(threads),
		"--warmup", strconv.Itoa(warmup), "--steps", strconv.Itoa(steps)}
	if task == "frozen" {
		task, args = "train", append(args, "--frozen")
	}
	var v struct {
		StepMS struct {
			Min    float64 `json:"min"`
			Median float64 `json:"median"`
			Max    float64 `json:"max"`
		} `json:"step_ms"`
		PeakRSS int64 `json:"peak_rss_bytes"`
	}
	err := command(&v, nil, c.whippet, append([]string{"bench", task}, args...)...)
	return result{"Whippet", []float64{v.StepMS.Min, v.StepMS.Median, v.StepMS.Max}, v.PeakRSS}, err
}
