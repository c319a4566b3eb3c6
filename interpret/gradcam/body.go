package gradcam

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/tensor"
)

// maps is a network whose body ends in maps, [N,h,w,C]: these are the activations.
type maps struct {
	body nn.Module
	head nn.Module // a copy, whose parameters want no gradients
}

func lookAtBody(c *models.Classifier) (network, error) {
	head, err := c.CopyHead()
	if err != nil {
		return nil, fmt.Errorf("gradcam: %w", err)
	}
	for _, e := range nn.Parameters(head) {
		e.Param.RequiresGrad = false
	}
	return &maps{body: c.Body, head: head}, nil
}

// forward runs body and head on tapes of their own, of which the second records.
func (m *maps) forward(arena *autograd.Arena, x *tensor.Tensor) (p pass, err error) {
	body, head := autograd.NewTape(arena), autograd.NewTape(arena)
	p = pass{tape: head, reset: func() { head.Reset(); body.Reset() }, places: func(t *tensor.Tensor) *tensor.Tensor { return t }}
	defer func() {
		if err != nil {
			p.reset()
		}
	}()
	features, err := nn.Forward(body, m.body, body.Input(x, false))
	if err != nil {
		return p, err
	}
	head.Record = true
	p.a = head.Input(features.Value, true)
	p.logits, err = nn.Forward(head, m.head, p.a)
	return p, err
}
