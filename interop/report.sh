#!/bin/sh
# See README.md. usage: report.sh FOLDER-FOR-SCREENSHOTS [PAGE.html...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mkdir -p "$1" && cd "$1" && pwd)
shift
# The tests' own pages: 2, 37 and 200 classes with names that are hard to show.
(cd "$here/.." && WHIPPET_PAGES=$folder go test -count 1 -run 'TestWrite$' ./interpret/page)
node "$here/report/report.mjs" "$folder" "$folder"/report-*.html "$@"
