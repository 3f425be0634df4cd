# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# Mode nvhe: the host is de-privileged, there are normal VMs only.

. /tests/lib.sh
. /tests/vm.sh

protected_refused() {
  ravelin-vmm --protected --image "$GUESTS/counter_guest" 2>&1 | grep "cannot create a protected VM"
}

check started_at_el1 sh -c 'dmesg | grep -F "CPU: All CPU(s) started at EL1"'
check modules_load load_modules ravelin ravelin-attack
check mode_is_nvhe test "$(monitor_info mode)" = nvhe
check normal_vm_runs ravelin-vmm --image "$GUESTS/counter_guest"
check protected_vm_refused protected_refused
check monitor_unreadable attack-scan --carveout --expect-all-fault
