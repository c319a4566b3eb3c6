package fastai

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/internal/pickle"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/weights"
)

// pipeline collects what happens to a picture at prediction, transform by
// transform in the order in which fastai runs them.
type pipeline struct {
	file   *weights.Saved
	ignore []string // names of the person's own that are passed over
	notes  []string

	config  preprocess.Config
	resized string // the transform that gave Presize or CropPct; "" so far
	scaled  bool   // values are in 0 to 1
	normed  bool
}

func (p *pipeline) note(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(p.notes, s) {
		p.notes = append(p.notes, s)
	}
}

// passed says whether a name of the person's own may be passed over.
func (p *pipeline) passed(name string) bool { return slices.Contains(p.ignore, name) }

// trainingOnly are fastai's transforms whose class says split_idx 0, which older
// versions leave out of an object's attributes.
var trainingOnly = []string{"FlipItem", "DihedralItem", "LightingTfm", "SpaceTfm", "Brightness", "Contrast", "Saturation", "Hue", "HSVTfm", "RandomErasing"}

// affine are the transforms that setup_aug_tfms makes one of: outside training
// they change the size and nothing else.
var affine = []string{"AffineCoordTfm", "Flip", "Dihedral", "Rotate", "Zoom", "Warp", "DeterministicFlip", "DeterministicDihedral"}

// apply takes over what transform t does to a picture. stage is the name of the
// list that it is in, for errors.
func (p *pipeline) apply(stage string, t any) error {
	class, own := classOf(t)
	if trains(t) {
		if own {
			p.note("%s in %s acts in training only: passed over", shown(short(class)), stage)
		}
		return nil
	}
	module, name := class, ""
	if i := strings.LastIndexByte(class, '.'); i >= 0 {
		module, name = class[:i], class[i+1:]
	}
	switch {
	case own:
	case module == "fastai.vision.augment" && name == "Resize":
		return p.resize(t)
	case module == "fastai.vision.augment" && name == "RandomResizedCrop":
		return p.randomResizedCrop(t)
	case module == "fastai.vision.augment" && slices.Contains(affine, name):
		return p.affine(name, t)
	case module == "fastai.vision.augment" && name == "RandomResizedCropGPU":
		return p.randomResizedCropGPU(t)
	case module == "fastai.vision.augment" && slices.Contains(trainingOnly, name):
		return nil
	case class == "fastai.data.transforms.ToTensor":
		return nil
	case class == "fastai.data.transforms.IntToFloatTensor":
		return p.intToFloat(t)
	case class == "fastai.data.transforms.Normalize":
		return p.normalize(t)
	case name == "Transform" && (module == "fasttransform.transform" || module == "fastcore.transform" || module == "fastai.core.transform"):
		f := transformed(t)
		if f == nil || isNoop(f) {
			return nil // a Transform without a function does nothing
		}
		name := functionName(f)
		return p.foreign(stage, "function "+shown(name), name)
	case module == "fastai.vision.augment":
		return fmt.Errorf("%s in %s has no equal in Whippet: pictures would be prepared in another way. Resize, RandomResizedCrop, aug_transforms and Normalize do", name, stage)
	}
	return p.foreign(stage, "transform "+shown(short(class)), short(class))
}

// isNoop tells whether f is fastai's function that does nothing.
func isNoop(f any) bool {
	g, ok := f.(pickle.Global)
	return ok && g.Name == "noop" && (strings.HasPrefix(g.Module, "fastai") || strings.HasPrefix(g.Module, "fastcore"))
}

// foreign refuses what may change the picture, unless the person knows better.
func (p *pipeline) foreign(stage, what, name string) error {
	if p.passed(name) {
		p.note("%s in %s: passed over, as asked", what, stage)
		return nil
	}
	return fmt.Errorf("the %s in %s runs at prediction too and may change the picture; its code is not run here. If it leaves pictures as they are, pass over it with --ignore %q", what, stage, name)
}

// short is a class without "__main__.", where a notebook's classes live.
func short(class string) string { return strings.TrimPrefix(class, "__main__.") }

// trains tells whether a transform acts in training only: split_idx is 0, of the
// object, of the class that the file describes, or as RandTransform's heirs have
// it.
func trains(t any) bool {
	if pickle.Attr(t, "aff_fs") != nil {
		return false // an AffineCoordTfm, whose split_idx is that of the last batch
	}
	if v := pickle.Attr(t, "split_idx"); v != nil {
		n, ok := integer(v)
		return ok && n == 0
	}
	o, ok := t.(*pickle.Object)
	if !ok {
		return false
	}
	class, ok := o.Func.(*pickle.Object)
	if !ok {
		return false
	}
	if v := pickle.Attr(class, "split_idx"); v != nil {
		n, ok := integer(v)
		return ok && n == 0
	}
	return false
}

// transformed returns the function of a Transform that was made of one, nil if
// there is none. fasttransform keeps it in a dispatcher of plum, fastcore before
// in a TypeDispatch.
func transformed(t any) any {
	encodes := pickle.Attr(t, "encodes")
	switch class, _ := classOf(encodes); {
	case encodes == nil:
		return nil
	case strings.HasPrefix(class, "plum."):
		if f := pickle.Attr(encodes, "_f"); f != nil {
			return unwrapped(f)
		}
	case class == "fastcore.dispatch.TypeDispatch":
		if f := dispatched(encodes); f != nil {
			return f
		}
	}
	return encodes
}

// unwrapped is the function in the wrapper that fasttransform puts around what has
// no name of its own, such as a partial; f itself for others.
func unwrapped(f any) any {
	if moduleOf(f) != "fasttransform.transform" {
		return f
	}
	if closure, ok := pickle.Attr(f, "__closure__").(pickle.Tuple); ok && len(closure) == 1 {
		if cell, ok := closure[0].(*pickle.Object); ok && len(cell.Args) == 1 {
			return cell.Args[0]
		}
	}
	return f
}

// dispatched returns the only function of a TypeDispatch, whose attributes are
// funcs, a TypeDispatch's table by type: {d: {type: {type: function}}}.
func dispatched(v any) any {
	funcs := pickle.Attr(v, "funcs")
	for range 4 {
		var d *pickle.Dict
		switch f := funcs.(type) {
		case *pickle.Object:
			if inner, ok := pickle.Attr(f, "d").(*pickle.Dict); ok {
				d = inner
			}
		case *pickle.Dict:
			d = f
		}
		if d == nil {
			break
		}
		if len(d.Values) != 1 {
			return nil
		}
		funcs = d.Values[0]
	}
	return funcs
}

// opens takes the transforms that turn an item into a picture: everything up to
// PILImage.create works on names of files, and the rest on pictures.
func (p *pipeline) opens(list []any) error {
	at := slices.IndexFunc(list, func(t any) bool { return creates(t) != "" })
	if at < 0 {
		var names []string
		for _, t := range list {
			if f := transformed(t); f != nil {
				names = append(names, shown(functionName(f)))
			} else {
				class, _ := classOf(t)
				names = append(names, shown(short(class)))
			}
		}
		return fmt.Errorf("pictures are not opened by PILImage.create but by what is in the file by name alone: %s", strings.Join(names, ", "))
	}
	if kind := creates(list[at]); kind != "PILImage" {
		return fmt.Errorf("pictures are opened by %s.create; PILImage, of RGB, is the kind that Whippet reads", shown(kind))
	}
	for _, t := range list[:at] {
		if f := transformed(t); f != nil && !isNoop(f) {
			p.note("%s finds the file of an item: passed over, files are given", shown(functionName(f)))
		}
	}
	for _, t := range list[at+1:] {
		if err := p.apply("the block's type_tfms", t); err != nil {
			return err
		}
	}
	return nil
}

// creates returns the class of which fastai's method create a transform is, ""
// for another.
func creates(t any) string {
	f, class, ok := method(transformed(t))
	if !ok || f != "create" && (ownName(f) != "create" || moduleOf(f) != "fastai.vision.core" && moduleOf(f) != "fastai2.vision.core") {
		return ""
	}
	return strings.TrimPrefix(functionName(class), "fastai.vision.core.")
}
