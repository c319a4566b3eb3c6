package predict

import "github.com/whippet-ml/whippet/task"

// Prediction is the answer for one picture.
type Prediction = task.Prediction

// Score is a class and its probability.
type Score = task.Score

// predictions makes one Prediction of each row of probs [N·classes]. The rows
// are not copied. strange has how strange each picture is, nil where that is not known.
func (p *Predictor) predictions(j judgment) []Prediction {
	c := p.model.Classes
	out := make([]Prediction, len(j.probs.Data)/c)
	for i := range out {
		row := j.probs.Data[i*c : (i+1)*c : (i+1)*c]
		if j.strange != nil {
			out[i] = p.decoder.StrangePrediction(row, j.strange[i])
		} else {
			out[i] = p.decoder.Prediction(row)
		}
		if j.sets != nil {
			out[i] = out[i].WithSet(j.sets[i])
		}
	}
	return out
}
