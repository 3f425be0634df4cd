# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# For the scripts in this folder: `. /tests/lib.sh`.

pass() {
  echo "CHECK pass $1"
}

fail() {
  echo "CHECK fail $1: $2"
}

# check NAME COMMAND...: passes if the command succeeds; its output is the reason
# if it does not.
check() {
  check_name=$1
  shift
  if check_output=$("$@" 2>&1); then
    pass "$check_name"
  else
    fail "$check_name" "$* exited with $? ($(echo "$check_output" | tail -n 1))"
  fi
}
