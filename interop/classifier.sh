#!/bin/sh
# See README.md. usage: classifier.sh PICTURES MODEL|ARCHITECTURE...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pictures=$1
shift
for model in "$@"; do
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  (cd "$here" && go run ./classifier "$folder" "$model" "$pictures")
  "${PYTHON:-python3}" "$here/torch_classifier.py" "$folder"
  node "$here/run_classifier.mjs" "$folder"
  rm -rf "$folder"
done
