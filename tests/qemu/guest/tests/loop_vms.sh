# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# Protected VMs one after the other, and one that is killed: all memory comes back.

. /tests/lib.sh
. /tests/vm.sh

count=$(grep -o 'ravelin.vms=[0-9]*' /proc/cmdline | cut -d= -f2)

check modules_load load_modules ravelin ravelin-attack
run_checks loop-vms "$GUESTS/counter_guest" "$GUESTS/secret_guest" "${count:-200}"
