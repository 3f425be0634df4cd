# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# The host runs at EL1 with every CPU that it was given.

. /tests/lib.sh

expected_cpus() {
  grep -o 'ravelin.cpus=[0-9]*' /proc/cmdline | cut -d= -f2
}

started_at_el1() {
  dmesg | grep -F "CPU: All CPU(s) started at EL1"
}

check started_at_el1 started_at_el1
check all_cpus_online test "$(nproc)" -eq "$(expected_cpus)"
