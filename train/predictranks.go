package train

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/tensor"
)

// predictTogether is predictEach on several ranks. In each round every rank predicts one batch, and all get what
// all predicted: whatever is made of it is made from the same numbers in the same order as
// on one rank, for any metric.
func (l *Learner) predictTogether(ctx context.Context, inf *nn.Inference, dl *data.Loader, src source, each func(b *data.Batch, logits *tensor.Tensor) error) error {
	ranks := l.group.Size()
	for first := 0; first < dl.Len(); first += ranks {
		var (
			b      *data.Batch
			logits *tensor.Tensor
			own    error
		)
		if n := first + l.group.Rank(); n < dl.Len() {
			b, logits, own = l.predictBatch(ctx, inf, dl, src, n)
		}
		mine := appendPrediction(newReport(own).append(nil), b, logits)
		if b != nil {
			b.Release()
		}
		all, err := l.group.AllGatherBytes(mine)
		if err != nil {
			return err
		}
		reports := make([]report, ranks)
		for r := range all {
			if reports[r], all[r], err = parseReport(all[r], 0); err != nil {
				return fmt.Errorf("rank %d: %w", r, err)
			}
		}
		if err := l.verdict(reports, own); err != nil {
			return err
		}
		for r := range all {
			index, logits, err := parsePrediction(all[r], l.Model.Classes, len(dl.Items()))
			if err != nil {
				return fmt.Errorf("rank %d: %w", r, err)
			}
			if len(index) == 0 {
				continue
			}
			if err := each(&data.Batch{Y: dl.Targets().Gather(index), Index: index, Number: first + r}, logits); err != nil {
				return err
			}
		}
	}
	return nil
}

// appendPrediction writes the items of a batch and their logits behind dst; nothing for
// no batch.
func appendPrediction(dst []byte, b *data.Batch, logits *tensor.Tensor) []byte {
	if b == nil {
		return dst
	}
	for _, i := range b.Index {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(i))
	}
	for _, v := range logits.Data {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
	}
	return dst
}

// parsePrediction reads what appendPrediction wrote.
func parsePrediction(b []byte, classes, items int) (index []int, logits *tensor.Tensor, err error) {
	n := len(b) / (4 * (1 + classes))
	if len(b) != n*4*(1+classes) {
		return nil, nil, fmt.Errorf("train: a prediction of %d bytes is not one of pictures of %d classes", len(b), classes)
	}
	for range n {
		i := int(binary.LittleEndian.Uint32(b))
		if i >= items {
			return nil, nil, errors.New("train: a prediction is of a picture that this rank does not have")
		}
		index, b = append(index, i), b[4:]
	}
	logits = tensor.New(n, classes)
	for i := range logits.Data {
		logits.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return index, logits, nil
}
