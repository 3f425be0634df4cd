// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/block.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

namespace ravelin::vmm {
namespace {

// struct virtio_blk_req, as far as it comes before the data.
struct RequestHeader {
  std::uint32_t type;
  std::uint32_t reserved;
  std::uint64_t sector;
};

constexpr std::uint64_t kStatusBytes = 1;
constexpr std::uint64_t kMostBytes =
    std::uint64_t{VirtioBlock::kLongestSegment} * VirtioBlock::kMostSegments;

template <typename Value>
void PutAt(std::span<std::byte> config, std::size_t offset, Value value) {
  std::memcpy(&config[offset], &value, sizeof(value));
}

int RangeCount(const Segments& segments) { return static_cast<int>(segments.ranges().size()); }

off_t Offset(std::uint64_t sector) {
  return static_cast<off_t>(sector * VirtioBlock::kSectorBytes);
}

}  // namespace

Result<std::unique_ptr<VirtioBlock>> VirtioBlock::Open(const std::string& path, DiskAccess access,
                                                       const std::string& id) {
  const int flags = (access == DiskAccess::kReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC;
  UniqueFd file{::open(path.c_str(), flags)};
  if (!file.ok()) return ErrnoFailure("cannot open disk '" + path + "'");
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return ErrnoFailure("cannot stat disk '" + path + "'");
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  if (!S_ISREG(status.st_mode) || bytes == 0 || bytes % kSectorBytes != 0) {
    return PlainFailure("disk '" + path + "' is not a file of whole sectors of 512 bytes");
  }
  return std::unique_ptr<VirtioBlock>{
      new VirtioBlock{std::move(file), bytes / kSectorBytes, access, id}};
}

VirtioBlock::VirtioBlock(UniqueFd file, std::uint64_t sectors, DiskAccess access, std::string id)
    : file_(std::move(file)), sectors_(sectors), access_(access), id_(std::move(id)) {
  PutAt(config_, 0, sectors);
  PutAt(config_, 8, kLongestSegment);
  PutAt(config_, 12, kMostSegments);
}

std::uint64_t VirtioBlock::features() const {
  return kSizeMax | kSegmentsMax | kFlush | (access_ == DiskAccess::kReadOnly ? kReadOnly : 0);
}

Result<void> VirtioBlock::Serve(std::size_t index, std::span<Virtqueue> queues) {
  Virtqueue& queue = queues[index];
  return ServeChains(index, queue, [&](Chain& chain) { return Answer(queue, chain); });
}

Result<void> VirtioBlock::Answer(Virtqueue& queue, Chain& chain) const {
  const Segments status = chain.writable.TakeBack(kStatusBytes);
  if (status.bytes() != kStatusBytes) return PlainFailure("a request has no room for its status");
  const auto done = Execute(queue.memory(), chain);
  if (!done) return Failure{done.error()};
  const auto byte = static_cast<std::byte>(done->status);
  if (auto put = queue.memory().Scatter({&byte, 1}, status); !put) return put;
  return queue.Push(chain, static_cast<std::uint32_t>(done->written + kStatusBytes));
}

Result<VirtioBlock::Done> VirtioBlock::Execute(const DmaMemory& memory, Chain& chain) const {
  std::array<std::byte, sizeof(RequestHeader)> bytes{};
  const Segments front = chain.readable.TakeFront(bytes.size());
  if (front.bytes() != bytes.size()) return PlainFailure("a request has no whole header");
  if (auto gathered = memory.Gather(front, bytes); !gathered) return Failure{gathered.error()};
  const auto header = std::bit_cast<RequestHeader>(bytes);
  switch (Request{header.type}) {
    case Request::kRead:
      return Read(header.sector, chain.writable);
    case Request::kWrite:
      return Write(header.sector, chain.readable);
    case Request::kFlush:
      return Done{::fdatasync(file_.get()) == 0 ? Status::kOk : Status::kIoError};
    case Request::kGetId:
      return GetId(memory, chain.writable);
  }
  return Done{Status::kUnsupported};
}

bool VirtioBlock::IsInside(std::uint64_t sector, const Segments& data) const {
  if (data.bytes() == 0 || data.bytes() % kSectorBytes != 0 || data.bytes() > kMostBytes) {
    return false;
  }
  const std::uint64_t count = data.bytes() / kSectorBytes;
  return count <= sectors_ && sector <= sectors_ - count;
}

VirtioBlock::Done VirtioBlock::Read(std::uint64_t sector, const Segments& to) const {
  if (!IsInside(sector, to)) return {Status::kIoError};
  const ssize_t count = ::preadv(file_.get(), to.ranges().data(), RangeCount(to), Offset(sector));
  if (count != static_cast<ssize_t>(to.bytes())) return {Status::kIoError};
  return {Status::kOk, to.bytes()};
}

VirtioBlock::Done VirtioBlock::Write(std::uint64_t sector, const Segments& from) const {
  if (access_ == DiskAccess::kReadOnly || !IsInside(sector, from)) return {Status::kIoError};
  const ssize_t count =
      ::pwritev(file_.get(), from.ranges().data(), RangeCount(from), Offset(sector));
  return {count == static_cast<ssize_t>(from.bytes()) ? Status::kOk : Status::kIoError};
}

VirtioBlock::Done VirtioBlock::GetId(const DmaMemory& memory, Segments& to) const {
  std::array<std::byte, kIdBytes> id{};
  std::memcpy(id.data(), id_.data(), std::min(id_.size(), id.size()));
  const Segments place = to.TakeFront(kIdBytes);
  if (place.bytes() != kIdBytes || !memory.Scatter(id, place)) return {Status::kIoError};
  return {Status::kOk, kIdBytes};
}

}  // namespace ravelin::vmm
