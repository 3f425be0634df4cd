// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A device of three registers through which a guest and this VMM talk about pages that the guest
// has shared (64-bit registers, each accessed whole):
//
//   0x00 MESSAGE  write: address of a shared page with a NUL-terminated message. The VMM prints the
//                 message and answers by a NUL-terminated text at the start of the same page.
//   0x08 COMMAND  read: what the guest shall do next, a Command.
//   0x10 STATUS   write: the guest's own verdict; 0 = all is well, anything else = what failed.
//
// A page that the guest has not shared is a message in the log and nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "host_shim/vmm/guest_memory.h"
#include "host_shim/vmm/line_printer.h"
#include "host_shim/vmm/mmio.h"

namespace ravelin::vmm {

enum class Command : std::uint64_t {
  kFinish = 0,
  kWait = 1,  // ask again
};

class Mailbox final : public MmioDevice {
 public:
  static constexpr std::uint64_t kMessageRegister = 0x00;
  static constexpr std::uint64_t kCommandRegister = 0x08;
  static constexpr std::uint64_t kStatusRegister = 0x10;

  // `memory` must outlive the mailbox. `next_command` may sleep.
  Mailbox(GuestMemory& memory, LineSink sink, std::function<Command()> next_command)
      : memory_(&memory), sink_(std::move(sink)), next_command_(std::move(next_command)) {}

  [[nodiscard]] std::uint64_t Read(std::uint64_t offset, unsigned size) override;
  void Write(std::uint64_t offset, unsigned size, std::uint64_t value) override;

  // What the guest last reported; 0 if it reported nothing.
  [[nodiscard]] std::uint64_t status() const { return status_; }

 private:
  void TakeMessage(Ipa page);
  [[nodiscard]] Result<std::string> ReadMessage(Ipa page) const;
  [[nodiscard]] Result<void> Answer(Ipa page, const std::string& text);

  GuestMemory* memory_;
  LineSink sink_;
  std::function<Command()> next_command_;
  std::uint64_t status_ = 0;
};

}  // namespace ravelin::vmm
