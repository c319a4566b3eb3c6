// Package licenses has the license texts of what is compiled into the command, with its tags or without:
// whoever gives the binary away gives them too.
package licenses

import _ "embed" // for the file below

//go:generate go run ./generate

// Text has every license, module by module.
//
//go:embed licenses.txt
var Text string
