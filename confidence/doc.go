// Package confidence says how far a classifier's answers can be trusted, from the
// scores that it gave to pictures whose classes are known: the temperature that makes
// its probabilities honest, the score below which it had better not answer, sets of classes
// that have the right one as often as stated, and, from features, how far a picture is from those of training.
//
// It works on plain numbers. Package interpret applies it to a learner's validation
// pictures, model files keep what was found, and package predict answers by it.
package confidence
