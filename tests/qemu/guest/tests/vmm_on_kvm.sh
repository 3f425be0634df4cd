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

# exits_with CODE SIGNAL SECONDS OPTION...: the VMM gets the signal after some seconds of its life.
stops_on() {
  ravelin-vmm --kernel "$GUESTS/Image" --serial /tmp/stopped --smp 2 2>/tmp/errors &
  vmm=$!
  sleep 2
  kill "-$1" $vmm
  wait $vmm
  status=$?
  echo "exit status $status: $(tail -n 1 /tmp/errors)"
  [ $status -eq 5 ]
}

check has_kvm has_kvm
check raw_image_runs ravelin-vmm --image "$GUESTS/counter_guest"
check_linux_guest
check sigterm_stops stops_on TERM
