package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// job compares the whole job: fine-tune the network of the weights on the pictures
// for three epochs, from the start of the program to the saved model.
func (c config) job() error {
	var ours, theirs, ratios []float64
	var memory [2]float64
	name, network, flags := "", "SqueezeNet 1.1", []string{"--arch", "squeezenet1_1"}
	if info, err := os.Stat(c.weights); err == nil && info.IsDir() {
		// config.json names the architecture; pictures are prepared as fastai does, not as it says there.
		network, flags = filepath.Base(c.weights), []string{"--crop-pct", "0", "--interpolation", "bilinear"}
	}
	for round := range c.rounds {
		w, err := c.whippetJob(round, flags)
		if err != nil {
			return err
		}
		var p result
		err = command(&p, []string{"OMP_NUM_THREADS=" + strconv.Itoa(c.threads)}, c.fastai, script([]string{"fastai_job.py", c.data, c.weights,
			"--seed", strconv.Itoa(round), "--threads", strconv.Itoa(c.threads)})...)
		if err != nil {
			return err
		}
		name = p.Peer
		a, b := w.Times[0], p.Times[0]
		ours, theirs, ratios = append(ours, a), append(theirs, b), append(ratios, b/a)
		memory[0], memory[1] = max(memory[0], w.rss()), max(memory[1], p.rss())
	}
	fmt.Printf("| whole job, %s, fine_tune(3) | %.1f s | %.1f s (%s) | **%.1f×** | %s | | %.0f / %.0f MB, %.2f |\n",
		network, median(ours)/1000, median(theirs)/1000, name, median(ratios), each(ratios), memory[0], memory[1], memory[0]/memory[1])
	return nil
}

func (c config) whippetJob(round int, flags []string) (result, error) {
	out := filepath.Join(c.dir, "job"+strconv.Itoa(round))
	defer os.RemoveAll(out)
	cmd := exec.Command(c.whippet, append([]string{"train", "--data", c.data, "--label", `regex:(.+)_\d+.jpg$`, "--weights", c.weights,
		"--epochs", "3", "--batch", "64", "--seed", strconv.Itoa(round), "--threads", strconv.Itoa(c.threads), "--out", out}, flags...)...)
	var errs tail
	cmd.Stderr = &errs
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return result{}, fmt.Errorf("whippet train: %w\n%s", err, errs)
	}
	return result{"Whippet", []float64{float64(time.Since(start).Microseconds()) / 1000}, peakMemory(cmd.ProcessState)}, nil
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
