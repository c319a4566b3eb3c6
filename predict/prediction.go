package predict

import "github.com/whippet-ml/whippet/task"

// Prediction is the answer for one picture.
type Prediction = task.Prediction

// Score is a class and its probability.
type Score = task.Score

// predictions makes one Prediction of each row of probs [N·classes]. The rows
// are not copied.
func (p *Predictor) predictions(probs []float32) []Prediction {
	c := p.model.Classes
	out := make([]Prediction, len(probs)/c)
	for i := range out {
		out[i] = p.decoder.Prediction(probs[i*c : (i+1)*c : (i+1)*c])
	}
	return out
}
