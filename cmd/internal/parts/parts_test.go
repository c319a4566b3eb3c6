package parts

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		of   int
		env  string
		want Part
		says string // of the error
	}{
		{"3/100", 0, "", Part{3, 100}, ""},
		{"1/1", 0, "", Part{1, 1}, ""},
		{"3/100", 100, "", Part{3, 100}, ""},
		{"3/100", 50, "", Part{}, "--parts 50"},
		{"0/4", 0, "", Part{}, "numbered from 1 to 4"},
		{"5/4", 0, "", Part{}, "numbered from 1 to 4"},
		{"1/0", 0, "", Part{}, "0 parts"},
		{"1/9999999", 0, "", Part{}, "must be 1 to 1000000"},
		{"3", 0, "", Part{}, "must be I/N"},
		{"a/b", 0, "", Part{}, "must be I/N"},
		{"auto", 0, "", Part{}, "neither JOB_COMPLETION_INDEX"},
		{"auto", 8, "JOB_COMPLETION_INDEX=0", Part{1, 8}, ""},
		{"auto", 0, "JOB_COMPLETION_INDEX=7 WHIPPET_PARTS=8", Part{8, 8}, ""},
		{"auto", 0, "JOB_COMPLETION_INDEX=7", Part{}, "give --parts, or set WHIPPET_PARTS"},
		{"auto", 8, "JOB_COMPLETION_INDEX=8", Part{}, "part 9 of 8"},
		{"auto", 8, "JOB_COMPLETION_INDEX=x", Part{}, "not a number"},
		{"auto", 0, "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=1", Part{1, 4}, ""},
		{"auto", 0, "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_STEP=1", Part{4, 4}, ""},
		{"auto", 0, "SLURM_ARRAY_TASK_ID=30 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_STEP=10", Part{3, 4}, ""},
		{"auto", 0, "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0", Part{4, 4}, ""},
		{"auto", 0, "SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=1", Part{}, "an array with gaps"},
		{"auto", 0, "SLURM_ARRAY_TASK_ID=9", Part{}, "SLURM_ARRAY_TASK_COUNT"},
		{"auto", 100, "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=7 SLURM_ARRAY_TASK_STEP=1", Part{7, 100}, ""},
		{"auto", 100, "SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=100 SLURM_ARRAY_TASK_MIN=0", Part{}, "--array=1-100"},
		{"auto", 4, "SLURM_ARRAY_TASK_ID=1 JOB_COMPLETION_INDEX=1", Part{}, "both set"},
	} {
		env := map[string]string{}
		for _, v := range strings.Fields(c.env) {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		got, err := Parse(c.text, c.of, func(name string) string { return env[name] })
		if c.says == "" && (err != nil || got != c.want) || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s of %d with %q: %v, %v; want %v, %q", c.text, c.of, c.env, got, err, c.want, c.says)
		}
	}
}

// TestRange: parts do not overlap, cover everything, begin at multiples of the unit
// and are equal to within one unit.
func TestRange(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 33, 1000, 1 << 40} {
		for _, unit := range []int{1, 32} {
			for _, of := range []int{1, 2, 3, 7, 100} {
				next, least, most := 0, n+1, 0
				for i := 1; i <= of; i++ {
					from, to := Part{i, of}.Range(n, unit)
					if from != next || to < from || from%unit != 0 && from != n {
						t.Fatalf("part %d of %d of %d in units of %d: %d to %d; want it to begin at %d", i, of, n, unit, from, to, next)
					}
					next, least, most = to, min(least, to-from), max(most, to-from)
				}
				if next != n || most-least > 2*unit {
					t.Errorf("%d parts of %d in units of %d end at %d and have %d to %d", of, n, unit, next, least, most)
				}
			}
		}
	}
}

// TestMerge joins parts to what one run writes, and refuses those that are missing,
// double, changed, unfinished or foreign, by their names.
func TestMerge(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	run := Run{Command: "predict", Listing: "l", Files: 10, Unit: 2, Model: "m", Form: "csv", Version: "v"}
	write := func(name string, run Run, p Part) string {
		t.Helper()
		file := p.File(in(name))
		_, err := Write(file, run, p, "avx2", func(w io.Writer) (done, failed int, err error) {
			from, to := p.Range(run.Files, run.Unit)
			if run.Form == "csv" {
				fmt.Fprintln(w, "file,label")
			}
			for i := from; i < to; i++ {
				fmt.Fprintf(w, "%d,x\n", i)
			}
			return to - from, 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	var files []string
	for i := 1; i <= 7; i++ {
		files = append(files, write("a.csv", run, Part{i, 7}))
	}
	found, err := Find(in("a.csv"))
	if err != nil || len(found) != 7 {
		t.Fatalf("found %q, %v", found, err)
	}
	if m, err := Merge(in("a.csv"), found); err != nil || m.Done != 10 || m.Parts != 7 {
		t.Fatalf("%+v, %v", m, err)
	}
	whole, err := os.ReadFile(in("a.csv"))
	if want := "file,label\n0,x\n1,x\n2,x\n3,x\n4,x\n5,x\n6,x\n7,x\n8,x\n9,x\n"; err != nil || string(whole) != want {
		t.Errorf("the whole is %q, %v; want %q", whole, err, want)
	}

	foreign := func(change func(*Run)) string {
		other := run
		change(&other)
		return write("b.csv", other, Part{2, 7})
	}
	copied := in("copy-part-2-of-7.csv")
	for from, to := range map[string]string{files[1]: copied, recordOf(files[1]): recordOf(copied)} {
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	with := func(f string) []string {
		return []string{files[0], f, files[2], files[3], files[4], files[5], files[6]}
	}
	for _, c := range []struct {
		name  string
		files func() []string
		says  []string
	}{
		{"missing", func() []string { return []string{files[0], files[4]} }, []string{"no result of 2-4, 6-7", "--part I/7"}},
		{"double", func() []string { return append(with(files[1]), copied) }, []string{"a-part-2-of-7.csv and ", "copy-part-2-of-7.csv are both part 2 of 7"}},
		{"another model", func() []string { return with(foreign(func(r *Run) { r.Model = "n" })) }, []string{"b-part-2-of-7.csv", "another model"}},
		{"another listing", func() []string { return with(foreign(func(r *Run) { r.Listing = "k" })) }, []string{"b-part-2-of-7.csv", "other files"}},
		{"other options", func() []string { return with(foreign(func(r *Run) { r.Options = "--topk 3" })) }, []string{"b-part-2-of-7.csv", "--topk 3"}},
		{"another command", func() []string { return with(foreign(func(r *Run) { r.Command = "verify" })) }, []string{"b-part-2-of-7.csv", "verify"}},
		{"another form", func() []string { return with(foreign(func(r *Run) { r.Form = "json" })) }, []string{"b-part-2-of-7.csv", "json"}},
		{"another number of parts", func() []string { return with(write("c.csv", run, Part{2, 8})) }, []string{"c-part-2-of-8.csv is part 2 of 8", "one of 7"}},
		{"no record", func() []string {
			name := in("d-part-2-of-7.csv")
			if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			return with(name)
		}, []string{"d-part-2-of-7.csv has no record", "run its part again"}},
		{"changed", func() []string {
			if err := os.WriteFile(copied, []byte("file,label\n0,x\n1,y\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			return with(copied)
		}, []string{"copy-part-2-of-7.csv has changed"}},
	} {
		_, err := Merge(in("a.csv"), c.files())
		for _, s := range c.says {
			if err == nil || !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %v; want an error with %q", c.name, err, s)
			}
		}
		if b, err := os.ReadFile(in("a.csv")); err != nil || string(b) != string(whole) {
			t.Errorf("%s: the whole was changed: %q, %v", c.name, b, err)
		}
	}
}
