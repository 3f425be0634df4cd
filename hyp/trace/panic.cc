// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/trace/panic.h"

#include <array>
#include <atomic>
#include <string_view>

#include "hyp/arch/aarch64/cpus.h"
#include "hyp/arch/aarch64/layout.h"
#include "hyp/arch/aarch64/linker.h"
#include "hyp/arch/aarch64/monitor_map.h"
#include "hyp/arch/aarch64/per_cpu.h"
#include "hyp/arch/aarch64/sysreg.h"
#include "hyp/base/invariant.h"
#include "hyp/platform/console.h"
#include "hyp/vm/monitor.h"

namespace ravelin {
namespace {

using console::Hex;
using console::Line;
using console::Write;

constexpr unsigned kMaxFrames = 24;

struct FrameRecord {
  const FrameRecord* caller;
  std::uint64_t return_address;
};

bool IsInStack(std::uint64_t address) {
  const auto in = [&](std::uint64_t first, std::uint64_t size) {
    return address >= first && address - first < size;
  };
  const std::uint64_t image_size = reinterpret_cast<std::uint64_t>(__image_end) - kImageBase;
  if (in(kImageBase, image_size)) {  // the boot stack
    return true;
  }
  const PerCpu* const cpu = sysreg::TpidrEl2::Read() == 0 ? nullptr : &ThisCpu();
  if (cpu == nullptr) {
    return false;
  }
  const std::uint64_t stack_size = kStackSlot - kPageSize;
  return in(cpu->stack - stack_size, stack_size) ||
         in(cpu->panic_stack - RAVELIN_PANIC_STACK_SIZE, RAVELIN_PANIC_STACK_SIZE);
}

void WriteCode(unsigned number, std::uint64_t address) {
  Write(std::string_view("  #"));
  Write(std::uint64_t{number});
  Write(std::string_view(" pc image+"));
  Write(Hex{address - kImageBase});
  Write(std::string_view("\r\n"));
}

// `link`: x30 at the fault. A function that calls nothing has not put it into a frame.
void WriteBacktrace(std::uint64_t pc, std::uint64_t link, const FrameRecord* frame) {
  unsigned number = 0;
  for (const std::uint64_t address : {pc, link == 0 ? 0 : link - 4}) {
    if (address != 0) {
      WriteCode(number++, address);
    }
  }
  while (number < kMaxFrames && frame != nullptr &&
         IsInStack(reinterpret_cast<std::uint64_t>(frame)) && frame->return_address != 0) {
    WriteCode(number++, frame->return_address - 4);
    frame = frame->caller;
  }
}

void WriteRegister(std::string_view name, std::uint64_t value) {
  Write(std::string_view(" "));
  Write(name);
  Write(std::string_view("="));
  Write(Hex{value});
}

void WriteGeneralRegisters(const TrapFrame& frame) {
  for (std::uint64_t i = 0; i < frame.x.size(); ++i) {
    Write(std::string_view(" x"));
    Write(i);
    Write(std::string_view("="));
    Write(Hex{frame.x[i]});
    if (i % 4 == 3) {
      Write(std::string_view("\r\n"));
    }
  }
  Write(std::string_view("\r\n"));
}

void WriteSyndrome() {
  WriteRegister("ESR_EL2", sysreg::EsrEl2::Read());
  WriteRegister("ELR_EL2", sysreg::ElrEl2::Read());
  WriteRegister("FAR_EL2", sysreg::FarEl2::Read());
  WriteRegister("SPSR_EL2", sysreg::SpsrEl2::Read());
  Write(std::string_view("\r\n"));
}

// One CPU reports; the others, and a panic within the report, stop at once.
void BeginReport(std::string_view reason) {
  if (panicked.exchange(true)) {
    StopThisCpu();
  }
  Write(std::string_view("\r\n"));
  Line(std::string_view("PANIC: "), reason);
}

// Wipes what must not outlive the monitor's guarantee, whoever holds the lock: nobody goes on. A
// fault in here ends in BeginReport.
[[noreturn]] void EndReport() {
  AbandonWindow();
  ScrubForPanic();
  Line(std::string_view("protected memory wiped, machine stopped"));
  StopThisCpu();
}

}  // namespace

constinit std::atomic<bool> panicked{false};

void Refuse(std::string_view reason) {
  Write(std::string_view("\r\n"));
  Line(std::string_view("refused: "), reason);
  StopThisCpu();
}

void Panic(const char* rule) {
  BeginReport(rule);
  WriteSyndrome();
  WriteBacktrace(0, 0, static_cast<const FrameRecord*>(__builtin_frame_address(0)));
  EndReport();
}

void StopThisCpu() {
  for (;;) {
    asm volatile("wfe");
  }
}

extern "C" [[noreturn]] void HandleMonitorFault(const TrapFrame* frame, std::uint64_t vector,
                                                std::uint64_t stack) {
  constexpr std::array<std::string_view, 8> kNames = {"synchronous exception (SP_EL0)",
                                                      "IRQ (SP_EL0)",
                                                      "FIQ (SP_EL0)",
                                                      "SError (SP_EL0)",
                                                      "synchronous exception in the monitor",
                                                      "IRQ in the monitor",
                                                      "FIQ in the monitor",
                                                      "SError in the monitor"};
  BeginReport(kNames[vector & 7]);
  const std::uint64_t far = sysreg::FarEl2::Read();
  const std::uint64_t bottom = ThisCpu().stack - (kStackSlot - kPageSize);
  if (far < bottom && bottom - far <= kPageSize) {
    Line(std::string_view("stack overflow: the guard page below this CPU's stack was hit"));
  }
  WriteSyndrome();
  WriteRegister("SP", stack);
  Write(std::string_view("\r\n"));
  WriteGeneralRegisters(*frame);
  WriteBacktrace(sysreg::ElrEl2::Read(), frame->x[30],
                 reinterpret_cast<const FrameRecord*>(frame->x[29]));
  EndReport();
}

extern "C" [[noreturn]] void HandleBootFault() {
  BeginReport("exception while the monitor boots");
  WriteSyndrome();
  WriteBacktrace(sysreg::ElrEl2::Read(), 0, nullptr);
  StopThisCpu();
}

}  // namespace ravelin
