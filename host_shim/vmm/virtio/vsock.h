// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// virtio socket device (section 5.10): streams between the guest and Unix sockets of the host.
//
// The host reaches the guest's port P by a connection to PATH on which it writes "CONNECT P" and a
// newline; it gets "OK port" and a newline, and then the stream. The guest reaches the host's port
// P (CID 2) if something listens on the Unix socket PATH_P.
//
// The guest cannot make the device hold more than a bounded number of streams, of bytes for each,
// and of packets that wait for the guest's buffers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host_shim/vmm/event_loop.h"
#include "host_shim/vmm/virtio/device.h"
#include "host_shim/vmm/virtio/vsock_listener.h"
#include "host_shim/vmm/virtio/vsock_packet.h"
#include "host_shim/vmm/virtio/vsock_stream.h"

namespace ravelin::vmm {

class VirtioVsock final : public VirtioDevice {
 public:
  static constexpr std::size_t kReceiveQueue = 0;
  static constexpr std::size_t kSendQueue = 1;
  static constexpr std::size_t kEventQueue = 2;

  static constexpr std::size_t kMostStreams = 128;
  // The guest's packets are not looked at while more answers than these wait for its buffers.
  static constexpr std::size_t kMostWaiting = 256;
  // The longest packet that the device takes or sends, without its header.
  static constexpr std::uint32_t kMostData = 64 << 10;

  // `loop` must outlive the device.
  static Result<std::unique_ptr<VirtioVsock>> Create(std::uint32_t cid, const std::string& path,
                                                     EventLoop& loop);
  VirtioVsock(const VirtioVsock&) = delete;
  VirtioVsock& operator=(const VirtioVsock&) = delete;
  ~VirtioVsock() override { Reset(); }

  [[nodiscard]] VirtioType type() const override { return VirtioType::kSocket; }
  [[nodiscard]] std::size_t queue_count() const override { return 3; }
  [[nodiscard]] std::span<const std::byte> config() const override { return config_; }
  [[nodiscard]] Result<void> Serve(std::size_t index, std::span<Virtqueue> queues) override;
  void Reset() override;

  [[nodiscard]] std::size_t stream_count() const { return streams_.size(); }

 private:
  struct Entry {
    VsockStream stream;
    EventLoop::Watch watch{};
    bool is_readable = false;  // waits in readable_
  };

  struct Packet {
    VsockHeader header;
    std::vector<std::byte> data;
  };

  VirtioVsock(std::uint32_t cid, std::string path, EventLoop& loop);

  // From the guest.
  [[nodiscard]] Result<void> TakePackets(Virtqueue& queue);
  [[nodiscard]] Result<void> TakePacket(const DmaMemory& memory, Chain& chain);
  void Dispatch(const VsockHeader& header, std::span<const std::byte> data);
  void TakeRequest(const VsockPorts& ports, const VsockHeader& header);
  void TakeForStream(const VsockPorts& ports, const VsockHeader& header,
                     std::span<const std::byte> data);
  void TakeOpened(const VsockPorts& ports, Entry& entry);

  // To the guest.
  [[nodiscard]] bool HasPackets() const { return !waiting_.empty() || !readable_.empty(); }
  [[nodiscard]] Result<void> SendPackets(Virtqueue& queue);
  // Puts the next packet into a buffer of the guest's, or keeps the buffer for later.
  [[nodiscard]] Result<void> SendPacket(Virtqueue& queue, Chain& buffer);
  [[nodiscard]] static Result<void> PutPacket(Virtqueue& queue, Chain& buffer,
                                              const Packet& packet);
  [[nodiscard]] std::optional<Packet> NextPacket(std::size_t room);
  [[nodiscard]] std::optional<Packet> ReadFrom(const VsockPorts& ports, Entry& entry,
                                               std::size_t room);
  [[nodiscard]] VsockHeader HeaderTo(const VsockPorts& ports, VsockOperation operation);
  void Answer(const VsockPorts& ports, VsockOperation operation, std::uint32_t flags = 0);

  // Streams.
  void Connect(UniqueFd client, std::uint32_t guest_port);
  bool AddStream(const VsockPorts& ports, UniqueFd socket, VsockStream::Phase phase);
  void RemoveStream(const VsockPorts& ports);
  void ResetStream(const VsockPorts& ports);
  void OnSocket(const VsockPorts& ports, std::uint32_t events);
  void MarkReadable(const VsockPorts& ports, Entry& entry);
  // Hands on what the guest sent, and ends the stream if it is over.
  void Advance(const VsockPorts& ports, Entry& entry);
  // Waits for what the stream can do next, once.
  void Watch(const Entry& entry);

  std::uint32_t cid_;
  std::string path_;
  EventLoop* loop_;
  std::array<std::byte, sizeof(std::uint64_t)> config_;
  std::unique_ptr<VsockListener> listener_;
  std::map<VsockPorts, Entry> streams_;
  std::deque<VsockPorts> readable_;  // streams that may have something to read, in turn
  std::deque<VsockHeader> waiting_;  // packets without data
  std::optional<Chain> spare_;       // a buffer of the guest's that nothing was put into yet
  std::uint32_t next_host_port_;
};

}  // namespace ravelin::vmm
