// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/guest_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <limits>

#include "host_shim/vmm/unique_fd.h"

namespace ravelin::vmm {
namespace {

bool IsPageAligned(std::uint64_t value) { return value % kPageSize == 0; }

// Pages are given away one by one, so huge pages would only be split again. A forked child or a
// core dump must not try to read pages that belong to the guest.
Result<void> Advise(const Mapping& memory) {
  for (const int advice : {MADV_NOHUGEPAGE, MADV_DONTFORK, MADV_DONTDUMP}) {
    const bool advised = ::madvise(memory.data(), memory.size(), advice) == 0;
    // EINVAL: a kernel without huge pages does not know the advice, and needs none.
    if (!advised && errno != EINVAL) return ErrnoFailure("cannot prepare the guest's memory");
  }
  return {};
}

Result<void> ReadAll(const UniqueFd& file, const std::string& path, std::span<std::byte> to) {
  while (!to.empty()) {
    const ssize_t count = ::read(file.get(), to.data(), to.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoFailure("cannot read '" + path + "'");
    if (count == 0) return PlainFailure("'" + path + "' became shorter while it was read");
    to = to.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> NameAddress(Result<void> copied, Ipa ipa) {
  if (copied) return copied;
  return PlainFailure("guest memory at " + Hex(Raw(ipa)) + ": " + copied.error().text);
}

}  // namespace

Result<GuestMemory> GuestMemory::Create(Ipa base, std::uint64_t bytes) {
  const bool wraps = bytes > std::numeric_limits<std::uint64_t>::max() - Raw(base);
  if (bytes == 0 || wraps || !IsPageAligned(bytes) || !IsPageAligned(Raw(base))) {
    return PlainFailure("guest memory of " + Hex(bytes) + " bytes at " + Hex(Raw(base)) +
                        " is not made of whole pages");
  }
  auto memory = Mapping::Anonymous(bytes);
  if (!memory) return Failure{memory.error()};
  if (auto advised = Advise(*memory); !advised) return Failure{advised.error()};
  auto copier = FaultSafeCopier::Create();
  if (!copier) return Failure{copier.error()};
  return GuestMemory{base, std::move(*memory), std::move(*copier)};
}

Result<void> GuestMemory::LoadFile(const std::string& path, Ipa to) const {
  const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.ok()) return ErrnoFailure("cannot open '" + path + "'");
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return ErrnoFailure("cannot stat '" + path + "'");
  if (!S_ISREG(status.st_mode) || status.st_size == 0) {
    return PlainFailure("'" + path + "' is empty or not a regular file");
  }
  const auto bytes = static_cast<std::size_t>(status.st_size);
  const auto place = Locate(to, bytes);
  if (!place) {
    return PlainFailure("'" + path + "' (" + std::to_string(bytes) +
                        " bytes) does not fit the guest's memory");
  }
  return ReadAll(file, path, {*place, bytes});
}

Result<void> GuestMemory::LoadBytes(std::span<const std::byte> bytes, Ipa to) const {
  const auto place = Locate(to, bytes.size());
  if (!place) return Failure{place.error()};
  std::memcpy(*place, bytes.data(), bytes.size());
  return {};
}

Result<std::byte*> GuestMemory::Locate(Ipa ipa, std::size_t bytes) const {
  const std::uint64_t offset = Raw(ipa) - Raw(base_);
  const bool inside = Raw(ipa) >= Raw(base_) && bytes <= size() && offset <= size() - bytes;
  if (!inside) return PlainFailure("address " + Hex(Raw(ipa)) + " is outside guest memory");
  return memory_.data() + offset;
}

Result<void> GuestMemory::CopyOut(Ipa from, std::span<std::byte> host) const {
  const auto guest = Locate(from, host.size());
  if (!guest) return Failure{guest.error()};
  return NameAddress(copier_->Load(host, *guest), from);
}

Result<void> GuestMemory::CopyIn(Ipa to, std::span<const std::byte> host) {
  const auto guest = Locate(to, host.size());
  if (!guest) return Failure{guest.error()};
  return NameAddress(copier_->Store(*guest, host), to);
}

}  // namespace ravelin::vmm
