package task_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/finetune"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
)

// This file is a task from outside the package: multi-label classification, as
// fastai's MultiCategoryBlock with BCEWithLogitsLossFlat and accuracy_multi. The
// test at its end trains, saves, loads and uses a model of it, to show that a new
// task needs nothing besides a file like this.

var registered = task.Register(anyLabels{})

// anyLabels is the task: any number of labels an item.
type anyLabels struct{}

func (anyLabels) Name() string                          { return "test_any_labels" }
func (anyLabels) Vocabulary(labels [][]string) []string { return task.SortedSet(labels) }
func (anyLabels) Exclusive() bool                       { return false }
func (anyLabels) MinClasses() int                       { return 1 }

func (anyLabels) Encode(vocab []string, labels [][]string) (target.Targets, error) {
	v := tensor.New(len(labels), len(vocab))
	err := task.Lookup(vocab, labels, func(item, class int) { v.Data[item*len(vocab)+class] = 1 })
	return target.Targets{Values: v}, err
}

func (anyLabels) Labels(vocab []string, y target.Targets, i int) []string {
	var names []string
	for k, v := range y.Row(i) {
		if v >= 0.5 {
			names = append(names, vocab[k])
		}
	}
	return names
}

func (anyLabels) Loss(o task.LossOptions) (loss.Func, error) {
	if o.Smoothing != 0 || o.Weight != nil {
		return nil, fmt.Errorf("binary cross-entropy has neither label smoothing nor class weights here")
	}
	return binaryCrossEntropy{}, nil
}

func (anyLabels) Metrics() metrics.Choices {
	return metrics.Choices{{Name: "accuracy_multi", New: func() metrics.Metric { return &multiAccuracy{} }}}
}

func (anyLabels) Activate(logits, probs *tensor.Tensor) error {
	for i, x := range logits.Data {
		probs.Data[i] = float32(1 / (1 + math.Exp(-float64(x))))
	}
	return nil
}

func (anyLabels) Activation(g *onnx.Graph, output string, logits onnx.Value) onnx.Value {
	return g.AddNode("Sigmoid", output, []onnx.Value{logits})
}

func (anyLabels) Decode(probs, thresholds []float32) []int {
	var chosen []int
	for k, p := range probs {
		if thresholds == nil && p > 0.5 || thresholds != nil && p > thresholds[k] {
			chosen = append(chosen, k)
		}
	}
	slices.SortStableFunc(chosen, func(a, b int) int {
		if probs[a] > probs[b] {
			return -1
		}
		return 1
	})
	return chosen
}

func (anyLabels) CheckProbs(probs []float32) error {
	for k, p := range probs {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("probability of class %d is %v; expected a number in 0..1", k, p)
		}
	}
	return nil
}

func (anyLabels) ItemLoss(probs []float32, y target.Targets, i int) float32 {
	var sum float64
	for k, t := range y.Row(i) {
		p := math.Min(math.Max(float64(probs[k]), 1e-7), 1-1e-7)
		sum -= float64(t)*math.Log(p) + (1-float64(t))*math.Log(1-p)
	}
	return float32(sum / float64(len(probs)))
}

// binaryCrossEntropy is BCEWithLogitsLoss: the mean over items and classes of
// log(1+exp(x)) - t·x.
type binaryCrossEntropy struct{}

func (binaryCrossEntropy) Reduce() loss.Reduction { return loss.Mean }
func (binaryCrossEntropy) String() string         { return "binary_cross_entropy" }

func (b binaryCrossEntropy) Forward(logits *tensor.Tensor, y target.Targets, items []float32) (float64, error) {
	return b.run(logits, y, items, nil)
}

func (b binaryCrossEntropy) ForwardBackward(logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) (float64, error) {
	return b.run(logits, y, items, dlogits)
}

func (binaryCrossEntropy) run(logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) (float64, error) {
	n, c := logits.Shape[0], logits.Shape[1]
	if err := y.CheckValues(n, c); err != nil {
		return 0, err
	}
	var total float64
	for i := range n {
		var item float64
		for k, t := range y.Row(i) {
			x := float64(logits.Data[i*c+k])
			item += math.Max(x, 0) - x*float64(t) + math.Log1p(math.Exp(-math.Abs(x)))
			if dlogits != nil {
				dlogits.Data[i*c+k] = float32((1/(1+math.Exp(-x)) - float64(t)) / float64(n*c))
			}
		}
		if items != nil {
			items[i] = float32(item / float64(c))
		}
		total += item
	}
	return total / float64(n*c), nil
}

// multiAccuracy is the fraction of (item, class) pairs that are on the right side
// of one half.
type multiAccuracy struct{ right, all int }

func (*multiAccuracy) Name() string         { return "accuracy_multi" }
func (*multiAccuracy) Unit() string         { return "fraction" }
func (*multiAccuracy) HigherIsBetter() bool { return true }
func (m *multiAccuracy) Reset()             { *m = multiAccuracy{} }
func (m *multiAccuracy) Value() float64     { return float64(m.right) / float64(m.all) }

func (m *multiAccuracy) Update(probs *tensor.Tensor, y target.Targets) error {
	if err := y.CheckValues(probs.Shape[0], probs.Shape[1]); err != nil {
		return err
	}
	for i, p := range probs.Data {
		if (p > 0.5) == (y.Values.Data[i] > 0.5) {
			m.right++
		}
	}
	m.all += len(probs.Data)
	return nil
}

func (m *multiAccuracy) Merge(other metrics.Metric) error {
	o, ok := other.(*multiAccuracy)
	if !ok {
		return fmt.Errorf("%s is no accuracy_multi", other.Name())
	}
	m.right, m.all = m.right+o.right, m.all+o.all
	return nil
}

// patches draws a gray picture of 32 by 32 pixels, with a patch of color for each
// label, at a place of its own choice.
func patches(it data.Item) (*data.Image, error) {
	img := data.NewImage(32, 32)
	r := rand.New(rand.NewPCG(1, uint64(len(it.Path))<<32|uint64(it.Path[0])<<16|uint64(it.Path[len(it.Path)-1])))
	for i := range img.Pix {
		img.Pix[i] = byte(100 + r.IntN(40))
	}
	for channel, label := range []string{"red", "green", "blue"} {
		if !slices.Contains(strings.Fields(it.Fields["tags"]), label) {
			continue
		}
		x0, y0 := r.IntN(20), r.IntN(20)
		for y := y0; y < y0+12; y++ {
			for x := x0; x < x0+12; x++ {
				img.Pix[3*(32*y+x)+channel] = 255
			}
		}
	}
	return img, nil
}

// TestTaskFromOutside takes the multi-label task of this file through data,
// training with mixup, metrics, interpretation, the model file, prediction and
// export.
func TestTaskFromOutside(t *testing.T) {
	ctx := context.Background()
	if registered != nil {
		t.Fatal(registered)
	}
	if err := task.Register(anyLabels{}); err == nil || !strings.Contains(err.Error(), "test_any_labels") {
		t.Errorf("registered twice: error %v, want one that names the task", err)
	}

	var items []data.Item
	for i := range 160 {
		var tags []string
		for k, l := range []string{"red", "green", "blue"} {
			if i>>k&1 == 1 {
				tags = append(tags, l)
			}
		}
		items = append(items, data.Item{Path: fmt.Sprintf("%c%d", 'a'+i%26, i), Fields: map[string]string{"tags": strings.Join(tags, " ")}})
	}
	block := data.Block{
		Items: data.Fixed(items, patches), Label: data.ColumnLabels("tags", " "), Task: anyLabels{},
		Split: data.StratifiedSplit(0.25, 1), Check: data.CheckNone,
		BatchTransforms: vision.AugTransforms{Size: 32}, BatchSize: 16, Seed: 3,
	}
	dls, err := block.DataLoaders(ctx, ".")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(dls.Vocab, []string{"blue", "green", "red"}) || len(dls.Warnings) > 0 {
		t.Fatalf("vocabulary %q, warnings %q", dls.Vocab, dls.Warnings)
	}
	var summary bytes.Buffer
	if err := block.Summary(ctx, ".", &summary); err != nil || !strings.Contains(summary.String(), "target [") {
		t.Errorf("summary: %v\n%s", err, summary.String())
	}

	measure, err := dls.Task().Metrics().ByName("accuracy_multi")
	if err != nil {
		t.Fatal(err)
	}
	l, err := finetune.NewLearner(ctx, dls, models.ResNet10Small, finetune.RandomWeights(), train.Metrics(measure), train.Seed(5), train.Callbacks(&train.MixUp{Alpha: 0.1}))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.FitOneCycle(ctx, 6, schedule.Flat(5e-3)); err != nil {
		t.Fatal(err)
	}
	res, err := l.Validate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("validation loss %.3f, accuracy %.3f", res.Loss, res.Metrics[0])
	if res.Metrics[0] < 0.9 { // chance is 0.5
		t.Errorf("accuracy %v after training, want 0.9 and more", res.Metrics[0])
	}

	table, err := interpret.FromLearner(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	if a := table.Accuracy(); a < 0.7 || math.Abs(table.MeanLoss()-res.Loss) > 1e-5 || table.ConfusionMatrix().Total() != 0 {
		t.Errorf("table: accuracy %v, loss %v (validation %v), %d in the confusion matrix", a, table.MeanLoss(), res.Loss, table.ConfusionMatrix().Total())
	}
	tta, err := l.TTA(ctx, nil, 1, 1) // all of the plain prediction
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range tta.Losses {
		if math.Abs(float64(v-table.Rows[i].Loss)) > 1e-4 {
			t.Errorf("item %d: loss %v of probabilities, %v of scores", i, v, table.Rows[i].Loss)
		}
	}

	info := models.Info{Task: dls.Task().Name(), Vocab: dls.Vocab, Thresholds: []float32{0.5, 0.5, 2},
		Preprocess: preprocess.Config{Size: 32, Stats: preprocess.ImageNetStats}}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := models.Save(path, l.Model, info); err != nil {
		t.Fatal(err)
	}
	p, err := predict.Load(path, predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	several := 0
	for i, it := range dls.Valid.Items()[:16] {
		img, err := patches(it)
		if err != nil {
			t.Fatal(err)
		}
		a, err := p.Image(ctx, img)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Clone(table.Rows[i].Answers), func(s string) bool { return s == "red" }) // whose threshold is out of reach
		if got := a.Labels(); !slices.Equal(got, want) {
			t.Errorf("%s: the saved model says %q, the learner %q", it.Path, got, want)
		}
		var chosen []string
		for _, s := range a.Top(0) {
			if s.Chosen {
				chosen = append(chosen, s.Label)
			}
		}
		if !slices.Equal(chosen, want) {
			t.Errorf("%s: chosen %q of %v, want %q", it.Path, chosen, a.Top(0), want)
		}
		if len(want) == 2 {
			several++
		}
	}
	if several == 0 {
		t.Error("no picture has several labels: the test shows nothing")
	}

	g, err := models.ONNX(l.Model, info, models.ONNXOptions{Probabilities: true})
	if err != nil {
		t.Fatal(err)
	}
	var graph bytes.Buffer
	if err := g.Write(&graph); err != nil || !bytes.Contains(graph.Bytes(), []byte("Sigmoid")) || bytes.Contains(graph.Bytes(), []byte("Softmax")) {
		t.Errorf("the exported graph ends in no sigmoid (%v)", err)
	}
}

// TestModelFileNamesItsTask: an unknown task and thresholds that do not fit are
// errors, and a file without a task is of a single-label classifier.
func TestModelFileNamesItsTask(t *testing.T) {
	b, err := json.Marshal(models.Info{Task: "segmentation", Vocab: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"", "", `the task "segmentation" is unknown to this program, which knows multi_label, regression, single_label`},
		{"segmentation", "single_label", ""},
		{`"task":"segmentation",`, "", ""},
		{`"segmentation"`, `"single_label","thresholds":[1]`, "1 thresholds for 2 classes"},
	} {
		var info models.Info
		if err := json.Unmarshal([]byte(strings.Replace(string(b), c.from, c.to, 1)), &info); err != nil {
			t.Fatal(err)
		}
		by, err := info.Decoder()
		switch {
		case c.want == "" && (err != nil || by.Task != task.SingleLabel):
			t.Errorf("%s for %s: task %v, error %v, want single-label classification", c.to, c.from, by.Task, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s for %s: error %v, want one that says %q", c.to, c.from, err, c.want)
		}
	}
}
