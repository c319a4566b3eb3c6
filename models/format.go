package models

import (
	"fmt"

	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/task"
)

// The number of a description's format says who may read it. A reader passes over
// what it does not know, so a new field needs no new number as long as a model can
// do without: one that adds a note, or that has the value which a reader without
// the field assumes. The number rises with a field whose value changes what is
// computed, answers as well as training that goes on, and a file has the lowest
// number that tells the truth about it:
//
//	1  single-label classification, pictures prepared as fastai does with the bilinear filter, its dropout in the head
//	2  any task, thresholds, interpolation, crop_pct, head_dropout
//	3  the architecture's own head, a linear one, one of nearest pictures, pad_mode
//	4  temperature, abstention
//	5  strangeness
//	6  sets of classes with a coverage
//
// So older programs read what they understand, and refuse what they would
// misread. A file with a higher number than newestFormat is refused here. Files of
// number 1 that have fields of number 2 are read with them: there was a time
// when they were written.
const newestFormat = 6

// formatOf returns the number that i needs.
func formatOf(i Info) int {
	if i.Conformal != nil {
		return 6
	}
	if i.Strangeness != nil {
		return 5
	}
	if i.Temperature != 0 || i.Abstention != nil {
		return 4
	}
	if i.Head != "" || i.Preprocess.PadMode != preprocess.Reflection {
		return 3
	}
	if i.Task != task.SingleLabel.Name() || i.Thresholds != nil || i.Preprocess.Interpolation != preprocess.Bilinear || i.Preprocess.CropPct != 0 || i.HeadDropout != nil {
		return 2
	}
	return 1
}

// checkFormat refuses descriptions that this program would misread.
func checkFormat(format int) error {
	if format < 1 || format > newestFormat {
		return fmt.Errorf("the model's description has format %d, this version reads 1 to %d: use the version that wrote it, or a newer one", format, newestFormat)
	}
	return nil
}

// defaultDropout is fastai's probability before the head's last layer.
const defaultDropout = 0.5

// describeHead notes in i what a file's arrays do not tell of c's head.
func (i *Info) describeHead(c *Classifier) {
	i.Head, i.HeadDropout = "", nil
	if c.OwnHead {
		i.Head = OwnHead
		return
	}
	if c.LinearHead() != nil {
		i.Head = LinearHead
		return
	}
	if _, vote := c.NeighborsHead(); vote != nil {
		i.Head = NeighborsHead
		return
	}
	if p := headDropout(c.Head); p != defaultDropout {
		i.HeadDropout = &p
	}
}

// headOptions returns the options with which NewHead makes the head of a file
// whose linear layers meet at width values. It returns an error for a probability
// that is none.
func (i Info) headOptions(width int) ([]HeadOption, error) {
	o := []HeadOption{HeadWidth(width)}
	if p := i.HeadDropout; p != nil {
		if !(*p >= 0 && *p <= 1) {
			return nil, fmt.Errorf("head_dropout is %v; want a probability, 0 to 1", *p)
		}
		o = append(o, HeadDropout(*p))
	}
	return o, nil
}
