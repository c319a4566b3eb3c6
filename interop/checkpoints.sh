#!/bin/sh
# See README.md. usage: checkpoints.sh PICTURES [ARCHITECTURE...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pictures=$1
shift
[ $# -gt 0 ] || set -- resnet18 resnet34 resnet50 resnet101 resnet152 squeezenet1_0 squeezenet1_1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -W ignore "$here/torch_checkpoints.py" "$folder" "$pictures" "$@"
(cd "$here" && go run ./checkpoints "$folder")
