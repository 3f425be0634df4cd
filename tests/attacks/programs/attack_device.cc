// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/attacks/programs/attack_device.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include "tests/attacks/programs/report.h"

namespace ravelin::attacks {
namespace {

[[noreturn]] void GiveUpWithErrno(const char* what) {
  GiveUp(std::string{what} + ": " + std::strerror(errno));
}

template <typename Word>
std::uint64_t AddressOf(std::span<Word> words) {
  return std::bit_cast<std::uintptr_t>(words.data());
}

}  // namespace

AttackDevice::AttackDevice() : fd_(::open(ATTACK_DEVICE, O_RDWR | O_CLOEXEC)) {
  if (!fd_.ok()) GiveUpWithErrno("cannot open " ATTACK_DEVICE);
}

Answer AttackDevice::Raw(const RawCall& call) const {
  attack_call request{};
  for (std::size_t i = 0; i < call.x.size(); ++i) request.x[i] = call.x[i];
  if (::ioctl(fd_.get(), ATTACK_CALL, &request) != 0) GiveUpWithErrno("cannot call the monitor");
  return {.status = static_cast<std::int64_t>(request.x[0]), .value = request.x[1]};
}

std::uint64_t AttackDevice::Info(std::uint64_t item, std::uint64_t argument) const {
  const Answer answer = Call(RAVELIN_HOST_INFO, item, argument);
  if (answer.status != RAVELIN_SUCCESS)
    GiveUp("the monitor has no info item " + std::to_string(item));
  return answer.value;
}

std::optional<std::uint64_t> AttackDevice::Query(std::uint64_t pfn) const {
  const Answer answer = Call(RAVELIN_HOST_PAGE_QUERY, pfn);
  if (answer.status != RAVELIN_SUCCESS) return std::nullopt;
  return answer.value;
}

Block AttackDevice::Allocate(std::uint64_t pages) const {
  attack_block block{.order = std::bit_width(pages - 1), .pfn = 0};
  if (::ioctl(fd_.get(), ATTACK_ALLOC, &block) != 0) GiveUpWithErrno("cannot allocate pages");
  return {.pfn = block.pfn, .order = block.order};
}

bool AttackDevice::Free(const Block& block) const {
  attack_block request{.order = block.order, .pfn = block.pfn};
  if (::ioctl(fd_.get(), ATTACK_FREE, &request) == 0) return true;
  if (errno != EBUSY) GiveUpWithErrno("cannot free pages");
  return false;
}

bool AttackDevice::Copy(attack_copy copy) const {
  if (::ioctl(fd_.get(), ATTACK_COPY, &copy) == 0) return true;
  if (errno != EFAULT) GiveUpWithErrno("cannot access a frame");
  return false;
}

bool AttackDevice::Read(std::uint64_t pfn, std::span<std::uint64_t> words) const {
  return Copy({.pfn = pfn,
               .offset = 0,
               .bytes = words.size_bytes(),
               .buffer = AddressOf(words),
               .write = 0});
}

bool AttackDevice::Write(std::uint64_t pfn, std::span<const std::uint64_t> words) const {
  return Copy({.pfn = pfn,
               .offset = 0,
               .bytes = words.size_bytes(),
               .buffer = AddressOf(words),
               .write = 1});
}

void AttackDevice::Scan(attack_scan& scan) const {
  if (::ioctl(fd_.get(), ATTACK_SCAN, &scan) != 0) GiveUpWithErrno("cannot scan");
}

attack_touch AttackDevice::Touch(std::uint64_t pfn, std::uint64_t access) const {
  attack_touch touch{.pfn = pfn, .access = access, .survived = 0, .value = 0};
  if (::ioctl(fd_.get(), ATTACK_TOUCH, &touch) != 0) GiveUpWithErrno("cannot touch a frame");
  return touch;
}

attack_run AttackDevice::Run(std::uint64_t handle, std::uint64_t index) const {
  attack_run run{};
  run.handle = handle;
  run.index = index;
  if (::ioctl(fd_.get(), ATTACK_RUN, &run) != 0) GiveUpWithErrno("cannot run a CPU");
  return run;
}

}  // namespace ravelin::attacks
