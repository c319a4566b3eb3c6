package command

import (
	"bytes"
	"context"
	"image/jpeg"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/cmd/internal/watch"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/data/copies"
	"github.com/whippet-ml/whippet/interpret/page"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/serve"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
	"github.com/whippet-ml/whippet/weights"
)

// TestEveryFieldHasAFlag goes through the options that each command gives to
// libraries: a field has a flag of the command, or it is said here why none.
func TestEveryFieldHasAFlag(t *testing.T) {
	const code = "a value of the program's own, not of its user"
	const saved = "taken from the saved model or the run's configuration, which check it"
	const pieces = "made by the run's configuration, whose errors name flags"
	const constant = "the command gives a constant that is right"
	block := map[string]string{"Items": code, "Label": pieces, "Split": pieces, "Task": pieces, "ItemTransforms": pieces, "BatchTransforms": pieces,
		"Vocab": saved, "ValidBatchSize": constant, "Prefetch": constant, "CacheBytes": constant, "Check": constant, "Damaged": "its value SkipDamaged has one"}
	const found = "found by looking at the table and the pictures, and told"
	table := map[string]string{"File": "its value is that of --label csv:FILE", "Images": code,
		"Prefix": found, "Suffix": found, "Comma": found, "Header": found}
	judging := map[string]string{"Seed": "nothing is random", "Balance": "nothing is trained", "Repeats": "nothing is trained"}
	decode := map[string]string{"IgnoreOrientation": saved, "Strict": constant}
	type uses struct {
		options any
		none    map[string]string
	}
	for command, all := range map[string][]uses{
		"serve": {
			{serve.Options{}, map[string]string{"Log": "--log says its form", "Decoders": "as many as processors", "Runs": constant}},
			{predict.Options{}, map[string]string{"Decode": "its fields have them", "Decoders": "as many as processors", "Runs": constant}},
			{vision.DecodeOptions{}, decode},
		},
		"predict": {
			{predict.Options{}, map[string]string{"Decode": "its fields have them", "Decoders": "as many as processors", "Runs": constant}},
			{vision.DecodeOptions{}, decode},
		},
		"train": {
			{data.Block{}, block}, {data.CSV{}, table},
			{train.Checkpoints{}, map[string]string{"Dir": code, "Extra": code, "Failed": code}},
			{watch.Options{}, map[string]string{"Title": code, "Epochs": code, "Stats": code, "PicturesEvery": constant}},
			{vision.AugTransforms{}, nil},
		},
		"folds": {
			{data.Block{}, block}, {data.CSV{}, table},
			{train.Checkpoints{}, map[string]string{"Dir": code, "Extra": code, "Failed": code}},
			{vision.AugTransforms{}, nil},
		},
		"lr-find": {{data.Block{}, block}, {data.CSV{}, table}, {vision.AugTransforms{}, nil}},
		"interpret": {
			{data.Block{}, block}, {data.CSV{}, table},
			{page.Options{}, map[string]string{"TopLosses": constant, "Pairs": constant, "MaxPictures": constant, "MaxBytes": constant, "Thumb": constant}},
		},
		"clean":  {{data.Block{}, block}, {data.CSV{}, table}, {copies.Limits{}, map[string]string{"Color": constant}}},
		"export": {{models.ONNXOptions{}, nil}},
	} {
		cmd := find(t, command)
		fields := map[string]bool{"SkipDamaged": true, "AllTrain": true} // values
		for _, u := range all {
			typ := reflect.TypeOf(u.options)
			for _, f := range reflect.VisibleFields(typ) {
				if !f.IsExported() {
					continue
				}
				fields[f.Name] = true
				flag, why := flagOf[command][f.Name], u.none[f.Name]
				if why == "" && typ == reflect.TypeFor[vision.AugTransforms]() {
					why = pieces
				}
				if why == "" {
					why = judging[f.Name]
				}
				if flag == "" && why == "" {
					t.Errorf("%s: %s.%s has neither a flag nor a reason to have none", command, typ, f.Name)
				}
			}
			for name := range u.none {
				if _, ok := typ.FieldByName(name); !ok {
					t.Errorf("%s: %s has no field %s any more", command, typ, name)
				}
			}
		}
		for name, flag := range flagOf[command] {
			flag, _, _ = strings.Cut(strings.TrimPrefix(flag, "--"), " ")
			if cmd.Flags().Lookup(flag) == nil {
				t.Errorf("%s has no flag --%s", command, flag)
			}
			if !fields[name] {
				t.Errorf("%s: no library has a field %s", command, name)
			}
		}
	}
}

// TestConfigIsFlags: every setting of a run is a flag of train, of the same
// name.
func TestConfigIsFlags(t *testing.T) {
	none := map[string]string{"from_digest": "computed", "distill_digest": "computed", "lr_changes": "noted by --resume with --lr", "dir": "where the program was started",
		"weights_fixed": "of --weights", "stats": "of the model of --from or the weights", "ignore_exif": "of the model of --from",
		"head_width": "of the model of --from", "head_dropout": "of the model of --from"}
	cmd := find(t, "train")
	typ := reflect.TypeFor[run.Config]()
	for _, f := range reflect.VisibleFields(typ) {
		if f.Anonymous { // its fields are listed by themselves
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if cmd.Flags().Lookup(strings.ReplaceAll(name, "_", "-")) == nil && none[name] == "" {
			t.Errorf("Config.%s: there is no flag --%s", f.Name, strings.ReplaceAll(name, "_", "-"))
		}
	}
}

func find(t *testing.T, command string) *cobra.Command {
	t.Helper()
	cmd, _, err := newRoot().Find([]string{command})
	if err != nil || cmd.Name() != command {
		t.Fatalf("there is no command %s: %v", command, err)
	}
	return cmd
}

// TestServeErrorsNameFlags gives every field of the service's options a value
// that cannot be: the error names the flag, and no field.
func TestServeErrorsNameFlags(t *testing.T) {
	seen := 0
	for _, f := range reflect.VisibleFields(reflect.TypeFor[serve.Options]()) {
		var o serve.Options
		v := reflect.ValueOf(&o).Elem().FieldByIndex(f.Index)
		switch f.Type.Kind() {
		case reflect.Int, reflect.Int64:
			v.SetInt(-int64(time.Hour))
		case reflect.String:
			v.SetString("missing")
		default:
			continue
		}
		_, err := serve.New(o)
		if err == nil || strings.Contains(err.Error(), "no model to serve") {
			continue // any value is right
		}
		seen++
		flag := flagOf["serve"][f.Name]
		if s := inFlags("serve", err.Error()); flag == "" || !strings.Contains(s, flag+" ") || strings.Contains(s, "Options.") || strings.Contains(s, " "+f.Name+" ") {
			t.Errorf("%s: %s", f.Name, s)
		}
	}
	if seen < 15 {
		t.Errorf("%d fields are checked", seen)
	}
	for o, want := range map[*serve.Options]string{
		{MaxBodies: 1000}:                "--max-bodies is 1000; it must be twice --max-body, 33554432",
		{Queue: 10}:                      "--queue is 10, below --max-pictures, 64",
		{CertFile: "a.pem"}:              `--tls-cert is "a.pem" and --tls-key "": give both or none`,
		{TokenFile: "/MaxBody/KeyFile "}: "/MaxBody/KeyFile ",
	} {
		_, err := serve.New(*o, serve.ModelFile{Name: "m", Path: "none"})
		if err == nil {
			t.Fatal("no error")
		}
		if s := inFlags("serve", err.Error()); !strings.Contains(s, want) {
			t.Errorf("%s; want %s", s, want)
		}
	}
}

// TestErrorsNameFlags makes the errors of package data whose next step is a field,
// and wants the flag in its place.
func TestErrorsNameFlags(t *testing.T) {
	dir := twoClasses(t, 6)
	block := data.Block{Items: vision.ImageFiles, Label: data.RegexLabel(`(.+)_\d+.jpg$`), Split: data.RandomSplit(0.2, 1), ItemTransforms: vision.Resize(32)}
	fails := func(b data.Block) string {
		t.Helper()
		_, err := b.DataLoaders(context.Background(), dir)
		if err == nil {
			t.Fatal("no error")
		}
		return inFlags("train", err.Error())
	}
	sizes := block
	sizes.ItemTransforms = nil
	writeColor(t, filepath.Join(dir, "blue_78.jpg"), 0, 78)
	if err := resized(filepath.Join(dir, "blue_78.jpg")); err != nil {
		t.Fatal(err)
	}
	if s := fails(sizes); !strings.Contains(s, "give --presize, such as --presize 460") {
		t.Error(s)
	}
	if err := os.Remove(filepath.Join(dir, "blue_78.jpg")); err != nil {
		t.Fatal(err)
	}
	one := block
	one.Label = data.RegexLabel(`_(\d)\d.jpg$`)
	if s := fails(one); strings.Contains(s, "RegexLabel") || !strings.Contains(s, "--label 'regex:_(") {
		t.Error(s)
	}
	few := block
	few.Split = data.RandomSplit(0.01, 1)
	if s := fails(few); !strings.Contains(s, "--valid 0.01 (--split-seed 1) leaves none") {
		t.Error(s)
	}
	large := block
	large.BatchSize = 500
	none := block
	none.Split = data.RandomSplit(0, 1)
	if s := fails(large); !strings.Contains(s, "set --batch to 10 or less") || strings.Contains(s, "BatchSize") {
		t.Error(s)
	}
	if s := fails(none); !strings.Contains(s, "--valid 0") || strings.Contains(s, "AllTrain") {
		t.Error(s)
	}
	if err := os.WriteFile(filepath.Join(dir, "blue_77.jpg"), []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := fails(block); !strings.Contains(s, "--damaged skip") || strings.Contains(s, "SkipDamaged") {
		t.Error(s)
	}
}

// TestNextSteps gives commands files that are for another one, and wants that one
// named; the libraries' own errors name no command.
func TestNextSteps(t *testing.T) {
	dir := t.TempDir()
	body := filepath.Join(dir, "body.safetensors")
	if err := weights.Save(body, &weights.File{Arrays: nn.State(models.NewClassifier(mustArch(t, "squeezenet1_1"), 2, rng.New(1)).Body).Arrays()}); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(dir, "whole.safetensors")
	if err := weights.Save(whole, &weights.File{Arrays: nn.State(mustArch(t, "resnet18").Full(5, rng.New(1))).Arrays()}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"predict", body, "a.png"}, "whippet import makes a model"},
		{[]string{"export", body, "--out", filepath.Join(dir, "a.onnx")}, "whippet train --weights"},
		{[]string{"import", whole, "--labels", "a,b,c,d,e", "--out", filepath.Join(dir, "b.safetensors")}, "whippet train --weights"},
	} {
		_, err := runCommand(t, nil, c.args...)
		if err == nil {
			t.Errorf("%q: no error", c.args)
			continue
		}
		if strings.Contains(err.Error(), "whippet train") || strings.Contains(err.Error(), "whippet import") {
			t.Errorf("%q: the library names a command: %v", c.args, err)
		}
		if step := nextStep(err); !strings.Contains(step, c.want) {
			t.Errorf("%q: the next step after %v is %q, want %q in it", c.args, err, step, c.want)
		}
	}
}

func mustArch(t *testing.T, name string) *models.Architecture {
	t.Helper()
	a, err := models.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// resized makes another picture of a JPEG's file: half as large.
func resized(path string) error {
	m, err := vision.DecodeFile(path, vision.DecodeOptions{})
	if err != nil {
		return err
	}
	small, err := vision.Resizer{Method: preprocess.Squish, Width: m.Width / 2, Height: m.Height / 2}.ApplyAt(m, 0.5, 0.5)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, vision.ToImage(small), nil); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}

// TestPictureLimitsNameFlags: the limits that predict sets are called as there.
func TestPictureLimitsNameFlags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "blue_1.jpg")
	writeColor(t, path, 0, 1)
	for _, o := range []vision.DecodeOptions{{MaxPixels: 1}, {MaxBytes: 1}} {
		_, err := vision.DecodeFile(path, o)
		if err == nil {
			t.Fatal("no error")
		}
		if s := inFlags("predict", err.Error()); !strings.Contains(s, "the limit is 1 (--max-") || strings.Contains(s, "Options") {
			t.Error(s)
		}
	}
}
