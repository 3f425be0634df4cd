// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>

namespace ravelin::vmm {
namespace {

constexpr std::uint64_t kWake = 0;
constexpr int kBatch = 32;

bool Control(const UniqueFd& epoll, int operation, int fd, std::uint32_t events, std::uint64_t id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  return ::epoll_ctl(epoll.get(), operation, fd, &event) == 0;
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::Create() {
  UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll.ok()) return ErrnoFailure("cannot make an epoll instance");
  UniqueFd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake.ok()) return ErrnoFailure("cannot make an event file");
  if (!Control(epoll, EPOLL_CTL_ADD, wake.get(), EPOLLIN, kWake)) {
    return ErrnoFailure("cannot wait for an event file");
  }
  return std::unique_ptr<EventLoop>{new EventLoop{std::move(epoll), std::move(wake)}};
}

Result<EventLoop::Watch> EventLoop::Add(int fd, std::uint32_t events, Handler handler) {
  const Watch watch{next_watch_++};
  if (!Control(epoll_, EPOLL_CTL_ADD, fd, events, std::to_underlying(watch))) {
    return ErrnoFailure("cannot wait for a file");
  }
  entries_[watch] = {.fd = fd, .handler = std::make_shared<Handler>(std::move(handler))};
  return watch;
}

void EventLoop::Change(Watch watch, std::uint32_t events) {
  const auto found = entries_.find(watch);
  if (found == entries_.end()) return;
  Control(epoll_, EPOLL_CTL_MOD, found->second.fd, events, std::to_underlying(watch));
}

void EventLoop::Remove(Watch watch) {
  const auto found = entries_.find(watch);
  if (found == entries_.end()) return;
  Control(epoll_, EPOLL_CTL_DEL, found->second.fd, 0, 0);
  entries_.erase(found);
}

void EventLoop::Dispatch(Watch watch, std::uint32_t events) {
  const std::lock_guard guard{lock_};
  const auto found = entries_.find(watch);
  if (found == entries_.end()) return;
  const std::shared_ptr<Handler> handler = found->second.handler;
  (*handler)(events);
}

Result<void> EventLoop::Run() {
  while (!stopping_) {
    if (auto polled = Poll(-1); !polled) return polled;
  }
  return {};
}

Result<void> EventLoop::Poll(int milliseconds) {
  std::array<epoll_event, kBatch> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), kBatch, milliseconds);
  if (count < 0 && errno != EINTR) return ErrnoFailure("cannot wait for events");
  const auto happened = std::span{events}.first(static_cast<std::size_t>(std::max(count, 0)));
  for (const epoll_event& event : happened) {
    if (event.data.u64 != kWake) Dispatch(Watch{event.data.u64}, event.events);
  }
  return {};
}

void EventLoop::Stop() {
  stopping_ = true;
  ::eventfd_write(wake_.get(), 1);
}

}  // namespace ravelin::vmm
