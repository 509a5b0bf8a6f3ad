#!/usr/bin/env bash
# Real inference servers on this machine, over the tiny model: Ollama and llama.cpp's llama-server.
#
#   real-servers.sh build        once, about 10 minutes on 2 cores (needs go, cmake, a C++ compiler, python3)
#   real-servers.sh start        prints the lines to export; the servers stay until `stop`
#   real-servers.sh stop
#
# Everything lies under $REAL_SERVERS_DIR (default: ~/.cache/sightglass-real-servers).
# Ports: OLLAMA_PORT (11434), LLAMA_PORT (8080), LLAMA_EMBED_PORT (8081), all on 127.0.0.1. Servers on other ports are another
# set with its own models, logs and process ids, under run/OLLAMA_PORT; `stop` ends the set of its OLLAMA_PORT.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${REAL_SERVERS_DIR:-$HOME/.cache/sightglass-real-servers}
ollama_version=v0.17.4 llama_version=0.3.36
ollama_port=${OLLAMA_PORT:-11434} llama_port=${LLAMA_PORT:-8080} embed_port=${LLAMA_EMBED_PORT:-8081}
run=$dir/run/$ollama_port

build() {
  mkdir -p "$dir/models" && cd "$dir"
  [ -x venv/bin/pip ] || python3 -m venv venv
  venv/bin/pip install --quiet gguf numpy
  [ -s models/tiny.gguf ] || venv/bin/python "$here/tiny_model.py" models/tiny.gguf
  cp "$here/Modelfile" models/Modelfile
  # The Python package's source archive carries the whole of llama.cpp, its server and the headers that Ollama's module leaves out.
  local source=llama_cpp_python-$llama_version
  if [ ! -d "$source" ]; then
    venv/bin/pip download --quiet --no-deps --no-binary :all: "llama-cpp-python==$llama_version"
    tar xzf "$source.tar.gz" && rm "$source.tar.gz"
  fi
  if [ ! -x llama-server ]; then
    cmake -S "$source/vendor/llama.cpp" -B build -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=OFF \
      -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF > build.log
    cmake --build build --target llama-server -j"$(nproc)" >> build.log
    cp build/bin/llama-server . && rm -rf build
  fi
  if [ ! -x ollama ]; then
    CGO_CPPFLAGS="-I$dir/$source/vendor/llama.cpp/vendor" GOBIN="$dir" GOFLAGS=-buildvcs=false \
      go install "github.com/ollama/ollama@$ollama_version" 2>> build.log
  fi
  echo "built in $dir"
}

launch() { # NAME COMMAND...
  local name=$1; shift
  (cd "$dir/models" && exec "$@") > "$run/$name.log" 2>&1 &
  echo $! > "$run/$name.pid"
}

await() { # URL
  for _ in $(seq 150); do curl -fsS -o /dev/null "$1" 2> /dev/null && return; sleep 0.2; done
  echo "no answer from $1; see the logs in $run" >&2; exit 1
}

start() {
  [ -x "$dir/ollama" ] && [ -x "$dir/llama-server" ] || { echo "run '$0 build' first" >&2; exit 1; }
  mkdir -p "$run"
  launch ollama env OLLAMA_HOST="127.0.0.1:$ollama_port" OLLAMA_MODELS="$run/models" OLLAMA_KEEP_ALIVE=24h "$dir/ollama" serve
  launch llama-server "$dir/llama-server" -m tiny.gguf --alias tiny --host 127.0.0.1 --port "$llama_port" --jinja --metrics -c 16384 -np 4
  launch llama-embed "$dir/llama-server" -m tiny.gguf --alias tiny --host 127.0.0.1 --port "$embed_port" --embeddings --pooling mean -c 512
  await "http://127.0.0.1:$ollama_port/api/version"
  (cd "$dir/models" && OLLAMA_HOST="127.0.0.1:$ollama_port" "$dir/ollama" create tiny -f Modelfile > /dev/null 2>&1)
  await "http://127.0.0.1:$llama_port/health"
  await "http://127.0.0.1:$embed_port/health"
  echo "export UPSTREAM_OLLAMA=http://127.0.0.1:$ollama_port"
  echo "export UPSTREAM_LLAMACPP=http://127.0.0.1:$llama_port"
  echo "# embeddings: http://127.0.0.1:$embed_port; the model is called 'tiny' everywhere"
}

stop() {
  for file in "$run"/*.pid; do
    [ -e "$file" ] || continue
    kill "$(cat "$file")" 2> /dev/null || true
    rm "$file"
  done
}

case ${1:-} in build | start | stop) "$1" ;; *) sed -n '2,10p' "$0" | cut -c3-; exit 2 ;; esac
