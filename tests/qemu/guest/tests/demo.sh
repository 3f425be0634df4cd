# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# The story of `./ravelin demo`: one line for each thing that was tried, and what happened. Lines
# for the viewer start with "STORY "; every one of them is also a check.

. /tests/lib.sh
. /tests/vm.sh

say() {
  echo "STORY $1"
}

# story NAME TRIED COMMAND...: a line of the story. What happened is the command's last line.
story() {
  story_name=$1
  story_tried=$2
  shift 2
  if story_output=$("$@" 2>&1); then
    pass "$story_name"
    story_mark="✓"
  else
    fail "$story_name" "$(echo "$story_output" | tail -n 1)"
    story_mark="✗"
  fi
  story_happened=$(echo "$story_output" | tail -n 1)
  printf 'STORY   %s %-50s %s\n' "$story_mark" "$story_tried" "$story_happened"
}

host_at_el1() {
  dmesg | grep -qF "CPU: All CPU(s) started at EL1" && echo "\"CPU: All CPU(s) started at EL1\""
}

driver_loads() {
  load_modules ravelin ravelin-attack && test -e /dev/kvm && echo "/dev/kvm is there"
}

greets() {
  start_secret_vm "$@" || return 1
  head -n 1 "/tmp/$1.log"
}

talks() {
  grep -q "the host answered in the shared page" "/tmp/$1.log" &&
    sed -n 's/^guest: \(.*\)$/"\1", and it was answered/p' "/tmp/$1.log"
}

ends() {
  finish_secret_vm "$1" >/dev/null && echo "its secret is intact, and it shut down"
}

scan() {
  attack-scan "$@" >/tmp/scan || { tail -n 1 /tmp/scan; return 1; }
}

finds_secret() {
  scan --expect-match && awk 'NR == 1 { print "found in " $8 " pages" }' /tmp/scan
}

finds_no_secret() {
  scan --expect-no-match --expect-fault &&
    awk 'NR == 1 { print "not found; " $4 " pages cannot be read; the host lives" }' /tmp/scan
}

finds_nothing() {
  scan --expect-no-match && awk 'NR == 1 { print "not found in " $1 " pages" }' /tmp/scan
}

finds_no_monitor() {
  scan --pattern /payloads/monitor.pattern --expect-no-match && echo "not found"
}

monitor_unreadable() {
  scan --carveout --expect-all-fault &&
    awk 'NR == 1 { print "all " $4 " pages fault" }' /tmp/scan
}

stray_access() {
  page=$(awk '$1 == "faulted_pfns" { print $2 }' /tmp/scan)
  attack-touch "$1" "$page" >/dev/null && echo "that thread died, the host lives"
}

# A check of a program that ran before, by name.
was_seen() {
  grep "CHECK fail $1:" /tmp/attack
  grep -q "CHECK pass $1$" /tmp/attack && echo "$2"
}

refused() {
  attack-calls >/tmp/attack 2>&1 &&
    echo "$(grep -c 'CHECK pass' /tmp/attack) groups of calls: each its own error, nothing changed"
}

hidden() {
  attack-registers "$GUESTS/raw_guest" >/tmp/attack 2>&1 && echo "nothing but the exit itself"
}

came_back() {
  [ "$(monitor_info donated_pages)" = 0 ] && [ "$(monitor_info live_vms)" = 0 ] &&
    echo "0 VMs and 0 donated pages are left"
}

# Figures: pages as KiB, ticks of the counter as milliseconds.
kib() {
  echo "$(($(monitor_info "$1") * 4)) KiB"
}

boot_milliseconds() {
  dmesg | sed -n 's/.*cp15 timer(s) running at \([0-9.]*\)MHz.*/\1/p' | head -n 1 |
    awk -v ticks="$(monitor_info boot_ticks)" '{ printf "%.0f ms\n", ticks / $1 / 1000 }'
}

# vm_times OPTION...: what the VMM says about a VM of 4 MiB that writes to all of its pages.
vm_times() {
  ravelin-vmm --verbose --image "$GUESTS/counter_guest" "$@" | awk '
    /set up in/ { up = $5 } /shut down after/ { run = $7 } /torn down in/ { down = $5 }
    END { printf "set up %.0f ms, run %.0f ms, torn down %.0f ms\n",
          up / 1000, run / 1000, down / 1000 }'
}

figure() {
  printf 'STORY     %-50s %s\n' "$1" "$2"
}

dmesg -n 1
say "An unmodified Debian kernel, $(uname -r), runs under the monitor:"
story host_at_el1 "the kernel looks for the hypervisor level" host_at_el1
story driver_loads "the driver is loaded" driver_loads

say "A protected VM, and a host that attacks it:"
story protected_vm_starts "a guest puts a secret into memory and registers" greets protected --protected
story protected_vm_talks "it talks through a page that it shares" talks protected
story scan_finds_no_secret "the host kernel reads all RAM for the secret" finds_no_secret
story stray_read "a kernel thread reads a guest's page directly" stray_access read
story stray_write "a kernel thread writes to it" stray_access write
story monitor_unreadable "the host kernel reads the monitor's memory" monitor_unreadable
story monitor_not_found "it looks for the monitor's code in all RAM" finds_no_monitor
story protected_vm_ends "the guest is told to go on" ends protected
story wiped "all RAM is read again after the guest's end" finds_nothing

say "Processes, calls and registers:"
attack-process "$GUESTS/secret_guest" protected >/tmp/attack 2>&1
story own_read "the VMM reads the guest's page" was_seen own_read_sigbus "SIGBUS"
story own_write "the VMM writes to it" was_seen own_write_sigbus "SIGBUS"
story own_syscall "the VMM lets the kernel copy into it" was_seen read_into_guest_efault "EFAULT"
story other_process "another process reads it by process_vm_readv" \
  was_seen process_vm_readv_refused "EFAULT"
story proc_mem "another process reads it by /proc/PID/mem" was_seen proc_mem_refused "EIO"
story unharmed "that guest is told to go on" was_seen guest_unharmed "its secret is intact"
story calls "donate, share, reclaim with wrong arguments" refused
story registers "all that an exit shows the host is compared" hidden
story came_back "what is left when all VMs are gone" came_back

say "The same guest in a normal VM, which the host may read: so the attacks do work."
story normal_vm_starts "a guest puts the secret into memory and registers" greets normal
story normal_vm_found "the host kernel reads all RAM for the secret" finds_secret
story normal_vm_ends "the guest is told to go on" ends normal
attack-process "$GUESTS/secret_guest" normal >/tmp/attack 2>&1
story normal_process_reads "another process reads the guest's memory" \
  was_seen process_vm_readv_works "it gets the secret"

say "Figures (under emulation):"
figure "the monitor's image" "$(kib image_pages)"
figure "memory that the monitor keeps for itself" "$(kib carveout_pages)"
figure "time that the monitor adds to the boot" "$(boot_milliseconds)"
figure "a protected VM of 4 MiB" "$(vm_times --protected)"
figure "a normal VM of 4 MiB" "$(vm_times)"
