package winograd

import (
	"math"
	"unsafe"

	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// Kernels are the transforms of Winograd convolution for one instruction
// set, and the product between them. Assembly does not check bounds: callers
// pass slices that hold every element that the twins' contracts name.
type Kernels struct {
	// By tile shape: V = Bᵀ d B, see winoInputGo; dM = A dy Aᵀ, see winoGradGo.
	Input, Grad [winoShapes]func(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int)

	// By tile shape: y = Aᵀ M A, see winoOutputGo. With bias nil there is no
	// epilogue; else bias, res unless it is nil, and max(floor, .) are applied.
	Output [winoShapes]winoOutputFunc
	// OutputNonTemporal is Output of 4x4 tiles with non-temporal stores, to lines
	// of 64 bytes.
	OutputNonTemporal winoOutputFunc

	Filter     func(n int, src []float32, srcStep, tap int, dst []float32, dstStep, stride int) // U = G g Gᵀ, see winoFilterGo
	FilterGrad func(n int, src []float32, srcStep, stride int, dst []float32, dstStep, tap int) // dg = Gᵀ dU G, see winoFilterGradGo
	Product    func(k int, a, b, c *float32, rows int, accumulate bool)                         // C = A*B or C += A*B, see winoProductGo
	Transpose  func(n int, src []float32, srcRow int, dst []float32, dstRow int)                // n blocks of 16x16, see winoTransposeGo
	Prefetch   func(r *winoRegion, n int)                                                       // asks for the next n lines of r, and moves it on

	NonTemporalFloats int // see ground.StoresNonTemporal
}

type winoOutputFunc = func(n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res *float32, resRow, resCol int, floor float32)

// Table has the kernels of Winograd convolution of each instruction set.
var Table isa.Table[Kernels]

func init() {
	k := Kernels{
		Filter:            winoFilterGo,
		FilterGrad:        winoFilterGradGo,
		Product:           winoProductGo,
		Transpose:         winoTransposeGo,
		Prefetch:          func(*winoRegion, int) {},
		NonTemporalFloats: ground.NeverNonTemporal,
	}
	for s := range winoShape(winoShapes) {
		k.Input[s] = func(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
			winoInputGo(s, n, src, srcStep, row, col, dst, dstStep, stride)
		}
		k.Grad[s] = func(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
			winoGradGo(s, n, src, srcStep, row, col, dst, dstStep, stride)
		}
		k.Output[s] = winoOutputTwin(s)
	}
	k.OutputNonTemporal = k.Output[wino44]
	Table.Add(isa.Generic, k)
}

// winoOutputTwin is winoOutputGo behind the arguments of the assembly.
func winoOutputTwin(s winoShape) winoOutputFunc {
	return func(n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res *float32, resRow, resCol int, floor float32) {
		var b, r []float32
		if bias != nil && bias != &winoNoBias[0] {
			b = unsafe.Slice(bias, n*winoLanes)
		}
		if res != nil {
			r = unsafe.Slice(res, n*winoLanes+(s.rows()-1)*resRow+(s.cols()-1)*resCol)
		}
		winoOutputGo(s, n, src, srcStep, stride, y, row, col, b, r, resRow, resCol, bias != nil && floor == 0)
	}
}

// winoInput computes V = Bᵀ d B; see winoInputGo.
func winoInput(shape winoShape, n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
	Table.Active().Input[shape](n, src, srcStep, row, col, dst, dstStep, stride)
}

// winoGrad computes dM = A dy Aᵀ; see winoGradGo.
func winoGrad(shape winoShape, n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
	Table.Active().Grad[shape](n, src, srcStep, row, col, dst, dstStep, stride)
}

// winoProduct computes C = A*B or C += A*B; see winoProductGo.
func winoProduct(k int, a, b, c *float32, rows int, accumulate bool) {
	Table.Active().Product(k, a, b, c, rows, accumulate)
}

// winoFilter computes U = G g Gᵀ; see winoFilterGo.
func winoFilter(n int, src []float32, srcStep, tap int, dst []float32, dstStep, stride int) {
	Table.Active().Filter(n, src, srcStep, tap, dst, dstStep, stride)
}

// winoFilterGrad computes dg = Gᵀ dU G; see winoFilterGradGo.
func winoFilterGrad(n int, src []float32, srcStep, stride int, dst []float32, dstStep, tap int) {
	Table.Active().FilterGrad(n, src, srcStep, stride, dst, dstStep, tap)
}

// winoTranspose turns n blocks of 16x16; see winoTransposeGo.
func winoTranspose(n int, src []float32, srcRow int, dst []float32, dstRow int) {
	Table.Active().Transpose(n, src, srcRow, dst, dstRow)
}

// winoPrefetch asks for the next n lines of r.
func winoPrefetch(r *winoRegion, n int) { Table.Active().Prefetch(isa.Arg(r), n) }

// winoOutput computes y = Aᵀ M A with its epilogue; see winoOutputGo. With
// nonTemporal, for 4x4 tiles, ground.StoreFence must follow.
func winoOutput(shape winoShape, n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res []float32, resRow, resCol int, relu, nonTemporal bool) {
	b, r, floor := winoEnds(bias, res, relu)
	kernel := Table.Active().Output[shape]
	if nonTemporal && shape == wino44 {
		kernel = Table.Active().OutputNonTemporal
	}
	kernel(n, src, srcStep, stride, y, row, col, b, r, resRow, resCol, floor)
}

// winoNoBias is the bias of an epilogue that has none.
var winoNoBias [gemm.MaxTileCols]float32

// winoEnds returns an epilogue as the kernels take it; b is nil when there is
// none.
func winoEnds(bias, res []float32, relu bool) (b, r *float32, floor float32) {
	if bias == nil && res == nil && !relu {
		return nil, nil, 0
	}
	b = &winoNoBias[0]
	if bias != nil {
		b = &bias[0]
	}
	if res != nil {
		r = &res[0]
	}
	if !relu {
		floor = float32(math.Inf(-1))
	}
	return b, r, floor
}
