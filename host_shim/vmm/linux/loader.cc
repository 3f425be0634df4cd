// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/linux/loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <utility>

#include "host_shim/vmm/linux/image_header.h"
#include "host_shim/vmm/unique_fd.h"

namespace ravelin::vmm {
namespace {

constexpr std::uint64_t kTreeAlignment = std::uint64_t{2} << 20;

std::uint64_t RoundUp(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

Ipa After(Ipa start, std::uint64_t bytes, std::uint64_t alignment) {
  return Ipa{RoundUp(Raw(start) + bytes, alignment)};
}

Result<ImageHeader> ReadImageHeader(const std::string& path) {
  const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.ok()) return ErrnoFailure("cannot open kernel '" + path + "'");
  std::array<std::byte, kImageHeaderBytes> start{};
  const ssize_t count = ::read(file.get(), start.data(), start.size());
  if (count < 0) return ErrnoFailure("cannot read kernel '" + path + "'");
  auto header = ParseImageHeader(std::span{start}.first(static_cast<std::size_t>(count)));
  if (header) return header;
  return PlainFailure("cannot start kernel '" + path + "': " + header.error().text);
}

Result<std::uint64_t> SizeOf(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return ErrnoFailure("cannot stat '" + path + "'");
  return static_cast<std::uint64_t>(status.st_size);
}

// Returns where the kernel is and how much memory from there on is its own.
Result<MemoryRange> LoadKernel(const GuestMemory& memory, const std::string& path) {
  const auto header = ReadImageHeader(path);
  if (!header) return Failure{header.error()};
  const auto file_bytes = SizeOf(path);
  if (!file_bytes) return Failure{file_bytes.error()};
  const Ipa start{Raw(After(memory.base(), 0, kImageAlignment)) + header->text_offset};
  const std::uint64_t bytes = std::max(header->image_size, *file_bytes);
  if (!memory.Locate(start, bytes)) {
    return PlainFailure("kernel '" + path + "' needs " + std::to_string(bytes >> 20) +
                        " MiB, more than the guest's memory has");
  }
  if (auto loaded = memory.LoadFile(path, start); !loaded) return Failure{loaded.error()};
  return MemoryRange{.start = start, .bytes = bytes};
}

}  // namespace

Result<LinuxEntry> LoadLinux(const GuestMemory& memory, const LinuxFiles& files, TreeConfig tree) {
  const auto kernel = LoadKernel(memory, files.kernel);
  if (!kernel) return Failure{kernel.error()};
  const Ipa tree_start = After(kernel->start, kernel->bytes, kTreeAlignment);
  if (!files.initrd.empty()) {
    const auto bytes = SizeOf(files.initrd);
    if (!bytes) return Failure{bytes.error()};
    const Ipa start = After(tree_start, kMostTreeBytes, kTreeAlignment);
    if (auto loaded = memory.LoadFile(files.initrd, start); !loaded) {
      return Failure{loaded.error()};
    }
    tree.initrd = MemoryRange{.start = start, .bytes = *bytes};
  }
  tree.memory = {.start = memory.base(), .bytes = memory.size()};
  const auto blob = BuildDeviceTree(tree);
  if (!blob) return Failure{blob.error()};
  if (auto loaded = memory.LoadBytes(*blob, tree_start); !loaded) {
    return PlainFailure("the device tree does not fit the guest's memory");
  }
  return LinuxEntry{.kernel = kernel->start, .tree = tree_start};
}

}  // namespace ravelin::vmm
