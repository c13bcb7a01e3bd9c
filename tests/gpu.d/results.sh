# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2154  # set by tests/gpu, which sources this
# Runs the steps of tests/gpu and keeps what is known of them in the folder $results, rewritten after
# each step, so that a command may be killed at any moment:
#
#     summary.md, summary.json  what was done and found; the step that is running; what is left
#     log.txt                   what the finished steps printed, each cut to a MiB, 12 MiB in all
#     running.log               what the running step has printed
#
# With the file that replaces a summary, these are five at most, each below 16 MB.

most_of_a_step=1048576
most_of_all=12582912
most_running=8388608 # a step that prints more is ended

rows=()            # "state|name|seconds|text", the text without |
names_left=()      # of steps that have not begun
running=''         # the step that runs now
child='' watcher='' # its process, and the one that looks at its log
output=''          # what the last step printed, where that was wanted
gpu=unknown driver=unknown
finished=false

start_results() {
  mkdir -p "$results" || return
  rm -f "$results"/{summary.md,summary.json,summary.new,log.txt,running.log}
  : >"$results/log.txt" || return
  work=$(mktemp -d) || return
  export work
  trap 'rm -rf "$work"' EXIT
  trap 'interrupted 143' TERM
  trap 'interrupted 130' INT
  trap 'interrupted 129' HUP
  commit=$(sed -n 's/^commit: //p' "$prebuilt/about")
  date=$(date -u +%FT%TZ)
  cores=$(nproc)
}

# -- One step -------------------------------------------------------------------------------------

# run_step NAME SECONDS COMMAND...: for at most that long. Returns 1 where it did not end well.
run_step() {
  local name=$1 seconds=$2 status=0 started=$SECONDS state text left
  shift 2
  left=$((limit - SECONDS))
  if [ "$left" -lt 3 ]; then
    add_row "not run" "$name" 0 "no time was left"
    return 1
  fi
  [ "$seconds" -gt "$left" ] && seconds=$left
  running=$name
  : >"$results/running.log"
  write_summary
  timeout -k 5 "$seconds" "$@" >>"$results/running.log" 2>&1 </dev/null &
  child=$!
  watch_log "$child" >/dev/null 2>&1 </dev/null &
  watcher=$!
  wait "$child" || status=$?
  child=''
  stop_watcher
  state=$(state_of "$status" "$((SECONDS - started))" "$seconds")
  if [ "$state" = ok ] && grep -q 'there is no CUDA device' "$results/running.log"; then
    state=FAILED # skipped tests, on a machine whose probe has found a GPU
  elif [ "$state" = ok ] && grep -qE '^\[  PASSED  \] 0 tests' "$results/running.log"; then
    state=skipped
  fi
  end_step "$state" "$name" $((SECONDS - started)) "$status"
  [ "$state" = ok ] || [ "$state" = skipped ]
}

state_of() {
  case $1 in
    0) echo ok ;;
    77) echo skipped ;;
    124) echo "TIME OUT" ;;
    137) if [ "$2" -ge "$3" ]; then echo "TIME OUT"; else echo FAILED; fi ;;
    *) echo FAILED ;;
  esac
}

# The log before the row: what the summary has, log.txt has too.
end_step() {
  local state=$1 name=$2 seconds=$3 status=$4 text messages=''
  text=$(text_of "$results/running.log")
  output=''
  [ "$status" -gt 128 ] && [ "$state" = FAILED ] && text="ended by signal $((status - 128)); $text"
  case $state in
    FAILED | "TIME OUT" | interrupted)
      messages=$(messages_of "$results/running.log" | printable)
      add_failure "$name" "$messages"
      ;;
  esac
  if [ -n "${keep_output:-}" ]; then
    output=$(grep -av '^says: ' "$results/running.log" | head -c 60000 | printable)
    add_table "$name" "$output"
  fi
  {
    echo "==== $name: $state, $seconds s"
    cut_log "$results/running.log"
    echo
  } >>"$results/log.txt"
  rm -f "$results/running.log"
  running=''
  add_row "$state" "$name" "$seconds" "$text"
  printf '%-11s %-34s %4d s  %s\n' "$state" "$name" "$seconds" "${text:0:120}"
  case $state in
    FAILED | "TIME OUT") head -n 30 <<<"$messages" | sed 's/^/    /' ;;
  esac
}

# Nothing that fills the folder, and no step that prints without end.
watch_log() {
  local size
  while sleep 1; do
    size=$(stat -c %s "$results/running.log" 2>/dev/null) || return
    if [ "$size" -gt $most_running ]; then
      echo "tests/gpu: ended, since it printed more than $most_running bytes" >>"$results/running.log"
      kill "$1"
      return
    fi
  done
}
stop_watcher() {
  if [ -n "$watcher" ]; then
    kill "$watcher"
    wait "$watcher"
  fi 2>/dev/null
  watcher=''
}

# Its beginning and its end.
cut_log() {
  local size room=$((most_of_all - $(stat -c %s "$results/log.txt"))) most=$most_of_a_step
  [ "$room" -lt "$most" ] && most=$((room > 20000 ? room : 20000))
  size=$(stat -c %s "$1")
  if [ "$size" -le "$most" ]; then
    cat "$1"
    return
  fi
  head -c $((most / 4)) "$1"
  printf '\n[... %d bytes are left out ...]\n' $((size - most))
  tail -c $((most / 4 * 3)) "$1"
}

# What a log says in a few words: the step's own, or those of the programs that it ran.
text_of() {
  local said
  said=$(grep -a '^says: ' "$1" || grep -aE '^\[  (PASSED|FAILED) +\] [0-9]+ test|^test accuracy|^OK( |$)|^FAILED( |:)|^not measured|^skipped: |^\[  SKIPPED \] [0-9]+ test|terminate called|ended, since' "$1" | tail -n 3)
  sed 's/^says: //' <<<"$said" | paste -sd ';' | sed 's/;/; /g' | head -c 400 | printable
}

# Why it failed: the failed tests with all that they said; else how the log ends.
messages_of() {
  local found
  found=$(awk '
    /^\[ RUN      \]/ { test = ""; lines = 0 }
    /^\[  FAILED  \] .*\(([0-9]+) ms\)/ { print test $0; shown += lines + 1; test = "" }
    { if (lines < 40) { test = test $0 "\n"; lines++ } }
    shown > 300 { exit }' "$1" | head -c 30000)
  if [ -n "$found" ] && ! tail -n 1 "$1" | grep -q 'ended, since'; then printf '%s\n\n' "$found"; fi
  # compute-sanitizer marks its lines.
  if grep -qaE '(^|: )========= ' "$1"; then
    grep -aE '(^|: )========= ' "$1" | head -n 60
    return
  fi
  # A crash, a tool or a program: the last lines say what it was.
  [ -n "$found" ] && grep -qa '^\[  FAILED  \] [0-9]* test' "$1" || tail -n 25 "$1" | head -c 8000
}

# Ends what runs and says how far it came.
interrupted() {
  trap '' TERM INT HUP
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null
    stop_watcher
    wait "$child" 2>/dev/null
    end_step interrupted "$running" 0 0
  fi
  write_summary
  exit "$1"
}

# -- The summaries --------------------------------------------------------------------------------

# What is known, as it stands in the summaries.
rows_json='' tables_json='' failures_json='' rows_text='' tables_text='' failures_text=''

printable() { LC_ALL=C tr -d '\000-\010\013-\037\177' | LC_ALL=C tr '\200-\377' '?'; }

# Printable text, as a string of JSON.
json() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\t'/\\t}
  printf '"%s"' "${text//$'\n'/\\n}"
}

add_row() {
  local text=${4//|//}
  text=${text//$'\n'/ }
  rows+=("$1|$2|$3|$text")
  rows_json+="${rows_json:+,}"$'\n    '"{\"name\": $(json "$2"), \"state\": \"$1\", \"seconds\": $3, \"says\": $(json "$text")}"
  rows_text+="| $1 | $2 | $3 | $text |"$'\n'
  write_summary
}

# What belongs into the summaries as it was printed.
add_table() {
  tables_json+="${tables_json:+,}"$'\n    '"{\"name\": $(json "$1"), \"text\": $(json "$2")}"
  local text=$2
  # What is no table of Markdown (nvidia-smi's are drawn) stands as it is.
  if ! grep -q '^|---[:|]' <<<"$2"; then text=$'```\n'$2$'\n```'; fi
  tables_text+=$'\n'"## $1"$'\n\n'"$text"$'\n'
}
add_failure() {
  failures_json+="${failures_json:+,}"$'\n    '"{\"name\": $(json "$1"), \"text\": $(json "$2")}"
  failures_text+=$'\n'"## Failed: $1"$'\n\n```\n'"$2"$'\n```\n'
}

json_summary() {
  local name left=()
  for name in "${names_left[@]}"; do left+=("\"$name\""); done
  printf '{\n  "gpu": %s,\n  "driver": %s,\n' "$(json "$gpu")" "$(json "$driver")"
  printf '  "commit": %s,\n  "date": "%s",\n' "$(json "$commit")" "$date"
  printf '  "simulated": %s,\n  "seconds": %d,\n' "$([ -n "$simulated" ] && echo true || echo false)" $SECONDS
  printf '  "finished": %s,\n  "running": %s,\n' "$finished" "$(json "$running")"
  printf '  "left": [%s],\n' "$(IFS=, && echo "${left[*]}")"
  printf '  "steps": [%s\n  ],\n  "tables": [%s\n  ],\n' "$rows_json" "$tables_json"
  printf '  "failures": [%s\n  ]\n}\n' "$failures_json"
}

text_summary() {
  printf '# %s\n\n' "$gpu"
  printf 'By "tests/gpu" on %s, programs of commit %s, driver %s, %s cores; %d s.\n' "${date%T*}" \
    "$commit" "$driver" "$cores" $SECONDS
  if [ -n "$simulated" ]; then printf '\nOn a simulated device: nothing was measured.\n'; fi
  if ! $finished; then
    printf '\nNot finished; running: %s; left: %s.\n' "${running:-none}" "${names_left[*]:-none}"
  fi
  printf '\n| state | step | seconds | what it says |\n|---|---|---:|---|\n'
  printf '%s%s%s' "$rows_text" "$failures_text" "$tables_text"
}

# Each replaces the one before it in one move.
write_summary() {
  json_summary >"$results/summary.new" && mv "$results/summary.new" "$results/summary.json"
  text_summary >"$results/summary.new" && mv "$results/summary.new" "$results/summary.md"
}

# The end of the output has the whole in short. Returns the status of the command.
finish_results() {
  local row state name seconds text bad=0 count=0
  finished=true
  write_summary
  echo
  for row in "${rows[@]}"; do
    IFS='|' read -r state name seconds text <<<"$row"
    count=$((count + 1))
    case $state in
      ok) continue ;;
      skipped) ;;
      *) bad=$((bad + 1)) ;;
    esac
    printf '%-11s %-34s %4d s  %s\n' "$state" "$name" "$seconds" "${text:0:120}"
  done
  echo "$count rows, $bad of them neither ok nor skipped; $SECONDS s. The results are in $results."
  if [ ${#names_left[@]} -gt 0 ]; then
    echo "Not reached: --steps $(IFS=, && echo "${names_left[*]}")"
    bad=1
  fi
  [ "$bad" -eq 0 ]
}
