#!/bin/sh
# See README.md. usage: run.sh [CHECKPOINT.pth]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cd "$here" && go run ./smallnet "$folder" "$@")
"${PYTHON:-python3}" "$here/torch_smallnet.py" "$folder" "$@"
node "$here/run_onnx.mjs" "$folder"
