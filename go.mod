module github.com/whippet-ml/whippet

go 1.26.0

require (
	github.com/gofrs/flock v0.13.2
	github.com/klauspost/compress v1.20.3
	github.com/mattn/go-runewidth v0.0.31
	golang.org/x/image v0.47.0
	golang.org/x/sys v0.49.0
	google.golang.org/protobuf v1.36.12
)

require github.com/clipperhouse/uax29/v2 v2.2.0 // indirect
