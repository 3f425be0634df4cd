# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# The kernel of a distribution as a normal VM of the monitor: its interrupts, timers and second CPU
# are the monitor's.

. /tests/lib.sh
. /tests/linux_guest.sh

nothing_unexpected() {
  ! dmesg | grep -E "Unexpected interrupt|unexpected IRQ|Call trace"
}

check module_loads insmod /lib/modules/ravelin.ko
check_linux_guest
tail -n 30 /tmp/console
tail -n 5 /tmp/serial
check host_saw_nothing_unexpected nothing_unexpected
