package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/optim"
)

// TrainBatch takes one training step on b outside a fit: forward, loss,
// backward, optimizer, with one Hyper for each layer group. No callbacks are
// called and no schedule moves; it is for loops of one's own and for
// measurements. With shards, b is cut into them; all ranks are given the same b. The
// caller releases b.
func (l *Learner) TrainBatch(b *data.Batch, hyper []optim.Hyper) error {
	if len(hyper) != len(l.groups) {
		return fmt.Errorf("train: TrainBatch: hyperparameters for %d layer groups, the model has %d", len(hyper), len(l.groups))
	}
	if b == nil || b.X == nil || b.Y.Len() == 0 || b.X.Dim(0) != b.Y.Len() {
		return fmt.Errorf("train: TrainBatch: the batch needs pictures and a label for each")
	}
	if err := l.prepareTeaching(); err != nil {
		return err
	}
	if err := l.scaleRates(l.LayerDecay); err != nil {
		return err
	}
	l.Hyper = append(l.Hyper[:0], hyper...)
	err := l.step(context.Background(), &given{b, l.Shards})
	l.Batch, l.Logits = nil, nil
	if errors.Is(err, errLeftOut) {
		return l.smallBatch(b)
	}
	return err
}
