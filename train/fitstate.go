package train

import (
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// State is where a fit is, for callbacks: what the learner works on, and where in
// its plan.
type State struct {
	Batch   *data.Batch    // the current batch, or shard of it; nil after a step in which this rank had no pictures
	Targets target.Targets // its targets; mixup replaces them
	Logits  *tensor.Tensor // [N,classes], after AfterPred
	LossNow float64        // the batch's loss, after AfterLoss; of a shard until AfterBackward
	Hyper   []optim.Hyper  // per layer group, of the current step

	Epoch  int // epoch of the current fit, from 0
	Epochs int // number of epochs of the current fit
	Size   int // side of the training pictures in pixels, where the learner has Stages; otherwise 0
	Shard  int // of the batch, from 0, while shards are computed; see Shards
	Iter   int // batch of the epoch, from 0
	Iters  int // batches in the epoch
	Phase  int // phase of the current plan (FineTune has two), from 0
	Phases int // number of phases of the current plan
	Step   int // training steps taken in all fits together
}

// Results is what came of training.
type Results struct {
	Recorder *Recorder // the history of all fits

	// Of the last validation, after AfterValidate.
	ValidLoss    float64
	MetricValues []float64 // of Metrics, in order
}
