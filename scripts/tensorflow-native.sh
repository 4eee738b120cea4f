#!/usr/bin/env bash
# Builds the binding of @tensorflow/tfjs-node-gpu against the libtensorflow in PyPI's tensorflow-cpu wheel, where the
# package's own download host cannot be reached. For Linux x64; computes on the CPU.
#
#   scripts/tensorflow-native.sh [PROJECT]      the folder whose node_modules gets the package; default: here
#
#   TDC_WHEEL_CACHE   folder that keeps the wheel (207 MB) between runs; default: ~/.cache/taildropout
#   NODE_HEADERS      folder with node_api.h; default: found beside node, or in npm's nodedir
#
# Needs python3 with pip, g++ and Node's headers: where one is missing it says so and exits 3. Exit 0: built, or built before.
set -euo pipefail

readonly PACKAGE='@tensorflow/tfjs-node-gpu' PACKAGE_VERSION='4.22.0'
readonly WHEEL='tensorflow-cpu==2.15.1'

missing() {
  echo "tensorflow-native: $1 is missing; the tensorflow backend is not built." >&2
  exit 3
}

find_headers() {
  local node_prefix candidate
  node_prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
  for candidate in "${NODE_HEADERS:-}" "$node_prefix/include/node" "$(npm config get nodedir 2>/dev/null || true)/include/node" /usr/include/node; do
    if [ -n "$candidate" ] && [ -f "$candidate/node_api.h" ]; then
      echo "$candidate"
      return
    fi
  done
}

# Prints the path of the wheel's folder of libraries and headers, downloading and unpacking what is not there yet.
# The wheel is the same library whatever Python it was packed for, so its Python is pinned and the machine's does not matter.
unpack_wheel() {
  local cache=$1 unpacked=$1/tensorflow-cpu-2.15.1
  if [ ! -f "$unpacked/complete" ]; then
    mkdir -p "$cache"
    local partial
    partial=$(mktemp -d "$cache/partial.XXXXXX")
    trap 'rm -rf "$partial"' RETURN
    if ! ls "$cache"/tensorflow_cpu-2.15.1-*.whl >/dev/null 2>&1; then
      python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --platform manylinux_2_17_x86_64 --implementation cp --python-version 311 --abi cp311 --dest "$partial" "$WHEEL" >&2
      mv "$partial"/*.whl "$cache"/
    fi
    python3 - "$(ls "$cache"/tensorflow_cpu-2.15.1-*.whl | head -n 1)" "$partial" <<'PY'
import sys, zipfile
wanted = ('tensorflow/libtensorflow', 'tensorflow/include/tensorflow/', 'tensorflow/include/xla/', 'tensorflow/include/tsl/')
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith(wanted)])
PY
    touch "$partial/complete"
    rm -rf "$unpacked"
    mv "$partial" "$unpacked"
  fi
  echo "$unpacked/tensorflow"
}

main() {
  local project=${1:-.} headers libraries target
  [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || missing 'Linux on x64'
  command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 || missing 'python3 with pip'
  command -v g++ >/dev/null || missing 'g++'
  headers=$(find_headers)
  [ -n "$headers" ] || missing "Node's headers (node_api.h; set NODE_HEADERS)"
  [ -d "$project/node_modules" ] || { echo "tensorflow-native: $project has no node_modules; run npm ci there first." >&2; exit 2; }

  cd "$project"
  target=node_modules/$PACKAGE
  if [ ! -f "$target/binding/tfjs_binding.cc" ]; then
    npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error "$PACKAGE@$PACKAGE_VERSION" >&2
  fi
  libraries=$(unpack_wheel "${TDC_WHEEL_CACHE:-$HOME/.cache/taildropout}")
  build "$target" "$libraries" "$headers"
  TF_CPP_MIN_LOG_LEVEL=2 node --input-type=commonjs --eval "$PROBE" >&2
}

build() {
  local target=$1 libraries=$2 headers=$3
  mkdir -p "$target/deps/lib" "$target/lib/napi-v8"
  ln -sfn "$libraries/include" "$target/deps/include"
  ln -sf "$libraries/libtensorflow_cc.so.2" "$target/deps/lib/libtensorflow.so"
  ln -sf "$libraries/libtensorflow_cc.so.2" "$target/deps/lib/libtensorflow_cc.so.2"
  ln -sf "$libraries/libtensorflow_framework.so.2" "$target/deps/lib/libtensorflow_framework.so"
  ln -sf "$libraries/libtensorflow_framework.so.2" "$target/deps/lib/libtensorflow_framework.so.2"
  local binding=$target/lib/napi-v8/tfjs_binding.node
  [ -f "$binding" ] && [ "$binding" -nt "$target/binding/tfjs_backend.cc" ] && return
  g++ -O2 -fPIC -shared -std=c++17 -DNAPI_VERSION=8 -I"$headers" -I"$target/deps/include" \
    "$target/binding/tfjs_backend.cc" "$target/binding/tfjs_binding.cc" -o "$binding.partial" \
    -L"$target/deps/lib" -ltensorflow -ltensorflow_framework -Wl,-rpath,"\$ORIGIN/../../deps/lib"
  mv "$binding.partial" "$binding"
}

readonly PROBE="
const util = require('util');
util.isNullOrUndefined ??= (value) => value == null;
util.isArray ??= Array.isArray;
const tf = require('$PACKAGE');
if (tf.scalar(2).mul(3).dataSync()[0] !== 6) throw new Error('2 x 3 is not 6');
console.log('tensorflow-native: ' + tf.getBackend() + ' ' + tf.version['tfjs'] + ' computes');
"

main "$@"
