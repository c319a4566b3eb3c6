package command

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/vision"
	"github.com/whippet-ml/whippet/weights"
)

// TestTrainFrom goes on from a saved model at a rate of almost nothing: the head
// is the saved one, not a new one, and the input's size is taken over.
func TestTrainFrom(t *testing.T) {
	dir, runs := twoClasses(t, 12), t.TempDir()
	first, second := filepath.Join(runs, "first"), filepath.Join(runs, "second")
	if _, err := runCommand(t, nil, "train", "--data", dir, "--arch", "squeezenet1_1", "--weights", "none", "--presize", "40", "--size", "32",
		"--batch", "4", "--epochs", "1", "--seed", "1", "--out", first); err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(first, "model.safetensors")
	if _, err := runCommand(t, nil, "train", "--data", dir, "--from", saved, "--batch", "4", "--epochs", "1", "--lr", "1e-12", "--weight-decay", "0",
		"--seed", "2", "--out", second); err != nil {
		t.Fatal(err)
	}
	a, _, err := models.Load(saved)
	if err != nil {
		t.Fatal(err)
	}
	b, info, err := models.Load(filepath.Join(second, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Preprocess.Size != 32 || info.Preprocess.Presize != 40 {
		t.Errorf("input of %d and %d pixels, want the first model's 32 and 40", info.Preprocess.Size, info.Preprocess.Presize)
	}
	ea, eb := a.Groups()[2], b.Groups()[2]
	for i, e := range ea {
		if e.Param == nil {
			continue // running statistics move
		}
		for k, v := range e.Param.Value.Data {
			if d := v - eb[i].Param.Value.Data[k]; d > 1e-6 || d < -1e-6 {
				t.Fatalf("%s[%d] was %v and is %v", e.Name, k, v, eb[i].Param.Value.Data[k])
			}
		}
	}
	// With the same seed, the second run must not repeat the first one's random numbers.
	c, err := run.ReadConfig(filepath.Join(second, run.ConfigFile))
	if err != nil || c.FromDigest == 0 || c.From != saved {
		t.Errorf("the settings say from %q, digest %d, %v", c.From, c.FromDigest, err)
	}
	before, after := run.Config{Seed: 5}, run.Config{Seed: 5, FromDigest: c.FromDigest}
	a1, e1 := blockSeed(before)
	a2, e2 := blockSeed(after)
	if e1 != nil || e2 != nil || a1 != 5 || a2 == 5 {
		t.Errorf("loaders are seeded with %d and %d (%v, %v), want 5 and another", a1, a2, e1, e2)
	}
	other := twoClasses(t, 12)
	for i := range 12 {
		if err := os.Rename(filepath.Join(other, fmt.Sprintf("red_%02d.jpg", i)), filepath.Join(other, fmt.Sprintf("green_%02d.jpg", i))); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"architecture too": {[]string{"--data", dir, "--arch", "resnet18"}, "--arch does not go with --from"},
		"other classes":    {[]string{"--data", other, "--batch", "4"}, `the data lacks "red", which the model would forget`},
	} {
		args := append([]string{"train", "--from", saved, "--out", filepath.Join(runs, name)}, tc.args...)
		if _, err := runCommand(t, nil, args...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v does not say %q", name, err, tc.want)
		}
	}
}

// TestTrainFromFewerClasses teaches a saved model one class more: its own keep their rows, what
// they lost is told, and an interrupted run could go on.
func TestTrainFromFewerClasses(t *testing.T) {
	dir, runs := twoClasses(t, 12), t.TempDir()
	first, second := filepath.Join(runs, "first"), filepath.Join(runs, "second")
	small := []string{"train", "--data", dir, "--batch", "4", "--epochs", "1", "--seed", "1"}
	if _, err := runCommand(t, nil, append(small, "--arch", "resnet10_small", "--weights", "none", "--presize", "40", "--size", "32", "--out", first)...); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		writeColor(t, filepath.Join(dir, fmt.Sprintf("green_%02d.jpg", i)), 2, 100+i)
	}
	text, err := runCommand(t, nil, append(small, "--from", first, "--lr", "1e-12", "--weight-decay", "0", "--out", second)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"what the model of --from found of its classes, and finds now", "all of them", "taken for a new class",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
	a, _, err := models.Load(filepath.Join(first, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	b, info, err := models.Load(filepath.Join(second, "model.safetensors"))
	if err != nil || !slices.Equal(info.Vocab, []string{"blue", "green", "red"}) {
		t.Fatalf("classes %q, %v", info.Vocab, err)
	}
	last := func(c *models.Classifier) weights.Array { // its last layer's weights
		arrays := nn.Parameters(c.Head).Arrays()
		return arrays[len(arrays)-1]
	}
	was, is := last(a), last(b)
	row := len(was.F32) / 2
	for k, to := range []int{0, 2} {
		for i := range row {
			if d := was.F32[k*row+i] - is.F32[to*row+i]; d > 1e-6 || d < -1e-6 {
				t.Fatalf("row %d of %s has moved: %v, %v", k, was.Name, was.F32[k*row+i], is.F32[to*row+i])
			}
		}
	}
	js, err := runCommand(t, nil, append(small, "--from", first, "--json", "--out", filepath.Join(runs, "third"))...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the model of --from learns 1 more to its 2 classes: green; what its head knows of the others is kept", `"event":"grown"`, `"to_new":`, `"trained_on":`} {
		if !strings.Contains(js, want) {
			t.Errorf("the output lacks %q:\n%s", want, js)
		}
	}
}

// TestTrainFromOtherPreprocessing goes on from a model whose pictures were
// normalized in another way, not turned as EXIF says, and whose head is another: all
// of it is the second model's too, and a run that is resumed has it again.
func TestTrainFromOtherPreprocessing(t *testing.T) {
	for _, first := range []*models.Classifier{
		models.NewClassifier(models.SqueezeNet1_1, 2, rng.New(1), models.HeadWidth(24), models.HeadDropout(0.25)),
		models.NewOwnHead(models.ResNet10Small, 2, rng.New(1)),
	} {
		t.Run(first.Arch.Name, func(t *testing.T) { trainFromOther(t, first) })
	}
}

func trainFromOther(t *testing.T, first *models.Classifier) {
	dir, runs := twoClasses(t, 12), t.TempDir()
	saved, out := filepath.Join(runs, "first.safetensors"), filepath.Join(runs, "second")
	pre := preprocess.Config{Presize: 40, Method: preprocess.Pad, Size: 32, Stats: preprocess.MNISTStats, RawEXIF: true}
	if err := models.Save(saved, first, models.Info{Vocab: []string{"blue", "red"}, Preprocess: pre}); err != nil {
		t.Fatal(err)
	}
	if _, err := runCommand(t, nil, "train", "--data", dir, "--from", saved, "--batch", "4", "--epochs", "1", "--presize", "36", "--seed", "2", "--out", out); err != nil {
		t.Fatal(err)
	}
	asked := run.Config{From: saved, Presize: 36}
	notes, err := asked.ContinueFrom(func(flag string) bool { return flag == "presize" })
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"normalized as the model of --from", "mean [0.131 0.131 0.131]", "EXIF orientation of pictures is left unapplied", "--presize 36: the model of --from was trained with 40"} {
		if said := strings.Join(notes, "\n"); !strings.Contains(said, want) {
			t.Errorf("it says\n%s\nwithout %q", said, want)
		}
	}
	_, info, err := models.Load(filepath.Join(out, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	pre.Presize = 36
	own := info.Head == models.OwnHead
	if info.Preprocess != pre || own != first.OwnHead || !own && (info.HeadDropout == nil || *info.HeadDropout != 0.25) {
		t.Errorf("the second model has %+v and the head %q with dropout %v, want those of the first and %+v", info.Preprocess, info.Head, info.HeadDropout, pre)
	}
	c, err := run.ReadConfig(filepath.Join(out, run.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	block, err := c.Block(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := block.Items.(vision.Files); !ok || !s.Decode.IgnoreOrientation || c.Preprocess() != pre {
		t.Errorf("pictures of the settings are read by %+v and prepared by %+v; want the first model's", block.Items, c.Preprocess())
	}
	ctx := context.Background()
	dls, err := block.DataLoaders(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer dls.Close()
	l, err := c.Resumed(ctx, dls)
	if err != nil {
		t.Fatal(err)
	}
	f, err := weights.Load(filepath.Join(out, "model.safetensors"))
	if err == nil {
		err = nn.State(l.Model).Load(f)
	}
	if err != nil {
		t.Errorf("the network of a resumed run is not the model's: %v", err)
	}
}

// blockSeed returns what the loaders of a run are seeded with.
func blockSeed(c run.Config) (uint64, error) {
	full := run.Default()
	full.Seed, full.FromDigest, full.Data, full.Label, full.Valid = c.Seed, c.FromDigest, "x", "folder", "0.2"
	b, err := full.Block("x")
	return b.Seed, err
}
