// Package parts splits work on a listing of files among machines that do not know of
// each other, and joins their results: a part is a contiguous range of the listing,
// its result a file that names it, with a record beside it by which a foreign, missing
// or double part is told.
package parts

import (
	"errors"
	"fmt"
	"math/bits"
	"path/filepath"
	"strconv"
	"strings"
)

// Part is one of several parts of a listing.
type Part struct {
	Index int `json:"part"`  // from 1 to Of
	Of    int `json:"parts"` // how many there are
}

// Most bounds the number of parts.
const Most = 1_000_000

// Parse reads I/N, such as 3/100, or auto, which asks the environment (see auto). of
// is the number of parts where the environment does not tell it, 0 if it should. env is
// os.Getenv.
func Parse(s string, of int, env func(string) string) (Part, error) {
	if s == "auto" {
		p, err := auto(of, env)
		if err != nil {
			return p, err
		}
		return p, p.check()
	}
	var p Part
	i, n, ok := strings.Cut(s, "/")
	var errI, errN error
	p.Index, errI = strconv.Atoi(i)
	p.Of, errN = strconv.Atoi(n)
	switch {
	case !ok || errI != nil || errN != nil:
		return p, errors.New("must be I/N, such as 3/100 for the third of a hundred parts, or auto")
	case of != 0 && of != p.Of:
		return p, fmt.Errorf("says %d parts and --parts %d: give the number once", p.Of, of)
	}
	return p, p.check()
}

func (p Part) check() error {
	switch {
	case p.Of < 1 || p.Of > Most:
		return fmt.Errorf("%d parts: must be 1 to %d", p.Of, Most)
	case p.Index < 1 || p.Index > p.Of:
		return fmt.Errorf("part %d of %d: parts are numbered from 1 to %d", p.Index, p.Of, p.Of)
	}
	return nil
}

// countVariable tells the number of parts where the system does not.
const countVariable = "WHIPPET_PARTS"

// auto finds the part in what schedulers tell their jobs: the index of an Indexed Job
// of Kubernetes, which counts from 0 and does not say how many there are, or the
// task of a Slurm job array.
//
// Slurm tells how many tasks were submitted together. When a few are submitted again,
// these are not the parts, so that with a given number of parts the task's number is the
// part's, from 1.
func auto(of int, env func(string) string) (Part, error) {
	index, task := env("JOB_COMPLETION_INDEX"), env("SLURM_ARRAY_TASK_ID")
	number := func(name string) (int, error) {
		n, err := strconv.Atoi(env(name))
		if err != nil {
			return 0, fmt.Errorf("the variable %s is %q, not a number", name, env(name))
		}
		return n, nil
	}
	if of == 0 && env(countVariable) != "" {
		var err error
		if of, err = number(countVariable); err != nil {
			return Part{}, err
		}
	}
	switch {
	case index != "" && task != "":
		return Part{}, errors.New("JOB_COMPLETION_INDEX and SLURM_ARRAY_TASK_ID are both set: give the part as I/N")
	case index != "":
		i, err := number("JOB_COMPLETION_INDEX")
		if err == nil && of == 0 {
			err = fmt.Errorf("a Kubernetes job tells the index (%d) and not how many there are: give --parts, or set %s, to the job's completions", i, countVariable)
		}
		return Part{i + 1, of}, err
	case task == "":
		return Part{}, errors.New("neither JOB_COMPLETION_INDEX (a Kubernetes Indexed Job) nor SLURM_ARRAY_TASK_ID (a Slurm job array) is set: give the part as I/N")
	}
	var v [4]int
	for k, name := range []string{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"} {
		if of != 0 && k > 0 || k == 3 && env(name) == "" {
			continue
		}
		var err error
		if v[k], err = number(name); err != nil {
			return Part{}, err
		}
	}
	id, count, first, step := v[0], v[1], v[2], max(v[3], 1)
	switch {
	case of != 0 && (id < 1 || id > of):
		return Part{}, fmt.Errorf("task %d of the array is none of %d parts, whose numbers are those of the tasks: submit with --array=1-%d", id, of, of)
	case of != 0:
		return Part{id, of}, nil
	case (id-first)%step != 0 || (id-first)/step >= count:
		return Part{}, fmt.Errorf("task %d is none of %d tasks from %d in steps of %d; an array with gaps does not tell its parts: submit with --array=1-N and give --parts N", id, count, first, step)
	}
	return Part{(id-first)/step + 1, count}, nil
}

// Range returns the part of n things: [from, to). Parts are contiguous, together
// all, and begin at multiples of unit, so that work done in groups of unit is grouped as
// without parts. They differ in size by a group at most; of fewer groups than parts,
// some parts are empty.
func (p Part) Range(n, unit int) (from, to int) {
	groups := (n + unit - 1) / unit
	at := func(i int) int {
		hi, lo := bits.Mul64(uint64(groups), uint64(i))
		q, _ := bits.Div64(hi, lo, uint64(p.Of))
		return min(int(q)*unit, n)
	}
	return at(p.Index - 1), at(p.Index)
}

// File is the name of the part's result, of which the whole is called name: with
// the part before the extension, answers-part-003-of-100.csv for answers.csv.
func (p Part) File(name string) string {
	ext := filepath.Ext(name)
	width := len(strconv.Itoa(p.Of))
	return fmt.Sprintf("%s%s%0*d-of-%d%s", strings.TrimSuffix(name, ext), mark, width, p.Index, p.Of, ext)
}

// mark stands before the numbers in the name of a part's result.
const mark = "-part-"

// String is the part as a person reads it.
func (p Part) String() string { return fmt.Sprintf("part %d of %d", p.Index, p.Of) }
