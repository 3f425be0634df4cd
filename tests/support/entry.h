/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What assembly and C++ of a payload agree on. */
#ifndef RAVELIN_TESTS_SUPPORT_ENTRY_H
#define RAVELIN_TESTS_SUPPORT_ENTRY_H

#define PAYLOAD_MAX_CPUS 8
#define PAYLOAD_STACK_SHIFT 14

/* x7 .. x30 hold PAYLOAD_CANARY + N in their upper 16 bits during a call. */
#define PAYLOAD_CANARY 0xca00

#endif
