package command

import (
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// interrupted leaves dir/out.partial as a run that was killed after its third
// checkpoint, of which two are kept, and returns their paths, newest first.
func interrupted(t *testing.T, dir, out string) []string {
	t.Helper()
	p := midway(t, dir, out)
	folder := filepath.Join(dir, out+".partial", "checkpoints")
	_ = p.cmd.Process.Kill()
	p.wait()
	paths, err := filepath.Glob(filepath.Join(folder, "checkpoint-*.safetensors"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("checkpoints %v, %v", paths, err)
	}
	sort.Sort(sort.Reverse(sort.StringSlice(paths)))
	return paths
}

func edit(t *testing.T, path string, f func(string) string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := f(string(b))
	if s == string(b) {
		t.Fatalf("%s is unchanged", path)
	}
	if err := os.WriteFile(path, []byte(s), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestResumeOfDamagedRuns tampers with what an interrupted run left and wants
// to be told, or the right end, or both.
func TestResumeOfDamagedRuns(t *testing.T) {
	slow.Test(t)
	dir := t.TempDir()
	photos(t, dir)
	whippet(t, dir, 0, trainArgs("alone")...)
	want := results(t, filepath.Join(dir, "alone"))
	half := func(s string) string { return s[:len(s)/2] }

	for _, c := range []struct {
		name   string
		tamper func(t *testing.T, out string, checkpoints []string)
		code   int
		told   string // regular expression
	}{
		{"newest checkpoint cut short", func(t *testing.T, out string, cp []string) { edit(t, cp[0], half) },
			0, `a newer checkpoint was passed over: .*damaged checkpoint.*checkpoint-0`},
		{"all checkpoints cut short", func(t *testing.T, out string, cp []string) {
			for _, p := range cp {
				edit(t, p, half)
			}
		}, 1, `all \d checkpoints in .* are damaged(.|\n)*remove that folder and resume`},
		{"checkpoints removed", func(t *testing.T, out string, cp []string) { _ = os.RemoveAll(filepath.Dir(cp[0])) },
			0, `nothing had been saved before the interruption`},
		{"a flipped bit of the newest one's version", func(t *testing.T, out string, cp []string) {
			edit(t, cp[0], func(s string) string { return strings.Replace(s, `\"version\":2`, `\"version\":3`, 1) })
		}, 0, `a newer checkpoint was passed over: .*checksum`},
		{"another architecture", func(t *testing.T, out string, cp []string) {
			edit(t, out+".partial/config.json", func(s string) string { return strings.Replace(s, "resnet10_small", "squeezenet1_0", 1) })
		}, 1, `config.json has changed since the checkpoint was saved: arch is "squeezenet1_0", was "resnet10_small"`},
		{"another batch size", func(t *testing.T, out string, cp []string) {
			edit(t, out+".partial/config.json", func(s string) string { return strings.Replace(s, `"batch": 4`, `"batch": 5`, 1) })
		}, 1, `batch is 5, was 4`},
		{"another vocabulary", func(t *testing.T, out string, cp []string) {
			edit(t, out+".partial/config.json", func(s string) string { return strings.Replace(s, `regex:(.+)_`, `regex:([a-zA-Z])[^/]*_`, 1) })
		}, 1, `label is`},
		{"another rate and no mixup", func(t *testing.T, out string, cp []string) {
			edit(t, out+".partial/config.json", func(s string) string {
				s = regexp.MustCompile(`"lr": "[^"]*"`).ReplaceAllString(s, `"lr": "3e-7"`)
				return regexp.MustCompile(`"mixup": [0-9.]*`).ReplaceAllString(s, `"mixup": 0.015625`)
			})
		}, 1, `lr is "3e-7", was ".*; mixup is 0.015625, was`},
		{"settings cut short", func(t *testing.T, out string, cp []string) { edit(t, out+".partial/config.json", half) },
			1, `config.json: unexpected end of JSON`},
		{"killed between the results and their folder", func(t *testing.T, out string, cp []string) {
			for _, name := range []string{"history.csv", "model.safetensors"} {
				b, err := os.ReadFile(filepath.Join(dir, "alone", name))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(out+".partial", name), b, 0o666); err != nil {
					t.Fatal(err)
				}
			}
		}, 0, `model, history and settings are in`},
		{"left-overs of a writer", func(t *testing.T, out string, cp []string) {
			for _, name := range []string{"checkpoints/.checkpoint-000000009.safetensors.tmp-a1", ".model.safetensors.tmp-b2"} {
				if err := os.WriteFile(filepath.Join(out+".partial", name), []byte("part"), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		}, 0, `resumed at`},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := strings.ReplaceAll(c.name, " ", "-")
			out := filepath.Join(dir, name)
			c.tamper(t, out, interrupted(t, dir, name))
			text := whippet(t, dir, c.code, "train", "--resume", name)
			if !regexp.MustCompile(c.told).MatchString(text) {
				t.Errorf("want %q in\n%s", c.told, text)
			}
			if c.code == 0 {
				same(t, c.name, want, results(t, out))
				return
			}
			if exists(out) {
				t.Error("the output folder is there")
			}
			if !exists(out + ".partial/config.json") {
				t.Error("the interrupted run was thrown away")
			}
		})
	}

	t.Run("other pictures", func(t *testing.T) {
		interrupted(t, dir, "moved")
		a, b := filepath.Join(dir, "photos/images/Isle_Fold_1.jpg"), filepath.Join(dir, "photos/images/Isle_Fold_9.jpg")
		if err := os.Rename(a, b); err != nil {
			t.Fatal(err)
		}
		if text := whippet(t, dir, 1, "train", "--resume", "moved"); !strings.Contains(text, "gone since the run began: 1 of 40 pictures (images/Isle_Fold_1.jpg); new: 1 (images/Isle_Fold_9.jpg)") {
			t.Error(text)
		}
		if err := os.Rename(b, a); err != nil {
			t.Fatal(err)
		}
		// From another folder, by its full name, too.
		elsewhere := t.TempDir()
		whippet(t, elsewhere, 0, "train", "--resume", filepath.Join(dir, "moved"))
		same(t, "resumed from another folder", want, results(t, filepath.Join(dir, "moved")))
	})
}
