# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# The KVM API of the driver, and its life as a module.

. /tests/lib.sh
. /tests/vm.sh

is_busy() {
  start_secret_vm busy --protected && ! rmmod ravelin && finish_secret_vm busy
}

loads_again() {
  rmmod ravelin && [ ! -e /dev/kvm ] && load_modules ravelin &&
    ravelin-vmm --protected --image "$GUESTS/counter_guest"
}

# Allocations fail half-way, or the kernel kills the VMM: both leave nothing behind.
survives_lack_of_memory() {
  vms=$(monitor_info live_vms)
  pages=$(monitor_info donated_pages)
  ravelin-vmm --protected --memory 2048 --image "$GUESTS/counter_guest" >/tmp/lack.log 2>&1 &&
    return 1
  sleep 1
  [ "$(monitor_info live_vms)" = "$vms" ] && [ "$(monitor_info donated_pages)" = "$pages" ] &&
    ravelin-vmm --protected --image "$GUESTS/counter_guest"
}

check module_loads load_modules ravelin
run_checks kvm-api
check module_busy_while_a_vm_lives is_busy
check module_loads_again loads_again
check survives_lack_of_memory survives_lack_of_memory
