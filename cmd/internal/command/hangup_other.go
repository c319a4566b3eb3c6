//go:build !unix

package command

import "os"

// stopSignals ask the program to end at a good place; there are none here.
var stopSignals []os.Signal

// onHangup does nothing where there is no such signal.
func onHangup(func()) (stop func()) { return func() {} }
