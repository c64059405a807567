#!/usr/bin/env bash
# Makes the virtual environment that the scripts of this folder run in: setup.sh DIR
set -eu
[ $# -eq 1 ] || { echo "usage: setup.sh DIR" >&2; exit 2; }
python3 -m venv "$1"
"$1/bin/pip" install -q tensorflow-cpu==2.21.0 ai-edge-quantizer==0.10.0 ai-edge-litert==2.3.0 numpy
