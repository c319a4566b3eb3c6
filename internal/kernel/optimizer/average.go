package optimizer

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// Average moves an average by the share weight of the way to p, which has its
// length: avg = avg + weight*(p-avg), an exponential moving average of decay
// 1-weight (torch.lerp). Where p is the average already, it stays, to the bit.
func Average(avg, p []float32, weight float64) {
	ground.Need("optimizer.Average", "p", len(p), len(avg))
	type args struct {
		avg, p []float32
		weight float32
	}
	parallel.ChunksWith(len(avg), rowwise.FlatChunk, args{avg, p, float32(weight)}, func(a *args, lo, hi int) {
		lerp(a.avg[lo:hi], a.p[lo:hi], a.weight)
	})
}

func lerp(y, x []float32, w float32) {
	rowwise.Flat(table.Active().Lerp, len(y), [8]float32{w}, y, x)
}

func lerpGo(y, x []float32, w float32) {
	x = x[:len(y)]
	for i, v := range x {
		y[i] += float32(w * (v - y[i]))
	}
}
