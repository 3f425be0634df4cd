/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What raw_guest.S and the tests that run it agree on. */
#ifndef RAVELIN_TESTS_RAW_GUEST_H
#define RAVELIN_TESTS_RAW_GUEST_H

#define RAW_ENTRY 0x80000000
/* A page of RAM that the guest reads once. */
#define RAW_EMPTY_PAGE 0x80010000
/* A device page to which it reports: RAW_REPORT_READY, _CHANGED and _FOUND are offsets. */
#define RAW_REPORT_PAGE 0x09000000
#define RAW_REPORT_READY 0
#define RAW_REPORT_CHANGED 8
#define RAW_REPORT_FOUND 16

/*
 * xN holds RAW_CANARY + N (N >= 2), each half of qN RAW_CANARY + RAW_VECTOR_OFFSET + N, and some
 * system registers RAW_CANARY + RAW_SYSTEM_OFFSET and following. The low 16 bits of RAW_CANARY are
 * small enough for that.
 */
#define RAW_CANARY 0x5ec2e7a9b3d10000
#define RAW_VECTOR_OFFSET 0x100
#define RAW_SYSTEM_OFFSET 0x200
#define RAW_LAST_CANARY (RAW_CANARY + 0x2ff)

#endif
