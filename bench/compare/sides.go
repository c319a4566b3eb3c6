package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

type config struct {
	rounds, steps, warmup int
	threads               int
	python, ort, data     string
	dir, whippet          string
}

// result is what a side prints about one turn.
type result struct {
	Peer    string    `json:"peer"`
	Times   []float64 `json:"times_ms"`
	PeakRSS int64     `json:"peak_rss_bytes"`
}

func (r result) rate(batch int) float64 { return float64(batch) / median(r.Times) * 1000 }
func (r result) rss() float64           { return float64(r.PeakRSS) / (1 << 20) }

// turn is how many steps a turn warms up and measures: single pictures are
// cheap.
func (c config) turn(r row) (warmup, steps int) {
	if r.batch == 1 {
		return 20, 40 * c.steps
	}
	return c.warmup, c.steps
}

// command runs a side and decodes the JSON that it prints.
func command(v any, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(out, v); err != nil {
		return fmt.Errorf("%s printed %.80q: %w", filepath.Base(name), out, err)
	}
	return nil
}

func (c config) ours(r row, threads int) (result, error) {
	warmup, steps := c.turn(r)
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

func (c config) torch(r row, layout string) (result, error) {
	warmup, steps := c.turn(r)
	args := []string{"bench/torch_peer.py", r.task, r.arch, "--batch", strconv.Itoa(r.batch), "--threads", strconv.Itoa(c.threads),
		"--warmup", strconv.Itoa(warmup), "--steps", strconv.Itoa(steps)}
	if layout != "" {
		args = append(args, layout)
	}
	var v result
	err := command(&v, []string{"OMP_NUM_THREADS=" + strconv.Itoa(c.threads)}, c.python, args...)
	return v, err
}

// fasterLayout tries both memory layouts of PyTorch once and returns the flag of
// the faster. For memory it is the layout that is faster at this batch too.
func (c config) fasterLayout(r row) (string, error) {
	short := c
	short.steps = max(2, c.steps/2)
	a, err := short.torch(r, "")
	if err != nil {
		return "", err
	}
	b, err := short.torch(r, "--channels-last")
	if err != nil {
		return "", err
	}
	if b.rate(r.batch) > a.rate(r.batch) {
		return "--channels-last", nil
	}
	return "", nil
}

func (c config) ortRun(r row) (result, error) {
	model := filepath.Join(c.dir, r.arch+".onnx")
	if _, err := os.Stat(model); err != nil {
		if err := command(nil, nil, c.python, "bench/torch_peer.py", "export", r.arch, "--batch", "2", "--out", model); err != nil {
			return result{}, err
		}
	}
	warmup, steps := c.turn(r)
	var v result
	err := command(&v, []string{"NODE_PATH=" + c.ort}, "node", "bench/ort_peer.mjs", model, strconv.Itoa(r.batch), "224",
		strconv.Itoa(c.threads), strconv.Itoa(warmup), strconv.Itoa(steps))
	return v, err
}

// pipeline prints how near loading and training together come to training alone.
func (c config) pipeline() error {
	fmt.Printf("\n| whole pipeline | images/s | compute only | share | share by processor time |\n|---|---|---|---|---|\n")
	for _, r := range []struct {
		name, arch string
		flags      []string
	}{{"ResNet-34, batch 64", "resnet34", nil}, {"ResNet-34, batch 64, frozen", "resnet34", []string{"--frozen"}}, {"SqueezeNet 1.1, batch 64", "squeezenet1_1", nil}} {
		var v struct {
			Rate  float64 `json:"images_per_second"`
			Alone float64 `json:"compute_only_images_per_second"`
			Share float64 `json:"share_of_compute_only"`
			CPU   float64 `json:"share_of_cpu_time"`
		}
		args := append([]string{"bench", "train", "--json", "--data", c.data, "--label", `regex:(.+)_\d+.jpg$`, "--arch", r.arch, "--batch", "64",
			"--threads", strconv.Itoa(c.threads), "--steps", strconv.Itoa(4 * c.steps)}, r.flags...)
		if err := command(&v, nil, c.whippet, args...); err != nil {
			return err
		}
		fmt.Printf("| %s | %.1f | %.1f | **%.0f %%** | %.0f %% |\n", r.name, v.Rate, v.Alone, 100*v.Share, 100*v.CPU)
	}
	return nil
}
