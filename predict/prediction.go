package predict

import "github.com/whippet-ml/whippet/task"

// Prediction is the answer for one picture.
type Prediction = task.Prediction

// Score is a class and its probability.
type Score = task.Score

// predictions makes one Prediction of each row of probs [N·classes]. The rows
// are not copied. strange has how strange each picture is, nil where that is not known.
func (p *Predictor) predictions(probs []float32, strange []float64) []Prediction {
	c := p.model.Classes
	out := make([]Prediction, len(probs)/c)
	for i := range out {
		row := probs[i*c : (i+1)*c : (i+1)*c]
		if strange != nil {
			out[i] = p.decoder.StrangePrediction(row, strange[i])
		} else {
			out[i] = p.decoder.Prediction(row)
		}
	}
	return out
}
