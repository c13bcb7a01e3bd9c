# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # set by tests/gpu, which sources this, and by results.sh
# Which steps tests/gpu takes, in which order and for how long at most. What each does is in
# tests/gpu.d/step. What says most comes first.

part_1=(probe suites quick_kernels steps profile)
part_2=(train losses random kernels)
part_3=(memcheck racecheck compiled_steps initcheck synccheck)
declare -A seconds_of=([probe]=30 [suites]=220 [quick_kernels]=60 [steps]=150 [profile]=70
  [train]=90 [losses]=120 [random]=90 [kernels]=120 [memcheck]=130 [racecheck]=130
  [compiled_steps]=140 [initcheck]=60 [synccheck]=60)
declare -A title_of=([probe]="the device" [quick_kernels]="kernels, quickly"
  [steps]="steps beside PyTorch" [profile]="profile of a step" [train]="train, save, resume"
  [losses]="losses beside PyTorch" [random]="random numbers beside PyTorch" [kernels]="all kernels"
  [compiled_steps]="steps beside torch.compile")
seconds_of_a_suite=60

# choose_steps PART NAMES: fills `plan`. The probe is a part of every command.
choose_steps() {
  local name
  plan=("${part_1[@]}" "${part_2[@]}" "${part_3[@]}")
  if [ -n "$1" ] && [ -n "$2" ]; then refuse "--part and --steps both choose: give one of them"; fi
  case $1 in
    '') ;;
    1/3) plan=("${part_1[@]}") ;;
    2/3) plan=(probe "${part_2[@]}") ;;
    3/3) plan=(probe "${part_3[@]}") ;;
    *) refuse "--part is $1; it must be 1/3, 2/3 or 3/3" ;;
  esac
  [ -z "$2" ] && return
  IFS=, read -ra plan <<<"$2"
  for name in "${plan[@]}"; do
    [ -n "${seconds_of[$name]:-}" ] || refuse "--steps: there is no step '$name'; see --help"
  done
  [[ " ${plan[*]} " == *" probe "* ]] || plan=(probe "${plan[@]}")
}

run_plan() {
  local name
  names_left=("${plan[@]}")
  for name in "${plan[@]}"; do
    if [ $((limit - SECONDS)) -lt 3 ]; then return; fi
    names_left=("${names_left[@]:1}")
    case $name in
      probe) run_probe ;;
      suites) run_suites ;;
      steps | profile | kernels | quick_kernels | compiled_steps)
        keep_output=yes run_named "$name"
        ;;
      *) run_named "$name" ;;
    esac
  done
}

# On a simulated device, which is slow, for longer.
run_named() {
  local seconds=${seconds_of[$1]}
  [ -n "$simulated" ] && seconds=$((seconds * 3))
  run_step "${title_of[$1]:-$1}" "$seconds" bash tests/gpu.d/step "$1"
}

# What the steps need to know.
set_environment() {
  local folder
  export bin=$prebuilt/bin digits=$prebuilt/digits WICK_FIXTURES=$PWD/tests/fixtures mnist simulated torch_python
  if [ -n "$mnist" ]; then export WICK_MNIST=$mnist; fi
  if [ -n "$simulated" ]; then PATH=$PWD/tests/gpu.d/stand_ins:$PATH; fi
  # Where NVIDIA's tools are when nobody has put them into PATH.
  for folder in /usr/local/cuda/bin /usr/local/nvidia/bin /usr/local/cuda/compute-sanitizer \
    /opt/nvidia/nsight-compute/*; do
    [ -d "$folder" ] && PATH=$PATH:$folder
  done
  export PATH
  find_torch
  find_blas
}

# A Python that has torch, for which it need not be loaded; empty where there is none.
find_torch() {
  local candidate has='import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)'
  [ "$torch_python" = none ] && torch_python='' && return
  if [ -n "$torch_python" ]; then
    "$torch_python" -c "$has" >/dev/null 2>&1 || refuse "--torch: $torch_python has no torch"
    return
  fi
  for candidate in "${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/wick/venv/bin/python" python3; do
    if "$candidate" -c "$has" >/dev/null 2>&1; then
      torch_python=$candidate
      return
    fi
  done
  torch_python=''
}

# cuBLASLt may be where only PyTorch looks for it, beside its Python.
find_blas() {
  local file
  [ -n "$simulated" ] && return
  compgen -G '/usr/local/cuda/lib64/libcublasLt.so.1[23]' >/dev/null && return
  ldconfig -p 2>/dev/null | grep -q 'libcublasLt\.so\.1[23]' && return
  [ -n "$torch_python" ] || return
  file=$("$torch_python" - <<'PYTHON'
import glob, sys
for folder in sys.path:
    for file in sorted(glob.glob(folder + "/nvidia/*/lib/libcublasLt.so.1[23]"), reverse=True):
        print(file)
        sys.exit()
PYTHON
  )
  [ -n "$file" ] && export LD_LIBRARY_PATH=${file%/*}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# Ends the command where there is no GPU. One that fails here may still tell something by its tests.
run_probe() {
  keep_output=yes run_named probe
  gpu=$(sed -n 's/^device: //p' <<<"$output")
  driver=$(sed -n 's/^driver: //p' <<<"$output")
  gpu=${gpu:-unknown} driver=${driver:-unknown}
  if [ "${rows[-1]%%|*}" = skipped ]; then
    names_left=()
    finished=true
    write_summary
    echo "tests/gpu: there is no GPU here; nothing was run." >&2
    exit 77
  fi
}

# A process for each suite: what one leaves broken on the device ends with it.
run_suites() {
  local suite suites until=$((SECONDS + seconds_of[suites])) seconds
  suites=$("$bin/gpu_test" --gtest_list_tests 2>/dev/null | sed -n 's/^\([^ ].*\)\.\( *#.*\)\?$/\1/p')
  if [ -z "$suites" ]; then
    run_step "tests" 30 "$bin/gpu_test" --gtest_list_tests
    return
  fi
  for suite in $suites; do
    seconds=$((until - SECONDS))
    [ "$seconds" -gt "$seconds_of_a_suite" ] && seconds=$seconds_of_a_suite
    if [ "$seconds" -lt 3 ]; then
      add_row "not run" "tests: $suite" 0 "no time was left for tests"
      continue
    fi
    run_step "tests: $suite" "$seconds" "$bin/gpu_test" "--gtest_filter=$suite.*"
  done
}
