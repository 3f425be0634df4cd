/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What assembly and C++ of the guest phase agree on (guest_code.S, guests.cc). */
#ifndef RAVELIN_TESTS_STORM_ENTRY_H
#define RAVELIN_TESTS_STORM_ENTRY_H

#define STORM_GUEST_CODE 0x80000000
#define STORM_GUEST_DATA 0x80001000
#define STORM_GUEST_HOLE 0x80100000
/* It counts so far before it waits: long enough to be met by other CPUs while it runs. */
#define STORM_GUEST_STEPS 2048
/* It keeps this in registers and in its data page; the host of a protected VM never sees it. */
#define STORM_SECRET 0x5ec2

#endif
