// Package pretrained finds published weights by name and makes classifiers of them:
// torchvision's and timm's, any repository of the Hugging Face Hub in timm's layout,
// and folders and files on this machine.
//
//	w, err := pretrained.Find(ctx, "timm/resnet50.a1_in1k", nil, pretrained.Options{})
//	c, info, err := w.Classifier(ctx)        // it works before any training
//
// The weights bring their configuration with them: the architecture, the classes'
// names, the size of pictures, mean and standard deviation, the filter and the share
// of a picture that is looked at. Downloads are checked by their hashes, resumed, and
// kept: those of the Hub in its own cache (see package hub), others in Whippet's.
package pretrained
