// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/console_port.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace ravelin::vmm {
namespace {

constexpr mode_t kFileMode = 0600;

}  // namespace

Result<std::unique_ptr<ConsolePort>> ConsolePort::Open(const std::string& target) {
  std::unique_ptr<ConsolePort> port{new ConsolePort};
  if (target == kStdio) {
    port->UseTerminal();
    return port;
  }
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  port->file_ = UniqueFd{::open(target.c_str(), kFlags, kFileMode)};
  if (!port->file_.ok()) return ErrnoFailure("cannot write console file '" + target + "'");
  return port;
}

void ConsolePort::UseTerminal() {
  termios terminal{};
  if (::tcgetattr(STDIN_FILENO, &terminal) != 0) return;
  saved_terminal_ = terminal;
  terminal.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  terminal.c_iflag &= ~static_cast<tcflag_t>(ICRNL | IXON);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
}

ConsolePort::~ConsolePort() {
  if (saved_terminal_) ::tcsetattr(STDIN_FILENO, TCSANOW, &*saved_terminal_);
}

void ConsolePort::Write(std::span<const std::byte> bytes) const {
  const int fd = file_.ok() ? file_.get() : STDOUT_FILENO;
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void ConsolePort::Connect(EventLoop& loop, InputSink& sink) {
  if (file_.ok()) return;
  loop_ = &loop;
  sink_ = &sink;
  // A regular file or /dev/null cannot be waited for, and means: no input.
  const auto watch = loop.Add(STDIN_FILENO, EPOLLIN, [this](std::uint32_t) { Pump(); });
  if (!watch) return;
  watch_ = *watch;
  sink.OnRoom([this] { loop_->Change(watch_, EPOLLIN); });
}

void ConsolePort::Pump() {
  std::array<std::byte, 256> bytes{};
  const std::size_t room = std::min(sink_->Room(), bytes.size());
  if (room == 0) {
    loop_->Change(watch_, 0);
    return;
  }
  const ssize_t count = ::read(STDIN_FILENO, bytes.data(), room);
  if (count > 0) {
    sink_->Take(std::span{bytes}.first(static_cast<std::size_t>(count)));
    return;
  }
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  loop_->Remove(watch_);
}

}  // namespace ravelin::vmm
