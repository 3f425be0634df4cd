# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# What a guest sees when it tries what it must not have. probe_protected.txt and probe_normal.txt
# hold one line for each try: its name, and a pattern for the result.

. /tests/lib.sh
. /tests/vm.sh

# compare KIND: every expectation of the file against the guest's output.
compare() {
  while read -r name pattern; do
    case "$name" in
      "#"*|"") continue ;;
    esac
    result=$(sed -n "s/^probe $name: //p" "/tmp/probe_$1.log")
    if echo "$result" | grep -Eqx -e "$pattern"; then
      pass "$1_$name"
    else
      fail "$1_$name" "'$result' instead of '$pattern'"
    fi
  done <"/tests/probe_$1.txt"
}

probe() {
  kind=$1
  shift
  ravelin-vmm --image "$GUESTS/probe_guest" "$@" >"/tmp/probe_$kind.log" 2>&1 &&
    grep -q "probe_guest: done" "/tmp/probe_$kind.log"
}

check modules_load load_modules ravelin
check normal_guest_ends probe normal
check protected_guest_ends probe protected --protected
compare normal
compare protected
