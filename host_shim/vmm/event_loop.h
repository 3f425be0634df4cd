// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Waits for file descriptors and calls their handlers, in one thread.
//
// Invariant: handlers run with lock() held. Whoever else touches what they touch (a CPU's thread
// that serves an MMIO access) holds the same lock, and so devices need none of their own. A handler
// that has been removed is not called any more.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/unique_fd.h"

namespace ravelin::vmm {

class EventLoop {
 public:
  // Gets the events of epoll (EPOLLIN, …).
  using Handler = std::function<void(std::uint32_t events)>;
  enum class Watch : std::uint64_t {};

  static Result<std::unique_ptr<EventLoop>> Create();

  // `fd` has to stay open until Remove(). With lock() held, or before Run().
  [[nodiscard]] Result<Watch> Add(int fd, std::uint32_t events, Handler handler);
  void Change(Watch watch, std::uint32_t events);
  void Remove(Watch watch);

  [[nodiscard]] std::mutex& lock() { return lock_; }

  // Serves events until Stop().
  [[nodiscard]] Result<void> Run();
  // Serves what has happened, or happens within some milliseconds; -1: waits for ever.
  [[nodiscard]] Result<void> Poll(int milliseconds);
  // From any thread.
  void Stop();

 private:
  struct Entry {
    int fd = -1;
    std::shared_ptr<Handler> handler;  // lives on while it runs, even if it removes itself
  };

  EventLoop(UniqueFd epoll, UniqueFd wake) : epoll_(std::move(epoll)), wake_(std::move(wake)) {}

  void Dispatch(Watch watch, std::uint32_t events);

  UniqueFd epoll_;
  UniqueFd wake_;
  std::mutex lock_;
  std::map<Watch, Entry> entries_;
  std::uint64_t next_watch_ = 1;  // 0 is wake_
  std::atomic<bool> stopping_ = false;
};

}  // namespace ravelin::vmm
