// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The host's end of a guest's console: the terminal, or a file that is written.
//
// What a guest prints goes out as it is: a terminal needs the control sequences. Use a file for a
// guest that must not send any.
#pragma once

#include <termios.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/event_loop.h"
#include "host_shim/vmm/input.h"
#include "host_shim/vmm/unique_fd.h"

namespace ravelin::vmm {

inline constexpr std::string_view kStdio = "stdio";

class ConsolePort {
 public:
  // `target`: "stdio", or the name of a file to write. Input comes from stdio only. A terminal
  // gives its keys one by one until the port is closed; its interrupt key still works.
  static Result<std::unique_ptr<ConsolePort>> Open(const std::string& target);
  ConsolePort(const ConsolePort&) = delete;
  ConsolePort& operator=(const ConsolePort&) = delete;
  ~ConsolePort();

  // What cannot be written is lost.
  void Write(std::span<const std::byte> bytes) const;

  // Feeds the sink as long as the loop runs. Both must outlive the port.
  void Connect(EventLoop& loop, InputSink& sink);

 private:
  ConsolePort() = default;

  void UseTerminal();
  void Pump();

  UniqueFd file_;  // none: stdio
  std::optional<termios> saved_terminal_;
  EventLoop* loop_ = nullptr;
  InputSink* sink_ = nullptr;
  EventLoop::Watch watch_{};
};

}  // namespace ravelin::vmm
