/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What caller_guest.S and the tests that run it agree on. */
#ifndef RAVELIN_TESTS_CALLER_GUEST_H
#define RAVELIN_TESTS_CALLER_GUEST_H

#define CALLER_ENTRY 0x80000000
/* A device page: the guest reads what to do there (x0 to x3), does it, and writes x0. */
#define CALLER_PAGE 0x09000000
#define CALLER_RESULT 32
/* Values of x0 that are no calls: stores x2 at x1, or loads from there. */
#define CALLER_STORE 1
#define CALLER_LOAD 2

#endif
