# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# A protected VM: the guest runs, talks through what it shares, and none of the attacks by the
# host's kernel and processes reaches its secret.

. /tests/lib.sh
. /tests/vm.sh

talks() {
  grep -q "running in a protected VM" /tmp/protected.log &&
    grep -q "guest: hello through a shared page" /tmp/protected.log &&
    grep -q "the host answered in the shared page" /tmp/protected.log
}

first_faulted_page() {
  attack-scan | awk '$1 == "faulted_pfns" { print $2 }'
}

# The host lives if it can still start processes and VMs.
host_lives() {
  ravelin-vmm --image "$GUESTS/counter_guest"
}

check modules_load load_modules ravelin ravelin-attack
check nothing_to_find_before attack-scan --expect-no-match
check counter_guest_runs ravelin-vmm --protected --image "$GUESTS/counter_guest"
check secret_guest_starts start_secret_vm protected --protected
check guest_talks talks
check scan_finds_no_secret attack-scan --ask-owners --expect-no-match --expect-fault
check monitor_unreadable attack-scan --carveout --expect-all-fault
check monitor_image_not_found attack-scan --pattern /payloads/monitor.pattern --expect-no-match
page=$(first_faulted_page)
check stray_read_kills_its_thread attack-touch read "$page"
check stray_write_kills_its_thread attack-touch write "$page"
check host_lives host_lives
check secret_guest_finishes finish_secret_vm protected
check wiped_after_death attack-scan --expect-no-match
run_checks attack-process "$GUESTS/secret_guest" protected
check wiped_after_attacked_guest attack-scan --expect-no-match
# Last, since it leaves the pattern behind: were it anywhere, it would have been found.
check monitor_image_would_be_found \
  attack-scan --pattern /payloads/monitor.pattern --plant --expect-match
