# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# A normal VM: the guest runs, and the host can read all of it. That the attacks find the secret
# here shows that they work.

. /tests/lib.sh
. /tests/vm.sh

talks() {
  grep -q "guest: hello through a shared page" /tmp/normal.log &&
    grep -q "the host answered in the shared page" /tmp/normal.log
}

check modules_load load_modules ravelin ravelin-attack
check counter_guest_runs ravelin-vmm --image "$GUESTS/counter_guest"
check secret_guest_starts start_secret_vm normal
check guest_talks talks
check scan_finds_secret attack-scan --expect-match
check secret_guest_finishes finish_secret_vm normal
run_checks attack-process "$GUESTS/secret_guest" normal
