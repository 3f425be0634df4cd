/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Guests of a few instructions. They start with the MMU off, and have no stack. */
#ifndef RAVELIN_TESTS_KVM_GUEST_CODE_H
#define RAVELIN_TESTS_KVM_GUEST_CODE_H

#ifndef __ASSEMBLER__
#include <cstdint>
extern "C" {
/* Goes in circles. */
extern const std::uint32_t kSpinGuest, kSpinGuestEnd;
/* Reads 4 bytes at x0, writes them plus 1 to x0 + 8, shuts down. A protected VM guards the page. */
extern const std::uint32_t kMmioGuest, kMmioGuestEnd;
/* Shuts down. */
extern const std::uint32_t kOffGuest, kOffGuestEnd;
/* Writes to x0, then x0 + 4096, and so on, x1 times; shuts down. */
extern const std::uint32_t kTouchGuest, kTouchGuestEnd;
}
#endif

#endif
