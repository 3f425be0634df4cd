# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# For the scripts that run VMs: `. /tests/vm.sh` after lib.sh.

GUESTS=/payloads
MODULES=/lib/modules
SECRET_SECONDS=60

# load_modules MODULE...: the driver, the hostile module, or both.
load_modules() {
  grep -q debugfs /proc/mounts || mount -t debugfs debugfs /sys/kernel/debug
  for module in "$@"; do
    insmod "$MODULES/$module.ko" || return 1
  done
}

# monitor_info NAME: one of the monitor's figures.
monitor_info() {
  awk -v name="$1" '$1 == name { print $2 }' /sys/kernel/debug/ravelin/info
}

# start_secret_vm NAME [OPTION...]: runs secret_guest, and returns when it has its secret in place
# and waits. Its output goes to /tmp/NAME.log, its VMM's exit code to /tmp/NAME.status.
start_secret_vm() {
  vm_name=$1
  shift
  rm -f "/tmp/$vm_name.go" "/tmp/$vm_name.status"
  (run_secret_vm "$vm_name" "$@") >/dev/null 2>&1 &
  for _ in $(seq $((SECRET_SECONDS * 5))); do
    grep -qs "the secret is in memory" "/tmp/$vm_name.log" && return 0
    [ -e "/tmp/$vm_name.status" ] && break
    usleep 200000
  done
  cat "/tmp/$vm_name.log"
  return 1
}

run_secret_vm() {
  vm_name=$1
  shift
  ravelin-vmm --image "$GUESTS/secret_guest" --hold-until "/tmp/$vm_name.go" "$@" \
    >"/tmp/$vm_name.log" 2>&1
  echo $? >"/tmp/$vm_name.status"
}

# finish_secret_vm NAME: lets the guest check its secret and shut down.
finish_secret_vm() {
  touch "/tmp/$1.go"
  for _ in $(seq $((SECRET_SECONDS * 5))); do
    [ -s "/tmp/$1.status" ] && break
    usleep 200000
  done
  tail -n 1 "/tmp/$1.log"
  [ "$(cat "/tmp/$1.status")" = 0 ] && grep -q "the secret is intact" "/tmp/$1.log"
}

# run_checks PROGRAM...: a program that prints CHECK lines itself. One that ends otherwise fails.
run_checks() {
  "$@"
  program_status=$?
  if [ "$program_status" -gt 1 ]; then
    fail "$(basename "$1")" "it exited with $program_status"
  fi
}
