# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# ravelin-vmm against the kernel's own KVM, which is not ours: a Linux guest with two CPUs uses every
# device and powers off.

. /tests/lib.sh
. /tests/linux_guest.sh

has_kvm() {
  dmesg | grep "kvm.*mode initialized" && [ -c /dev/kvm ]
}

refuses_a_wrong_kernel() {
  ravelin-vmm --kernel /init 2>/tmp/errors
  vmm_status=$?
  grep "cannot start kernel '/init': it is no arm64 Image" /tmp/errors && ends_with 2
}

# ends_with STATUS: what the VMM returned, and why.
ends_with() {
  echo "exit status $vmm_status: $(tail -n 1 /tmp/errors)"
  [ $vmm_status -eq "$1" ]
}

stops_on_sigterm() {
  ravelin-vmm --kernel "$GUESTS/Image" --serial /tmp/stopped --smp 2 2>/tmp/errors &
  vmm=$!
  sleep 2
  kill -TERM $vmm
  wait $vmm
  vmm_status=$?
  ends_with 5
}

guest_resets() {
  timeout "$GUEST_SECONDS" ravelin-vmm --kernel "$GUESTS/Image" \
    --initrd "$GUESTS/linux_guest.cpio" --append "quiet guest.end=reset" --serial /tmp/reset \
    2>/tmp/errors
  vmm_status=$?
  ends_with 4
}

check has_kvm has_kvm
check raw_image_runs ravelin-vmm --image "$GUESTS/counter_guest"
check_linux_guest
check sigterm_stops stops_on_sigterm
check reset_has_its_own_code guest_resets
check kernel_is_refused_clearly refuses_a_wrong_kernel
