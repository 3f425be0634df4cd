// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// virtio block device (section 5.2) on a file: read, write, flush, get-id.
//
// Data moves between the file and guest memory by one system call, so that a page that the guest
// has not shared is an I/O error of that request. Requests beyond the file's end fail and change
// nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "host_shim/vmm/unique_fd.h"
#include "host_shim/vmm/virtio/device.h"

namespace ravelin::vmm {

enum class DiskAccess {
  kReadWrite,
  kReadOnly,
};

class VirtioBlock final : public VirtioDevice {
 public:
  static constexpr std::uint64_t kSectorBytes = 512;
  static constexpr std::uint32_t kLongestSegment = 128 * 1024;
  static constexpr std::uint32_t kMostSegments = 126;
  static constexpr std::size_t kIdBytes = 20;

  // Bits of features().
  static constexpr std::uint64_t kSizeMax = 1 << 1;
  static constexpr std::uint64_t kSegmentsMax = 1 << 2;
  static constexpr std::uint64_t kReadOnly = 1 << 5;
  static constexpr std::uint64_t kFlush = 1 << 9;

  enum class Request : std::uint32_t {
    kRead = 0,
    kWrite = 1,
    kFlush = 4,
    kGetId = 8,
  };

  enum class Status : std::uint8_t {
    kOk = 0,
    kIoError = 1,
    kUnsupported = 2,
  };

  // The file's size has to be a multiple of the sector size.
  static Result<std::unique_ptr<VirtioBlock>> Open(const std::string& path, DiskAccess access,
                                                   const std::string& id);

  [[nodiscard]] VirtioType type() const override { return VirtioType::kBlock; }
  [[nodiscard]] std::size_t queue_count() const override { return 1; }
  [[nodiscard]] std::uint64_t features() const override;
  [[nodiscard]] std::span<const std::byte> config() const override { return config_; }
  [[nodiscard]] Result<void> Serve(std::size_t index, std::span<Virtqueue> queues) override;

 private:
  // struct virtio_blk_config up to seg_max.
  using Config = std::array<std::byte, 16>;

  // How a request ended, and how many bytes of the guest's it has written, the status not counted.
  struct Done {
    Status status = Status::kIoError;
    std::uint64_t written = 0;
  };

  VirtioBlock(UniqueFd file, std::uint64_t sectors, DiskAccess access, std::string id);

  [[nodiscard]] Result<void> Answer(Virtqueue& queue, Chain& chain) const;
  [[nodiscard]] Result<Done> Execute(const DmaMemory& memory, Chain& chain) const;
  [[nodiscard]] Done Read(std::uint64_t sector, const Segments& to) const;
  [[nodiscard]] Done Write(std::uint64_t sector, const Segments& from) const;
  [[nodiscard]] Done GetId(const DmaMemory& memory, Segments& to) const;
  [[nodiscard]] bool IsInside(std::uint64_t sector, const Segments& data) const;

  UniqueFd file_;
  std::uint64_t sectors_;
  DiskAccess access_;
  std::string id_;
  Config config_{};
};

}  // namespace ravelin::vmm
