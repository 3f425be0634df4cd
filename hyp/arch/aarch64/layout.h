/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's virtual address space, the layouts that assembly and C++ share, and the constants
 * of the boot path. Included by assembly: only #define above the C++ part. The headers of
 * the C++ structures assert each offset.
 *
 *   kLinearBase + PA    what the monitor owns of RAM: records, tables, VM objects, shared run pages
 *   kImageBase          code (RX), constants (RO), static data (RW)
 *   kStackBase          one slot per CPU: guard page, stack
 *   kWindowBase         one page per CPU: a page of somebody else while it is wiped or cleaned
 *   kDeviceBase         MMIO of the monitor (UART)
 *   identity            one RX page, code that runs while the MMU goes on or off
 */
#pragma once

#define RAVELIN_LINEAR_BASE 0x400000000000
#define RAVELIN_IMAGE_BASE 0x600000000000
#define RAVELIN_STACK_BASE 0x610000000000
#define RAVELIN_WINDOW_BASE 0x618000000000
#define RAVELIN_DEVICE_BASE 0x620000000000

/* A stack slot: one guard page at its bottom, the rest is stack. */
#define RAVELIN_STACK_SLOT 0x8000
#define RAVELIN_PANIC_STACK_SIZE 0x2000

/* The UART that reports before the device tree is read: the PL011 of QEMU's virt machine. */
#define RAVELIN_EARLY_UART 0x09000000

/* struct CpuBoot: read with the MMU off by a CPU that comes up. */
#define CPU_BOOT_TTBR 0
#define CPU_BOOT_TCR 8
#define CPU_BOOT_MAIR 16
#define CPU_BOOT_SCTLR 24
#define CPU_BOOT_PERCPU 32
#define CPU_BOOT_STACK 40
#define CPU_BOOT_VECTORS 48

/* struct PerCpu: what the vectors need. */
#define PERCPU_PANIC_STACK 0
#define PERCPU_STACK 8
#define PERCPU_GUEST 16

/* struct TrapFrame: x0..x30, then padding to 16 bytes. */
#define FRAME_SIZE 256

/* struct HostFrame: x0..x18, x29, x30, then padding to 16 bytes. */
#define HOST_FRAME_SIZE 176

/* struct GuestRegisters: x0..x30, ELR, SPSR. */
#define GUEST_PC 248
#define GUEST_PSTATE 256

/* Kinds of exit that EnterGuest returns. */
#define GUEST_EXIT_SYNC 0
#define GUEST_EXIT_IRQ 1
#define GUEST_EXIT_SERROR 2

#ifndef __ASSEMBLER__
#include <cstdint>

#include "hyp/base/types.h"

namespace ravelin {

inline constexpr std::uint64_t kLinearBase = RAVELIN_LINEAR_BASE;
inline constexpr std::uint64_t kLinearSize = std::uint64_t{1} << 45;  // PA up to 32 TiB
inline constexpr std::uint64_t kImageBase = RAVELIN_IMAGE_BASE;
inline constexpr std::uint64_t kStackBase = RAVELIN_STACK_BASE;
inline constexpr std::uint64_t kWindowBase = RAVELIN_WINDOW_BASE;
inline constexpr std::uint64_t kDeviceBase = RAVELIN_DEVICE_BASE;
inline constexpr std::uint64_t kStackSlot = RAVELIN_STACK_SLOT;

// The address at which the monitor sees a page of RAM that it holds.
constexpr Va LinearVa(Pa pa) { return Va{kLinearBase + pa.raw()}; }

template <typename T>
T* LinearPointer(Pa pa) {
  return reinterpret_cast<T*>(LinearVa(pa).raw());
}

}  // namespace ravelin
#endif
