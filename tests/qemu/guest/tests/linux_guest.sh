# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# For the scripts that run a Linux guest with two CPUs, which uses every device and powers off:
# `. /tests/linux_guest.sh` after lib.sh.

GUESTS=/payloads
GUEST_SECONDS=240
HALF_DISK=524288

make_disk() {
  head -c $((2 * HALF_DISK)) /dev/urandom >/tmp/disk
  disk_sum=$(head -c $HALF_DISK /tmp/disk | sha256sum | cut -d' ' -f1)
}

# Waits until the guest has said something.
await() {
  for _ in $(seq $((GUEST_SECONDS * 5))); do
    grep -qs "^GUEST $1" /tmp/console && return 0
    usleep 200000
  done
  return 1
}

# The host's half of the conversation; its output is typed on the guest's console.
host_side() {
  vsock-peer echo unix:/tmp/vsock_5000 >/tmp/echo 2>&1 &
  await vsock_waits
  vsock-peer check unix:/tmp/vsock:6000 1000000 >/tmp/check 2>&1
  echo $? >/tmp/check_status
  await typing
  echo "typed on the host"
}

vsock_reaches_guest() {
  cat /tmp/check
  [ "$(cat /tmp/check_status)" = 0 ]
}

run_linux() {
  host_side |
    timeout "$GUEST_SECONDS" ravelin-vmm --kernel "$GUESTS/Image" \
      --initrd "$GUESTS/linux_guest.cpio" --append "earlycon console=ttyAMA0 loglevel=6 panic=-1" \
      --smp 2 --memory 192 --rng --disk /tmp/disk --vsock 3:/tmp/vsock --serial /tmp/serial --console stdio \
      >/tmp/console 2>/tmp/errors
  linux_status=$?
  tail -n 1 /tmp/errors
  return $linux_status
}

# said WHAT RESULT: the guest's line about it.
said() {
  said=$(grep "^GUEST $1 " /tmp/console | tr -d '\r' | cut -d' ' -f3-)
  echo "the guest said '$said'"
  [ "$said" = "$2" ]
}

clock_is_right() {
  guest_clock=$(grep "^GUEST clock " /tmp/console | tr -d '\r' | cut -d' ' -f3)
  echo "the guest's clock says $guest_clock, the host's $(date +%s)"
  [ "$guest_clock" -gt $(($(date +%s) - GUEST_SECONDS)) ] && [ "$guest_clock" -le "$(date +%s)" ]
}

disk_was_written() {
  tail -c $HALF_DISK /tmp/disk >/tmp/second && head -c $HALF_DISK /tmp/disk | cmp - /tmp/second
}

# Boots it once, and compares what it says with what was given to it.
check_linux_guest() {
  make_disk
  check linux_powers_off run_linux
  check two_cpus said cpus 2
  check clock_is_right clock_is_right
  check disk_is_read said disk_sum "$disk_sum"
  check disk_is_copied said disk_copy ok
  check disk_was_written disk_was_written
  check disk_has_a_name said disk_id ravelin-disk-0
  check random_bytes said random ok
  check timers_tick said timers ok
  check vsock_to_host said vsock_to_host ok
  check vsock_refuses_a_port_without_listener said vsock_nobody ok
  check vsock_reaches_guest vsock_reaches_guest
  check vsock_from_host said vsock_from_host "status 0"
  check console_input said heard "typed on the host"
  check uart_output grep "hello by the UART" /tmp/serial
  check early_console grep -s "Linux version" /tmp/serial
}
