# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# Every CPU goes off and on again, and can run a VM afterwards.

. /tests/lib.sh
. /tests/vm.sh

cpu_online() {
  [ "$(cat /sys/devices/system/cpu/cpu"$1"/online)" = "$2" ]
}

cycle() {
  echo 0 >/sys/devices/system/cpu/cpu"$1"/online && cpu_online "$1" 0 &&
    echo 1 >/sys/devices/system/cpu/cpu"$1"/online && cpu_online "$1" 1
}

check modules_load load_modules ravelin
cpus=$(nproc)
for cpu in $(seq 1 $((cpus - 1))); do
  check "cpu${cpu}_off_and_on" cycle "$cpu"
done
check all_cpus_back test "$(nproc)" -eq "$cpus"
for cpu in $(seq 0 $((cpus - 1))); do
  check "cpu${cpu}_runs_a_vm" \
    taskset -c "$cpu" ravelin-vmm --protected --image "$GUESTS/counter_guest"
done
