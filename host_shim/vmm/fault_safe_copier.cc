// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/fault_safe_copier.h"

#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace ravelin::vmm {
namespace {

constexpr std::size_t kFileBytes = std::size_t{64} << 10;

// `moved`: what read or write returned.
Result<void> CheckMoved(ssize_t moved, std::size_t wanted) {
  if (moved == static_cast<ssize_t>(wanted)) return {};
  if (moved >= 0) errno = EFAULT;
  return ErrnoFailure("memory is not accessible");
}

}  // namespace

Result<std::unique_ptr<FaultSafeCopier>> FaultSafeCopier::Create() {
  UniqueFd file{::memfd_create("ravelin-vmm", MFD_CLOEXEC)};
  if (!file.ok()) return ErrnoFailure("cannot make a memory file");
  if (::ftruncate(file.get(), kFileBytes) != 0) return ErrnoFailure("cannot size a memory file");
  auto view = Mapping::OfFile(file, kFileBytes);
  if (!view) return Failure{view.error()};
  return std::unique_ptr<FaultSafeCopier>{new FaultSafeCopier{std::move(file), std::move(*view)}};
}

Result<void> FaultSafeCopier::Load(std::span<std::byte> to, const std::byte* from) {
  const std::lock_guard guard{mutex_};
  while (!to.empty()) {
    const std::size_t bytes = std::min(to.size(), kFileBytes);
    if (auto loaded = LoadPart(to.first(bytes), from); !loaded) return loaded;
    to = to.subspan(bytes);
    from += bytes;
  }
  return {};
}

Result<void> FaultSafeCopier::LoadPart(std::span<std::byte> to, const std::byte* from) const {
  const ssize_t moved = ::pwrite(file_.get(), from, to.size(), 0);
  if (auto checked = CheckMoved(moved, to.size()); !checked) return checked;
  std::memcpy(to.data(), view_.data(), to.size());
  return {};
}

Result<void> FaultSafeCopier::Store(std::byte* to, std::span<const std::byte> from) {
  const std::lock_guard guard{mutex_};
  while (!from.empty()) {
    const std::size_t bytes = std::min(from.size(), kFileBytes);
    if (auto stored = StorePart(to, from.first(bytes)); !stored) return stored;
    from = from.subspan(bytes);
    to += bytes;
  }
  return {};
}

Result<void> FaultSafeCopier::StorePart(std::byte* to, std::span<const std::byte> from) const {
  std::memcpy(view_.data(), from.data(), from.size());
  return CheckMoved(::pread(file_.get(), to, from.size(), 0), from.size());
}

}  // namespace ravelin::vmm
