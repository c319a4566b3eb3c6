//go:build !race

package predict_test

const raceDetector = false
