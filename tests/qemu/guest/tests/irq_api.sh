# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# Interrupts of guests: timers, SGIs, lines, eventfds.

. /tests/lib.sh
. /tests/vm.sh

nothing_unexpected() {
  ! dmesg | grep -E "Unexpected interrupt|unexpected IRQ|Call trace"
}

check modules_load load_modules ravelin
run_checks irq-api "$GUESTS/irq_guest"
check host_saw_nothing_unexpected nothing_unexpected
