// Package fastai reads the file that fastai 2's learner.export writes: a pickled
// Learner with its network, its vocabulary and what it does to pictures. The file
// is read as data (see package weights), so that nothing in it is run and nothing
// of it needs to be importable: functions and classes of the person's own are
// names here. What of them does not matter to a prediction is passed over and
// named; what may matter is an error that names it.
//
// Everything is fastai 2.8's, in its files learner.py, data/core.py,
// data/transforms.py and vision/augment.py; the module names of fastai2, which came
// before, are known too.
package fastai
