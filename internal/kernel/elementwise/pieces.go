package elementwise

import "github.com/whippet-ml/whippet/internal/kernel/ground"

// This file holds what others do to a piece of their own work, on the calling
// goroutine alone.

// AddPiece is Add on the calling goroutine alone.
func AddPiece(x, y, dst []float32) {
	const op = "elementwise.AddPiece"
	ground.Need(op, "y", len(y), len(x))
	ground.Need(op, "dst", len(dst), len(x))
	add(x, y, dst)
}

// AddBiasPiece is AddBias on the calling goroutine alone.
func AddBiasPiece(x, bias, y []float32, rows, c int) {
	const op = "elementwise.AddBiasPiece"
	ground.Need(op, "x", len(x), rows*c)
	ground.Need(op, "bias", len(bias), c)
	ground.Need(op, "y", len(y), rows*c)
	if rows*c > 0 {
		addBias(x, bias, y, rows, c)
	}
}

// SumPiece adds the column sums of x [rows, c] to sums [c], in float32, on the
// calling goroutine alone.
func SumPiece(x []float32, rows, c int, sums []float32) {
	const op = "elementwise.SumPiece"
	ground.Need(op, "x", len(x), rows*c)
	ground.Need(op, "sums", len(sums), c)
	if rows*c > 0 {
		sumRows(x, rows, c, sums)
	}
}
