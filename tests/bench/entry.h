/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest (guest_code.S) and its VMM (guest.cc) agree on. */
#ifndef RAVELIN_TESTS_BENCH_ENTRY_H
#define RAVELIN_TESTS_BENCH_ENTRY_H

#define BENCH_GUEST_CODE 0x80000000
/* A device page. Read: a command = function << 32 | page address | operation. Write at + 8: x0. */
#define BENCH_GUEST_DEVICE 0x09000000

#define BENCH_GUEST_NOTHING 0
#define BENCH_GUEST_CALL 1 /* HVC: x0 = function, x1 = page address */
#define BENCH_GUEST_READ 2 /* a word of the page */
#define BENCH_GUEST_READ_CTR 3
#define BENCH_GUEST_READ_ID 4
#define BENCH_GUEST_WAIT_TWICE 5

/* Instructions of the guest between the two accesses to the device, for NOTHING. */
#define BENCH_GUEST_STEPS 10

#endif
