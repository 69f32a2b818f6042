# How a step of a test in shell is run and reported. To be sourced.

# failed NAME: reports and ends.
failed() {
  printf 'FAILED  %s\n' "$1" >&2
  exit 1
}

# check NAME COMMAND...: a step whose output is shown only when it fails.
check() {
  local name=$1 start=$EPOCHREALTIME output
  shift
  if ! output=$("$@" 2>&1 </dev/null); then
    printf '%s\n' "$output" >&2
    failed "$name"
  fi
  printf 'ok      %s (%d ms)\n' "$name" $(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
}

# says TEXT COMMAND...: the command succeeds, and prints this somewhere.
says() {
  local text=$1
  shift
  ends_with 0 "$text" "$@"
}

# ends_with STATUS TEXT COMMAND...: the command ends with this exit status, and prints this somewhere.
ends_with() {
  local expected=$1 text=$2 status=0 output
  shift 2
  output=$("$@" 2>&1) || status=$?
  echo "$output"
  [ "$status" -eq "$expected" ] || { echo "exit status $status, not $expected: $*"; return 1; }
  [[ $output == *"$text"* ]] || { echo "it does not say: $text"; return 1; }
}

# writes FILE COMMAND...: the command succeeds, and leaves this file with something in it.
writes() {
  local file=$1
  shift
  [ ! -e "$file" ] || { echo "$file was there before"; return 1; }
  "$@" || return 1
  [ -s "$file" ] || { echo "there is no $file"; return 1; }
}

# is_empty FOLDER
is_empty() {
  [ ! -d "$1" ] || { find "$1" -mindepth 1 -print -exec false {} +; }
}

# only_holds FOLDER PATTERN...: each name in a folder, which need not be there, is one of these.
only_holds() {
  local folder=$1 name pattern known
  shift
  [ -d "$folder" ] || return 0
  find "$folder" -mindepth 1 -maxdepth 1 -printf '%P\n' | while IFS= read -r name; do
    known=
    for pattern in "$@"; do
      # The right side is a pattern.
      # shellcheck disable=SC2053
      [[ $name != $pattern ]] || known=yes
    done
    [ -n "$known" ] || { echo "$folder holds $name"; return 1; }
  done
}

# no_process_of UID
no_process_of() {
  local status
  for status in /proc/[0-9]*/status; do
    if grep -qs "^Uid:[[:space:]]*$1[[:space:]]" "$status"; then
      cat "$status"
      return 1
    fi
  done
}
