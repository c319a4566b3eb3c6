// Package unsupported words the errors of decoders for files that are whole but
// of a kind that is not read, so that nobody looks for damage in them.
package unsupported

import (
	"errors"
	"fmt"
)

// reason is such an error.
type reason string

// Error says what is not supported.
func (r reason) Error() string { return string(r) }

// Is makes errors.Is(err, errors.ErrUnsupported) true.
func (reason) Is(target error) bool { return target == errors.ErrUnsupported }

// Errorf formats an error that is an errors.ErrUnsupported.
func Errorf(format string, args ...any) error { return reason(fmt.Sprintf(format, args...)) }
