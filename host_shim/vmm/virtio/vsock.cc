// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/vsock.h"

#include <sys/epoll.h>

#include <algorithm>
#include <bit>

namespace ravelin::vmm {
namespace {

// Ports of the host's ends of streams that the host begins: out of the way of those that guests
// name.
constexpr std::uint32_t kFirstHostPort = 1U << 30;

}  // namespace

Result<std::unique_ptr<VirtioVsock>> VirtioVsock::Create(std::uint32_t cid, const std::string& path,
                                                         EventLoop& loop) {
  std::unique_ptr<VirtioVsock> device{new VirtioVsock{cid, path, loop}};
  auto listener = VsockListener::Create(
      path, loop, [raw = device.get()](UniqueFd client, std::uint32_t guest_port) {
        raw->Connect(std::move(client), guest_port);
      });
  if (!listener) return Failure{listener.error()};
  device->listener_ = std::move(*listener);
  return device;
}

VirtioVsock::VirtioVsock(std::uint32_t cid, std::string path, EventLoop& loop)
    : cid_(cid),
      path_(std::move(path)),
      loop_(&loop),
      config_(std::bit_cast<decltype(config_)>(std::uint64_t{cid})),
      next_host_port_(kFirstHostPort) {}

void VirtioVsock::Reset() {
  while (!streams_.empty()) RemoveStream(VsockPorts{streams_.begin()->first});
  readable_.clear();
  waiting_.clear();
  spare_.reset();
}

Result<void> VirtioVsock::Serve(std::size_t index, std::span<Virtqueue> queues) {
  if (index == kSendQueue && waiting_.size() < kMostWaiting) {
    if (auto taken = TakePackets(queues[kSendQueue]); !taken) return taken;
  }
  const bool was_full = waiting_.size() >= kMostWaiting;
  if (auto sent = SendPackets(queues[kReceiveQueue]); !sent) return sent;
  if (was_full && waiting_.size() < kMostWaiting) RequestService(kSendQueue);
  return {};
}

Result<void> VirtioVsock::TakePackets(Virtqueue& queue) {
  return ServeChains(kSendQueue, queue, [&](Chain& chain) -> Result<void> {
    if (auto taken = TakePacket(queue.memory(), chain); !taken) return taken;
    return queue.Push(chain, 0);
  });
}

Result<void> VirtioVsock::TakePacket(const DmaMemory& memory, Chain& chain) {
  VsockHeaderBytes bytes{};
  const Segments front = chain.readable.TakeFront(bytes.size());
  if (front.bytes() != bytes.size()) return PlainFailure("a packet has no whole header");
  if (auto gathered = memory.Gather(front, bytes); !gathered) return gathered;
  const VsockHeader header = DecodeVsockHeader(bytes);
  if (header.length > kMostData || header.length > chain.readable.bytes()) {
    return PlainFailure("a packet says that it has " + std::to_string(header.length) + " bytes");
  }
  std::vector<std::byte> data(header.length);
  const Segments rest = chain.readable.TakeFront(header.length);
  if (auto gathered = memory.Gather(rest, data); !gathered) return gathered;
  Dispatch(header, data);
  return {};
}

void VirtioVsock::Dispatch(const VsockHeader& header, std::span<const std::byte> data) {
  const VsockPorts ports{.guest = header.source_port, .host = header.destination_port};
  const bool is_for_us = header.source_cid == cid_ && header.destination_cid == kHostCid &&
                         header.type == VsockHeader::kStream;
  if (!is_for_us) {
    if (header.operation != VsockOperation::kReset) Answer(ports, VsockOperation::kReset);
    return;
  }
  if (header.operation == VsockOperation::kRequest) return TakeRequest(ports, header);
  TakeForStream(ports, header, data);
}

void VirtioVsock::TakeRequest(const VsockPorts& ports, const VsockHeader& header) {
  if (streams_.contains(ports)) return ResetStream(ports);
  auto socket = ConnectToHostPort(path_, ports.host);
  if (!socket || !AddStream(ports, std::move(*socket), VsockStream::Phase::kOpen)) {
    return Answer(ports, VsockOperation::kReset);
  }
  streams_.at(ports).stream.NoteCredit(header.buffer_bytes, header.forwarded_bytes);
  Answer(ports, VsockOperation::kResponse);
}

void VirtioVsock::TakeForStream(const VsockPorts& ports, const VsockHeader& header,
                                std::span<const std::byte> data) {
  if (header.operation == VsockOperation::kReset) return RemoveStream(ports);
  const auto found = streams_.find(ports);
  if (found == streams_.end()) return Answer(ports, VsockOperation::kReset);
  Entry& entry = found->second;
  entry.stream.NoteCredit(header.buffer_bytes, header.forwarded_bytes);
  switch (header.operation) {
    case VsockOperation::kResponse:
      return TakeOpened(ports, entry);
    case VsockOperation::kData:
      if (!entry.stream.Take(data)) return ResetStream(ports);
      break;
    case VsockOperation::kShutdown:
      entry.stream.NoteShutdown(header.flags);
      break;
    case VsockOperation::kCreditRequest:
      Answer(ports, VsockOperation::kCreditUpdate);
      break;
    case VsockOperation::kCreditUpdate:
      break;
    case VsockOperation::kRequest:
    case VsockOperation::kReset:
    default:
      return ResetStream(ports);
  }
  if (entry.stream.phase() != VsockStream::Phase::kOpen) return;
  // There may be credit now that was missing.
  MarkReadable(ports, entry);
  Advance(ports, entry);
}

void VirtioVsock::TakeOpened(const VsockPorts& ports, Entry& entry) {
  if (entry.stream.phase() == VsockStream::Phase::kOpen) return ResetStream(ports);
  entry.stream.Open("OK " + std::to_string(ports.host) + "\n");
  MarkReadable(ports, entry);
  Advance(ports, entry);
}

Result<void> VirtioVsock::SendPackets(Virtqueue& queue) {
  std::optional<Chain> spare = HasPackets() ? std::exchange(spare_, std::nullopt) : std::nullopt;
  if (spare) {
    if (auto sent = SendPacket(queue, *spare); !sent) return sent;
  }
  return ServeChainsWhile([this] { return HasPackets(); }, kReceiveQueue, queue,
                          [&](Chain& buffer) { return SendPacket(queue, buffer); });
}

Result<void> VirtioVsock::SendPacket(Virtqueue& queue, Chain& buffer) {
  const std::uint64_t bytes = buffer.writable.bytes();
  if (bytes <= kVsockHeaderBytes) return PlainFailure("a buffer has no room for a packet");
  const std::size_t room = std::min<std::uint64_t>(bytes - kVsockHeaderBytes, kMostData);
  // Each turn without a packet takes a stream out of readable_.
  while (HasPackets()) {
    const std::optional<Packet> packet = NextPacket(room);
    if (packet) return PutPacket(queue, buffer, *packet);
  }
  spare_ = std::move(buffer);
  return {};
}

Result<void> VirtioVsock::PutPacket(Virtqueue& queue, Chain& buffer, const Packet& packet) {
  const DmaMemory& memory = queue.memory();
  const Segments front = buffer.writable.TakeFront(kVsockHeaderBytes);
  if (auto put = memory.Scatter(EncodeVsockHeader(packet.header), front); !put) return put;
  const Segments rest = buffer.writable.TakeFront(packet.data.size());
  if (auto put = memory.Scatter(packet.data, rest); !put) return put;
  return queue.Push(buffer, static_cast<std::uint32_t>(kVsockHeaderBytes + packet.data.size()));
}

// Nothing: a stream that was thought readable is not.
std::optional<VirtioVsock::Packet> VirtioVsock::NextPacket(std::size_t room) {
  if (!waiting_.empty()) {
    Packet packet{.header = waiting_.front()};
    waiting_.pop_front();
    return packet;
  }
  const VsockPorts ports = readable_.front();
  readable_.pop_front();
  Entry& entry = streams_.at(ports);
  entry.is_readable = false;
  return ReadFrom(ports, entry, room);
}

std::optional<VirtioVsock::Packet> VirtioVsock::ReadFrom(const VsockPorts& ports, Entry& entry,
                                                         std::size_t room) {
  std::vector<std::byte> data(room);
  const auto result = entry.stream.Read(data);
  switch (result.reading) {
    case VsockStream::Reading::kLater:
      Watch(entry);
      return std::nullopt;
    case VsockStream::Reading::kEnd: {
      Packet packet{.header = HeaderTo(ports, VsockOperation::kShutdown)};
      packet.header.flags = kNoSend;
      Advance(ports, entry);
      return packet;
    }
    case VsockStream::Reading::kData:
      break;
  }
  data.resize(result.bytes);
  Packet packet{.header = HeaderTo(ports, VsockOperation::kData), .data = std::move(data)};
  packet.header.length = static_cast<std::uint32_t>(result.bytes);
  MarkReadable(ports, entry);
  return packet;
}

VsockHeader VirtioVsock::HeaderTo(const VsockPorts& ports, VsockOperation operation) {
  VsockHeader header{
      .source_cid = kHostCid,
      .destination_cid = cid_,
      .source_port = ports.host,
      .destination_port = ports.guest,
      .operation = operation,
      .buffer_bytes = VsockStream::kBufferBytes,
  };
  const auto found = streams_.find(ports);
  if (found != streams_.end()) header.forwarded_bytes = found->second.stream.TellForwarded();
  return header;
}

void VirtioVsock::Answer(const VsockPorts& ports, VsockOperation operation, std::uint32_t flags) {
  VsockHeader header = HeaderTo(ports, operation);
  header.flags = flags;
  waiting_.push_back(header);
}

void VirtioVsock::Connect(UniqueFd client, std::uint32_t guest_port) {
  if (waiting_.size() >= kMostWaiting) return;
  const VsockPorts ports{.guest = guest_port, .host = next_host_port_++};
  if (next_host_port_ < kFirstHostPort) next_host_port_ = kFirstHostPort;
  if (!AddStream(ports, std::move(client), VsockStream::Phase::kAwaitsGuest)) return;
  Answer(ports, VsockOperation::kRequest);
  RequestService(kReceiveQueue);
}

bool VirtioVsock::AddStream(const VsockPorts& ports, UniqueFd socket, VsockStream::Phase phase) {
  if (streams_.size() >= kMostStreams || streams_.contains(ports)) return false;
  const std::uint32_t events =
      phase == VsockStream::Phase::kOpen ? EPOLLIN | EPOLLONESHOT : EPOLLONESHOT;
  const auto watch = loop_->Add(
      socket.get(), events, [this, ports](std::uint32_t happened) { OnSocket(ports, happened); });
  if (!watch) return false;
  streams_.emplace(ports, Entry{.stream = VsockStream{std::move(socket), phase}, .watch = *watch});
  return true;
}

void VirtioVsock::RemoveStream(const VsockPorts& ports) {
  const auto found = streams_.find(ports);
  if (found == streams_.end()) return;
  if (found->second.is_readable) std::erase(readable_, ports);
  loop_->Remove(found->second.watch);
  streams_.erase(found);
}

void VirtioVsock::ResetStream(const VsockPorts& ports) {
  RemoveStream(ports);
  Answer(ports, VsockOperation::kReset);
}

// The watch is for one event: a socket that has been hung up would report it for ever.
void VirtioVsock::OnSocket(const VsockPorts& ports, std::uint32_t events) {
  const auto found = streams_.find(ports);
  if (found == streams_.end()) return;
  Entry& entry = found->second;
  if (entry.stream.phase() == VsockStream::Phase::kAwaitsGuest) {
    ResetStream(ports);  // only a client that has gone is an event now
  } else {
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) MarkReadable(ports, entry);
    Advance(ports, entry);
  }
  RequestService(kReceiveQueue);
}

void VirtioVsock::MarkReadable(const VsockPorts& ports, Entry& entry) {
  if (std::exchange(entry.is_readable, true)) return;
  readable_.push_back(ports);
}

void VirtioVsock::Advance(const VsockPorts& ports, Entry& entry) {
  if (!entry.stream.Flush() || entry.stream.IsOver()) return ResetStream(ports);
  if (entry.stream.ShouldTellForwarded()) Answer(ports, VsockOperation::kCreditUpdate);
  Watch(entry);
}

void VirtioVsock::Watch(const Entry& entry) {
  const bool for_input = !entry.is_readable && entry.stream.WantsInput();
  const bool for_output = entry.stream.HasOutput();
  const std::uint32_t events = (for_input ? EPOLLIN : 0U) | (for_output ? EPOLLOUT : 0U);
  if (events != 0) loop_->Change(entry.watch, events | EPOLLONESHOT);
}

}  // namespace ravelin::vmm
