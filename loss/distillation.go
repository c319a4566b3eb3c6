package loss

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/tensor"
)

// Distillation adds to a loss on labels one on the scores of another network, the teacher, which has
// learned the classes already:
//
//	(1-Alpha)·labels + Alpha·T²·KL(softmax(teacher/T) ‖ softmax(student/T))
//
// with T the Temperature and the divergence's mean over the items: Hinton, Vinyals and Dean 2015, https://arxiv.org/abs/1503.02531;
// PyTorch's KLDivLoss under reduction batchmean. Hard takes the teacher's best class for a label instead:
//
//	(1-Alpha)·labels + Alpha·cross-entropy(student, argmax(teacher))
//
// which is the hard-label distillation of Touvron et al. 2021 (DeiT, https://arxiv.org/abs/2012.12877), there with Alpha 0.5.
type Distillation struct {
	Alpha       float64 // the teacher's share, in (0,1]
	Temperature float64 // above 0; Hard has no use for it
	Hard        bool
}

// Check reports a share or a temperature that cannot be.
func (d Distillation) Check() error {
	switch {
	case !(d.Alpha > 0 && d.Alpha <= 1):
		return fmt.Errorf("loss: Distillation.Alpha is %v: the teacher's share must be above 0, and 1 at most", d.Alpha)
	case !d.Hard && !(d.Temperature > 0 && d.Temperature <= 1000):
		return fmt.Errorf("loss: Distillation.Temperature is %v: must be above 0, and 1000 at most", d.Temperature)
	}
	return nil
}

// String names the options, as a checkpoint holds them.
func (d Distillation) String() string {
	if d.Hard {
		return fmt.Sprintf("hard distillation(alpha=%v)", d.Alpha)
	}
	return fmt.Sprintf("distillation(alpha=%v,temperature=%v)", d.Alpha, d.Temperature)
}

// Add returns the whole loss. student and teacher are scores [N,C] of the same items and classes, labels is the loss
// on the labels under the reduction of, Mean or Sum, and dlogits its gradient with respect to student,
// which becomes that of the whole. Scores that are not finite give a loss that is not.
func (d Distillation) Add(student, teacher *tensor.Tensor, of Reduction, labels float64, dlogits *tensor.Tensor) (float64, error) {
	n, c, err := matrix("logits", student)
	if err != nil {
		return 0, err
	}
	for _, t := range []*tensor.Tensor{teacher, dlogits} {
		if t == nil || !tensor.SameShape(t.Shape, student.Shape) || len(t.Data) != n*c {
			return 0, fmt.Errorf("loss: distillation: the teacher's scores and the gradient must have the shape %v of the student's", student.Shape)
		}
	}
	if of != Mean && of != Sum {
		return 0, fmt.Errorf("loss: distillation under reduction %v: there is no single loss to differentiate", of)
	}
	scale := d.Alpha
	if of == Mean {
		scale /= float64(n)
	}
	total := 0.0
	for i := range n {
		s, t, g := student.Data[i*c:(i+1)*c], teacher.Data[i*c:(i+1)*c], dlogits.Data[i*c:(i+1)*c]
		if d.Hard {
			total += d.hardRow(s, t, g, scale)
		} else {
			total += d.softRow(s, t, g, scale)
		}
	}
	return float64((1-d.Alpha)*labels) + float64(scale*total), nil
}

// softRow returns the divergence of a row times T², and adds its gradient times scale to what of g stays.
func (d Distillation) softRow(s, t, g []float32, scale float64) float64 {
	ls, lt := logSumExpAt(s, d.Temperature), logSumExpAt(t, d.Temperature)
	sum := 0.0
	for j := range s {
		logS, logT := float64(s[j])/d.Temperature-ls, float64(t[j])/d.Temperature-lt
		p := math.Exp(logT)
		if p > 0 { // a class that the teacher excludes adds nothing
			sum += float64(p * (logT - logS))
		}
		if math.IsNaN(logS) || math.IsNaN(logT) {
			sum = math.NaN()
		}
		g[j] = float32(float64((1-d.Alpha)*float64(g[j])) + float64(scale*d.Temperature*(math.Exp(logS)-p)))
	}
	return d.Temperature * d.Temperature * sum
}

// hardRow is softRow for the cross-entropy with the teacher's best class, the first of equal ones.
func (d Distillation) hardRow(s, t, g []float32, scale float64) float64 {
	lse, _ := logSumExp(s)
	best, bad := 0, false
	for j, v := range t {
		bad = bad || v != v
		if v > t[best] {
			best = j
		}
	}
	for j := range s {
		p := math.Exp(float64(s[j]) - lse)
		if j == best {
			p--
		}
		g[j] = float32(float64((1-d.Alpha)*float64(g[j])) + float64(scale*p))
	}
	if bad {
		return math.NaN()
	}
	return lse - float64(s[best])
}

// logSumExpAt is logSumExp of row divided by a temperature.
func logSumExpAt(row []float32, temperature float64) float64 {
	top := math.Inf(-1)
	for _, v := range row {
		top = math.Max(top, float64(v)/temperature)
	}
	total := 0.0
	for _, v := range row {
		total += math.Exp(float64(v)/temperature - top)
	}
	return top + math.Log(total)
}
