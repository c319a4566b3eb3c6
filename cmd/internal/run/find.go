package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/whippet-ml/whippet/models"
)

// FindModel returns the file of the model that a person names: a model file, or the
// folder of a run. When there is none, the error says what is there instead, and
// what to do.
func FindModel(name string) (string, error) {
	if name == "" {
		return "", errors.New("the name of the model is empty: give a .safetensors file or the folder of a run")
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &noModel{name + ": there is no such model: " + insteadOf(name), err}
	case err != nil:
		return "", fmt.Errorf("the model cannot be looked at: %w", err)
	case !info.IsDir():
		return name, nil
	}
	path := filepath.Join(name, ModelFile)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, nil // what else is wrong, reading says
	}
	return "", &noModel{fmt.Sprintf("%s: the folder has no %s: %s", name, ModelFile, insideOf(name)), fs.ErrNotExist}
}

// noModel is the error of a model that is not there.
type noModel struct {
	msg   string
	cause error
}

func (e *noModel) Error() string { return e.msg }
func (e *noModel) Unwrap() error { return e.cause }

// resumable names the run of which dir may be the unfinished folder, as --resume
// takes it, or is "".
func resumable(dir string) string {
	run := strings.TrimSuffix(filepath.Clean(dir), PartialSuffix)
	if _, err := os.Stat(filepath.Join(run+PartialSuffix, ConfigFile)); err != nil {
		return ""
	}
	return run
}

// insteadOf says what is there in place of a file or folder that is not.
func insteadOf(name string) string {
	if run := resumable(name); run != "" {
		return "the run was not finished: whippet train --resume " + run + " goes on with it"
	}
	if _, err := models.ByName(name); err == nil {
		return "it is the name of an architecture: whippet train --arch " + name + " makes a model"
	}
	if other := name + ".safetensors"; isFile(other) {
		return "there is " + other
	}
	parent := filepath.Dir(filepath.Clean(name))
	if !isDir(parent) {
		return "nor is there a folder " + parent + "; give a .safetensors file or the folder of a run"
	}
	if there := modelsIn(parent); there != "" {
		return "in " + parent + " there is " + there
	}
	return "in " + parent + " there is no model; give a .safetensors file or the folder of a run, such as whippet train writes"
}

// insideOf says what a folder holds that is no run's with a model.
func insideOf(dir string) string {
	if run := resumable(dir); run != "" {
		return "the run was not finished: whippet train --resume " + run + " goes on with it"
	}
	if there := modelsIn(dir); there != "" {
		return "in it there is " + there
	}
	entries, err := os.ReadDir(dir)
	switch {
	case err != nil:
		return "and it cannot be read: " + err.Error()
	case len(entries) == 0:
		return "it is empty; give a .safetensors file or the folder of a run, such as whippet train writes"
	}
	return fmt.Sprintf("it holds %s and no model; give a .safetensors file or the folder of a run", some(entries, 3))
}

// notResumable says why there is no interrupted run, and what is there instead.
func notResumable(o *Output) string {
	switch {
	case isFile(filepath.Join(o.Dir, ModelFile)):
		return "this run is complete: there is nothing to resume; whippet train --from goes on from its model"
	case isDir(o.partial):
		return fmt.Sprintf("%s has no %s, so that it cannot be resumed: start the run again with another --out, or remove the folder", o.partial, ConfigFile)
	case isFile(o.Dir):
		return "it is a file, and a run is a folder; whippet train --from goes on from a model file"
	case isDir(o.Dir):
		return fmt.Sprintf("there is no interrupted run, that is, no folder %s%s", o.partial, interruptedIn(o.Dir))
	}
	return fmt.Sprintf("there is no interrupted run, that is, no folder %s%s", o.partial, interruptedIn(filepath.Dir(o.Dir)))
}

// interruptedIn says which interrupted runs a folder has.
func interruptedIn(dir string) string {
	found, _ := filepath.Glob(filepath.Join(dir, "*"+PartialSuffix))
	var runs []string
	for _, f := range found {
		if run := resumable(f); run != "" {
			runs = append(runs, run)
		}
	}
	switch {
	case !isDir(dir):
		return fmt.Sprintf(", nor a folder %s", dir)
	case len(runs) == 0:
		return "; nor is there another in " + dir
	case len(runs) > 3:
		return fmt.Sprintf("; in %s there are %s and %d more", dir, strings.Join(runs[:3], ", "), len(runs)-3)
	}
	return fmt.Sprintf("; in %s there is %s", dir, strings.Join(runs, ", "))
}

// modelsIn lists the models of a folder: files, and folders of runs, finished or
// not.
func modelsIn(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	var found []fs.DirEntry
	for _, e := range entries {
		p := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if filepath.Ext(p) == ".safetensors" && isFile(p) || isFile(filepath.Join(p, ModelFile)) || strings.HasSuffix(p, PartialSuffix) && resumable(p) != "" {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return some(found, 8)
}

// some lists the names of at most n entries.
func some(entries []fs.DirEntry, n int) string {
	var names []string
	for _, e := range entries[:min(len(entries), n)] {
		if name := e.Name(); strings.HasSuffix(name, PartialSuffix) {
			names = append(names, name+" (not finished)")
		} else {
			names = append(names, name)
		}
	}
	if more := len(entries) - n; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
