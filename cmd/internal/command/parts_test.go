package command

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// listing is a folder of pictures, of which the one called damaged is none.
func listing(t *testing.T, n int) (dir, damaged string) {
	t.Helper()
	dir = t.TempDir()
	for i := range n {
		name := filepath.Join(dir, fmt.Sprintf("%02d.png", i))
		if i == n/2 {
			damaged = name
			if err := os.WriteFile(name, []byte("no picture"), 0o600); err != nil {
				t.Fatal(err)
			}
		} else {
			writePNG(t, name, 40+i, 44)
		}
	}
	return dir, damaged
}

// scheduled are the ways in which machines are told their part of so many.
var scheduled = map[string]func(t *testing.T, part, of int) []string{
	"given": func(t *testing.T, part, of int) []string {
		return []string{"--part", fmt.Sprintf("%d/%d", part, of)}
	},
	"Slurm job array": func(t *testing.T, part, of int) []string {
		t.Setenv("SLURM_ARRAY_TASK_ID", strconv.Itoa(7+5*part))
		t.Setenv("SLURM_ARRAY_TASK_MIN", "12")
		t.Setenv("SLURM_ARRAY_TASK_STEP", "5")
		t.Setenv("SLURM_ARRAY_TASK_COUNT", strconv.Itoa(of))
		return []string{"--part", "auto"}
	},
	"a task submitted again": func(t *testing.T, part, of int) []string {
		t.Setenv("SLURM_ARRAY_TASK_ID", strconv.Itoa(part))
		t.Setenv("SLURM_ARRAY_TASK_MIN", strconv.Itoa(part))
		t.Setenv("SLURM_ARRAY_TASK_STEP", "1")
		t.Setenv("SLURM_ARRAY_TASK_COUNT", "1")
		return []string{"--part", "auto", "--parts", strconv.Itoa(of)}
	},
	"Indexed Job": func(t *testing.T, part, of int) []string {
		t.Setenv("JOB_COMPLETION_INDEX", strconv.Itoa(part-1))
		t.Setenv("WHIPPET_PARTS", strconv.Itoa(of))
		return []string{"--part", "auto"}
	},
}

// TestParts works on a listing in parts and wants the bytes that one run writes. Batches
// of 4 cut 11 pictures into three groups, so that of five parts two are empty.
func TestParts(t *testing.T) {
	model := smallModel(t)
	pictures, damaged := listing(t, 11)
	commands := map[string][]string{
		"predict": {"predict", model, pictures, "--batch", "4", "--topk", "2"},
		"verify":  {"verify", "--data", pictures},
	}
	for command, args := range commands {
		for _, ext := range []string{".csv", ".jsonl"} {
			dir := t.TempDir()
			whole := filepath.Join(dir, "whole"+ext)
			if _, err := runCommand(t, nil, slices.Concat(args, []string{"--out", whole})...); err == nil || err.Error() != "exit code 1" {
				t.Fatalf("%s of a damaged picture: %v, want exit code 1", command, err)
			}
			want, err := os.ReadFile(whole)
			if err != nil || !strings.Contains(string(want), damaged) {
				t.Fatalf("%s: %v; %s has no line of %s:\n%s", command, err, whole, damaged, want)
			}
			for how, part := range scheduled {
				of := 5
				if how != "given" {
					if of = 2; ext != ".csv" {
						continue
					}
				}
				t.Run(fmt.Sprintf("%s%s, %s, %d parts", command, ext, how, of), func(t *testing.T) {
					out, said := filepath.Join(t.TempDir(), "answers"+ext), ""
					for i := of; i > 0; i-- { // in whatever order machines come to them
						s, err := runCommand(t, nil, slices.Concat(args, part(t, i, of), []string{"--out", out})...)
						if err != nil {
							t.Fatalf("part %d: %v", i, err)
						}
						said += s
					}
					if empty := strings.Count(said, ": none of 11 files"); command == "predict" && empty != max(0, of-3) {
						t.Errorf("%d parts of %d are said to be empty, want %d:\n%s", empty, of, max(0, of-3), said)
					}
					text, err := runCommand(t, nil, "merge", "--out", out)
					if err == nil || err.Error() != "exit code 1" || !strings.Contains(text, fmt.Sprintf("%d parts, 11 files, of which 1 could not be read", of)) {
						t.Errorf("merge says %q, %v", text, err)
					}
					got, err := os.ReadFile(out)
					if err != nil || string(got) != string(want) {
						t.Errorf("%v; %d parts are together\n%s\nwant\n%s", err, of, got, want)
					}
				})
			}
		}
	}
}

// TestPartsRefused has parts that cannot be joined, and wants the fault by name, with what
// to do, and the file of the whole untouched.
func TestPartsRefused(t *testing.T) {
	model := smallModel(t)
	pictures, _ := listing(t, 11)
	more, _ := listing(t, 12)
	predict, verify := []string{"predict", model, pictures, "--batch", "4"}, []string{"verify", "--data", pictures}
	write := func(t *testing.T, out, part string, command []string, more ...string) string {
		t.Helper()
		if _, err := runCommand(t, nil, slices.Concat(command, []string{"--part", part, "--out", out}, more)...); err != nil {
			t.Fatal(err)
		}
		i, n, _ := strings.Cut(part, "/")
		return strings.TrimSuffix(out, ".csv") + "-part-" + i + "-of-" + n + ".csv"
	}
	for name, c := range map[string]struct {
		prepare func(t *testing.T, out string) (parts []string) // none: those beside out
		says    []string
	}{
		"no part at all": {func(t *testing.T, out string) []string { return nil },
			[]string{"there is no file answers-part-*.csv in ", "give the parts' files"}},
		"a missing part": {func(t *testing.T, out string) []string {
			write(t, out, "1/3", verify)
			write(t, out, "3/3", verify)
			return nil
		}, []string{"of 3 parts there is no result of 2: run them again with --part I/3"}},
		"parts of another number of parts, which overlap": {func(t *testing.T, out string) []string {
			write(t, out, "1/2", verify)
			write(t, out, "2/3", verify)
			write(t, out, "3/3", verify)
			return nil
		}, []string{"answers-part-2-of-3.csv is part 2 of 3", "answers-part-1-of-2.csv one of 2", "not of the same run"}},
		"the same part under two names": {func(t *testing.T, out string) []string {
			return []string{write(t, out, "1/2", verify), write(t, strings.TrimSuffix(out, ".csv")+"-again.csv", "1/2", verify), write(t, out, "2/2", verify)}
		}, []string{"answers-part-1-of-2.csv and ", "answers-again-part-1-of-2.csv are both part 1 of 2: give one of them"}},
		"a picture that came to the folder meanwhile": {func(t *testing.T, out string) []string {
			write(t, out, "1/2", verify)
			write(t, out, "2/2", []string{"verify", "--data", more})
			return nil
		}, []string{"answers-part-2-of-2.csv is not of the same run as ", "its listing has 12 files, not 11"}},
		"other options": {func(t *testing.T, out string) []string {
			write(t, out, "1/2", predict)
			write(t, out, "2/2", predict, "--topk", "2")
			return nil
		}, []string{"answers-part-2-of-2.csv is not of the same run as ", "--topk 2"}},
		"another batch": {func(t *testing.T, out string) []string {
			write(t, out, "1/2", predict)
			write(t, out, "2/2", predict, "--batch", "5")
			return nil
		}, []string{"answers-part-2-of-2.csv", "worked on 5 at a time, not 4"}},
		"another command": {func(t *testing.T, out string) []string {
			write(t, out, "1/2", predict)
			write(t, out, "2/2", verify)
			return nil
		}, []string{"answers-part-2-of-2.csv", "it is the result of verify, not of predict"}},
		"a part that was edited": {func(t *testing.T, out string) []string {
			write(t, out, "1/2", verify)
			f := write(t, out, "2/2", verify)
			if err := os.WriteFile(f, []byte("file,error\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			return nil
		}, []string{"answers-part-2-of-2.csv has changed since part 2 of 2 was written: run the part again"}},
		"a part whose machine died": {func(t *testing.T, out string) []string {
			write(t, out, "1/2", verify)
			f := write(t, out, "2/2", verify)
			if err := os.Remove(f + ".part.json"); err != nil {
				t.Fatal(err)
			}
			return nil
		}, []string{"answers-part-2-of-2.csv has no record", "run its part again"}},
		"the whole as one of its parts": {func(t *testing.T, out string) []string {
			f := write(t, out, "1/1", verify)
			if err := os.Rename(f, out); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(f+".part.json", out+".part.json"); err != nil {
				t.Fatal(err)
			}
			return []string{out}
		}, []string{"answers.csv is one of the parts: give the whole another name"}},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "answers.csv")
			given := c.prepare(t, out)
			before, _ := os.ReadFile(out)
			said, err := runCommand(t, nil, append([]string{"merge", "--out", out}, given...)...)
			for _, s := range c.says {
				if err == nil || !strings.Contains(err.Error(), s) {
					t.Errorf("merge says %q, %v; want an error with %q", said, err, s)
				}
			}
			if after, _ := os.ReadFile(out); string(after) != string(before) {
				t.Errorf("the file of the whole has become %q", after)
			}
		})
	}
}

// TestPartFlags has parts that cannot be worked on.
func TestPartFlags(t *testing.T) {
	model := smallModel(t)
	pictures, _ := listing(t, 3)
	out := filepath.Join(t.TempDir(), "answers.csv")
	for _, c := range []struct {
		args string // behind the model
		env  string // NAME=VALUE
		says string
	}{
		{args: pictures + " --part 1/2", says: "--part needs --out FILE"},
		{args: pictures + " --parts 2 --out " + out, says: "--parts goes with --part auto"},
		{args: pictures + " --part 3/2 --out " + out, says: "--part 3/2: part 3 of 2: parts are numbered from 1 to 2"},
		{args: pictures + " --part 0/2 --out " + out, says: "numbered from 1 to 2"},
		{args: pictures + " --part 2 --out " + out, says: "--part 2: must be I/N"},
		{args: pictures + " --part 1/2 --out answers.txt", says: "--out answers.txt: the name must end in .csv or .jsonl"},
		{args: pictures + " --part auto --out " + out, says: "neither JOB_COMPLETION_INDEX (a Kubernetes Indexed Job) nor SLURM_ARRAY_TASK_ID"},
		{args: pictures + " --part auto --out " + out, env: "JOB_COMPLETION_INDEX=1", says: "give --parts, or set WHIPPET_PARTS"},
		{args: pictures + " --part auto --parts 2 --out " + out, env: "JOB_COMPLETION_INDEX=2", says: "part 3 of 2"},
		{args: pictures + " --part auto --parts 2 --out " + out, env: "SLURM_ARRAY_TASK_ID=0", says: "submit with --array=1-2"},
		{args: pictures + " --part auto --out " + out, env: "SLURM_ARRAY_TASK_ID=3", says: "SLURM_ARRAY_TASK_COUNT"},
		{args: "- --part 1/2 --out " + out, says: "standard input can be read once"},
		{args: "--files-from - --part 1/2 --out " + out, says: "standard input can be read once"},
		{args: "--files-from /no/list --part 1/2 --out " + out, says: "/no/list"},
		{args: pictures + "/*.gif --part 1/2 --out " + out, says: "every part must list the same pictures, and an argument stands for none"},
	} {
		t.Run(c.args+" "+c.env, func(t *testing.T) {
			if name, value, ok := strings.Cut(c.env, "="); ok {
				t.Setenv(name, value)
			}
			_, err := runCommand(t, nil, append([]string{"predict", model}, strings.Fields(c.args)...)...)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want an error with %q", err, c.says)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), "*")); left != nil {
				t.Errorf("%q were written", left)
			}
		})
	}
}
