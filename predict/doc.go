// Package predict uses a trained model: it classifies pictures with nothing but
// the file that training saved, and carries no training state.
//
//	p, err := predict.Load("runs/pets/model.safetensors", predict.Options{})
//	answer, err := p.File(ctx, "cat.jpg")
//	fmt.Println(answer.Label(), answer.Score())
//
// A Predictor prepares pictures exactly as validation pictures are prepared in
// training (orientation, resizing, normalization; the model file says how), so
// its probabilities are those of train.Learner.GetPreds. It is safe for
// concurrent use, and it bounds its memory: sizes are checked before anything is
// decoded, and only so many pictures are decoded and so many batches computed at
// a time, whatever the number of callers.
package predict
