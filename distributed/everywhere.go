package distributed

import "errors"

// everywhere is an error that all ranks return.
type everywhere struct{ error }

func (e everywhere) Unwrap() error { return e.error }

// Everywhere marks an error that all ranks have agreed on and return: whoever gets it
// need not tell the others (Group.Abort), and one rank is enough to print it.
func Everywhere(err error) error {
	if err == nil {
		return nil
	}
	return everywhere{err}
}

// IsEverywhere reports whether err is one that all ranks return.
func IsEverywhere(err error) bool { return errors.As(err, new(everywhere)) }
