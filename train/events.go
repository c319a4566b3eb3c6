package train

import "errors"

// Event is a moment of training at which callbacks are called, in the order of
// this list (fastai's, without its cancel events: the After events come
// whether or not the part before them was cut short).
type Event int

// The events.
const (
	BeforeFit Event = iota
	BeforeEpoch
	BeforeTrain
	BeforeBatch   // Batch is set; a callback may change its pictures or targets
	AfterPred     // Logits is set
	AfterLoss     // Loss is set
	AfterBackward // gradients are set
	AfterStep     // parameters have moved
	AfterBatch
	AfterTrain
	BeforeValidate
	AfterValidate
	AfterEpoch // the epoch's row of the history is complete
	AfterFit
)

var eventNames = [...]string{"BeforeFit", "BeforeEpoch", "BeforeTrain", "BeforeBatch", "AfterPred", "AfterLoss", "AfterBackward",
	"AfterStep", "AfterBatch", "AfterTrain", "BeforeValidate", "AfterValidate", "AfterEpoch", "AfterFit"}

func (e Event) String() string { return eventNames[e] }

// Callback is called at every event of a fit, in the order of registration. It
// reads the state of training from the learner. An error ends the fit, except
// for the Cancel errors.
type Callback interface {
	On(e Event, l *Learner) error
}

// CallbackFunc makes a Callback of a function.
type CallbackFunc func(e Event, l *Learner) error

// On calls f.
func (f CallbackFunc) On(e Event, l *Learner) error { return f(e, l) }

// Persistent is a callback with memory that must survive an interruption: its
// state is part of every checkpoint.
type Persistent interface {
	Callback
	// StateName tells callbacks of one learner apart, such as "early-stopping".
	StateName() string
	// MarshalJSON gives the state, UnmarshalJSON takes it back.
	MarshalJSON() ([]byte, error)
	UnmarshalJSON([]byte) error
}

// A callback returns one of these to skip the rest of the batch, epoch or fit
// without an error.
var (
	ErrCancelBatch = errors.New("callback skipped the rest of the batch")
	ErrCancelEpoch = errors.New("callback skipped the rest of the epoch")
	ErrCancelFit   = errors.New("callback ended the fit")
)

func (l *Learner) call(e Event) error {
	var first error
	for _, c := range l.active {
		if err := c.On(e, l); err != nil && first == nil {
			first = err
		}
	}
	return first
}
