// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/event_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <thread>

#include "host_shim/vmm/console_port.h"

namespace ravelin::vmm {
namespace {

class EventLoopTest : public ::testing::Test {
 protected:
  static UniqueFd Event() { return UniqueFd{::eventfd(0, EFD_NONBLOCK)}; }

  EventLoop::Watch Add(const UniqueFd& event, EventLoop::Handler handler) {
    auto watch = loop_->Add(event.get(), EPOLLIN, std::move(handler));
    EXPECT_TRUE(watch);
    return watch.value_or(EventLoop::Watch{});
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
};

TEST_F(EventLoopTest, CallsTheHandlerOfWhatHappened) {
  const UniqueFd one = Event();
  const UniqueFd other = Event();
  int calls = 0;
  Add(one, [&](std::uint32_t events) {
    EXPECT_EQ(events, std::uint32_t{EPOLLIN});
    ++calls;
  });
  Add(other, [&](std::uint32_t) { ADD_FAILURE(); });
  ::eventfd_write(one.get(), 1);
  ASSERT_TRUE(loop_->Poll(0));
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, HoldsTheLockWhileAHandlerRuns) {
  const UniqueFd event = Event();
  bool was_free = true;
  Add(event,
      [&](std::uint32_t) { std::thread{[&] { was_free = loop_->lock().try_lock(); }}.join(); });
  ::eventfd_write(event.get(), 1);
  ASSERT_TRUE(loop_->Poll(0));
  EXPECT_FALSE(was_free);
}

TEST_F(EventLoopTest, AHandlerMayRemoveItselfAndOthers) {
  const UniqueFd one = Event();
  const UniqueFd other = Event();
  int calls = 0;
  EventLoop::Watch first{};
  EventLoop::Watch second{};
  const auto remove_both = [&](std::uint32_t) {
    ++calls;
    loop_->Remove(first);
    loop_->Remove(second);
  };
  first = Add(one, remove_both);
  second = Add(other, remove_both);
  ::eventfd_write(one.get(), 1);
  ::eventfd_write(other.get(), 1);
  ASSERT_TRUE(loop_->Poll(0));
  ASSERT_TRUE(loop_->Poll(0));
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, AWatchCanBePaused) {
  const UniqueFd event = Event();
  int calls = 0;
  const auto watch = Add(event, [&](std::uint32_t) { ++calls; });
  ::eventfd_write(event.get(), 1);
  loop_->Change(watch, 0);
  ASSERT_TRUE(loop_->Poll(0));
  EXPECT_EQ(calls, 0);
  loop_->Change(watch, EPOLLIN);
  ASSERT_TRUE(loop_->Poll(0));
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, RefusesWhatCannotBeWaitedFor) {
  const UniqueFd file{::open("/dev/null", O_RDONLY)};
  EXPECT_FALSE(loop_->Add(file.get(), EPOLLIN, [](std::uint32_t) {}));
}

TEST_F(EventLoopTest, AnotherThreadStopsIt) {
  std::thread stopper{[this] { loop_->Stop(); }};
  EXPECT_TRUE(loop_->Run());
  stopper.join();
}

TEST(ConsolePortTest, WritesToAFile) {
  const std::string path = ::testing::TempDir() + "/event_loop_test_console";
  {
    const auto port = ConsolePort::Open(path);
    ASSERT_TRUE(port);
    const std::string text = "hello";
    (*port)->Write(std::as_bytes(std::span{text}));
  }
  const UniqueFd file{::open(path.c_str(), O_RDONLY)};
  std::array<char, 8> text{};
  EXPECT_EQ(::read(file.get(), text.data(), text.size()), 5);
  EXPECT_STREQ(text.data(), "hello");
}

TEST(ConsolePortTest, NamesTheFileThatCannotBeWritten) {
  const auto port = ConsolePort::Open("/nonexistent/console");
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error().text,
            "cannot write console file '/nonexistent/console': No such file or directory");
}

}  // namespace
}  // namespace ravelin::vmm
