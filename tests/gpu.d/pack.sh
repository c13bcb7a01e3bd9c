# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2154  # set by tests/gpu, which sources this
# The programs of tests/gpu: building them, and putting them into a folder that runs elsewhere:
#
#     DIR/bin/    gpu_probe gpu_test cuda_kernels_bench train_step_bench train predict ...
#     DIR/lib/    the shared libraries that a bare system lacks; programs look here first (RPATH)
#     DIR/digits/ a few digits to train on, for a simulated device
#     DIR/about   "name: value" lines: commit, machine, device, compiler

programs=(gpu_probe gpu_test cuda_kernels_bench train_step_bench train predict wick_training wick_random)
most_bytes=$((56 * 1024 * 1024)) # a machine may take 64 MiB, the tree included

# Finds nvcc where it is not in PATH; CUDACXX may name it, too.
find_nvcc() {
  command -v nvcc >/dev/null && return
  [ -n "${CUDACXX:-}" ] && return
  [ -x /usr/local/cuda/bin/nvcc ] || return
  PATH=$PATH:/usr/local/cuda/bin
}

has_gpu() { nvidia-smi -L 2>/dev/null | grep -q '^GPU 0'; }

build_programs() {
  local most=100000 tool targets=(simulated_programs device_test wick_synthetic) cuda=(-DWICK_CUDA=OFF)
  for tool in cmake ninja; do
    if ! command -v "$tool" >/dev/null; then
      echo "tests/gpu: $tool is not installed, or not in PATH; --prebuilt DIR needs none" >&2
      return 3
    fi
  done
  if [ -z "$simulated" ]; then
    if ! find_nvcc; then
      echo "tests/gpu: nvcc is not installed, or not in PATH; --prebuilt DIR needs none" >&2
      return 3
    fi
    targets=(gpu_probe gpu_test cuda_kernels_bench train_step_bench wick_train wick_predict
      wick_training wick_random)
    cuda=(-DWICK_CUDA=ON -DWICK_BUILD_SIMULATED=OFF -DWICK_CUDA_ARCHITECTURES=90)
    # Built where it runs: for the GPU that is there.
    has_gpu && cuda+=(-DWICK_CUDA_ARCHITECTURES=native)
  fi
  # What is run after it has its share of the command's time.
  [ -z "$pack$simulated" ] && most=$limit
  mkdir -p "$build"
  echo "== build ($build; the log is $build/build.log)"
  {
    cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" \
      -DWICK_BUILD_TOOLS=ON -DWICK_BUILD_TESTS=ON -DWICK_BUILD_BENCH=ON \
      -DCMAKE_BUILD_RPATH="\$ORIGIN/../lib" -DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags \
      "${cuda[@]}" "${options[@]}" &&
      timeout -k 5 "$most" cmake --build "$build" --parallel "${WICK_JOBS:-$(nproc)}" --target "${targets[@]}"
  } >"$build/build.log" 2>&1 || {
    grep -E 'error|Error|FAILED' "$build/build.log" | head -n 20
    tail -n 10 "$build/build.log"
    echo "tests/gpu: the programs could not be built" >&2
    return 1
  }
}

# The path of a built program.
built_program() {
  local name=$1 folder
  if [ -n "$simulated" ]; then
    [ "$name" = gpu_test ] && echo "$build/tests/device/device_test" && return
    echo "$build/simulated/$name"
    return
  fi
  for folder in bin tests/device tests/interop; do
    [ -x "$build/$folder/$name" ] && echo "$build/$folder/$name" && return
  done
  return 1
}

# pack_programs DIR: anew, beside what is there, which it replaces when it is complete.
pack_programs() {
  local folder=$1 new=$1.new name path library bytes
  rm -rf "$new"
  mkdir -p "$new/bin" "$new/lib" || return
  for name in "${programs[@]}"; do
    path=$(built_program "$name")
    if ! { [ -n "$path" ] && cp "$path" "$new/bin/$name" && strip "$new/bin/$name"; }; then
      echo "tests/gpu: there is no program $name in $build" >&2
      return 1
    fi
  done
  # Not the C library's own, of which the system's must be taken. NVIDIA's driver and cuBLASLt are
  # found by the programs as they run.
  ldd "$new"/bin/* | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
    grep -vE '/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*)\.so' >"$new/libraries"
  while read -r library; do
    cp -L "$library" "$new/lib/" && strip --strip-unneeded "$new/lib/${library##*/}" || return
  done <"$new/libraries"
  rm "$new/libraries"
  if [ -n "$simulated" ]; then
    "$build/bin/synthetic" "$new/digits" --train 640 --test 320 >/dev/null || return
  fi
  {
    echo "commit: $(commit_of_tree)"
    echo "machine: $(uname -m)"
    echo "device: $(if [ -n "$simulated" ]; then echo simulated; else echo cuda; fi)"
    echo "compiler: $(c++ --version | head -n 1)"
    [ -z "$simulated" ] && echo "CUDA: $(nvcc --version | sed -n 's/.*release \([0-9.]*\).*/\1/p')"
    echo "newest C library needed: $(needed_glibc "$new"/bin/* "$new"/lib/*)"
  } >"$new/about"
  bytes=$(du -sb "$new" | cut -f 1)
  if [ "$bytes" -gt $most_bytes ]; then
    echo "tests/gpu: the programs have $bytes bytes, more than $most_bytes" >&2
    return 1
  fi
  rm -rf "$folder"
  mv "$new" "$folder" || return
  echo "$(find "$folder" -type f | wc -l) files, $((bytes / 1024)) KiB, in $folder:"
  cat "$folder/about"
}

commit_of_tree() {
  local commit
  commit=$(git rev-parse --short=10 HEAD 2>/dev/null) || commit=unknown
  if [ -n "$(git status --porcelain --untracked-files=no 2>/dev/null)" ]; then commit+=", changed"; fi
  echo "$commit"
}

needed_glibc() {
  objdump -T "$@" 2>/dev/null | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1
}

# check_programs DIR: refuses what cannot run here before a step fails of it.
check_programs() {
  local folder=$1 name machine device
  if [ ! -f "$folder/about" ]; then
    refuse "--prebuilt: $folder has no file 'about'; tests/gpu --pack makes such folders"
  fi
  chmod -f +x "$folder"/bin/* # a copy may have lost it
  for name in "${programs[@]}"; do
    [ -x "$folder/bin/$name" ] || refuse "--prebuilt: there is no program $folder/bin/$name"
  done
  machine=$(sed -n 's/^machine: //p' "$folder/about")
  [ "$machine" = "$(uname -m)" ] ||
    refuse "--prebuilt: these programs are for $machine, this machine is $(uname -m)"
  device=$(sed -n 's/^device: //p' "$folder/about")
  case $device,$simulated in
    simulated,yes | cuda,) ;;
    simulated,*) refuse "--prebuilt: these programs have a simulated device: add --simulated" ;;
    *) refuse "--prebuilt: these programs are for a GPU; --simulated needs some of its own" ;;
  esac
}
