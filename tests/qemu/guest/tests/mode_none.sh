# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# Mode none: the host is an ordinary kernel at EL1, there are no VMs.

. /tests/lib.sh
. /tests/vm.sh

driver_refuses() {
  ! insmod "$MODULES/ravelin.ko" 2>/dev/null && [ ! -e /dev/kvm ]
}

check started_at_el1 sh -c 'dmesg | grep -F "CPU: All CPU(s) started at EL1"'
check driver_refuses driver_refuses
check monitor_unreadable sh -c '. /tests/vm.sh; load_modules ravelin-attack &&
  attack-scan --carveout --expect-all-fault'
