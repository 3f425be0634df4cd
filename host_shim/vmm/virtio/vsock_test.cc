// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/vsock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host_shim/vmm/virtio/testing.h"

namespace ravelin::vmm {
namespace {

using test::kBase;
using test::kWrite;
using test::TestMemory;
using test::TestRing;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using Operation = VsockOperation;

constexpr std::uint32_t kCid = 3;
constexpr std::uint32_t kGuestPort = 1000;
constexpr std::uint32_t kHostPort = 5000;
constexpr std::uint32_t kGuestBuffer = 256;  // what the guest says that it has room for
constexpr std::uint16_t kEntries = 64;
constexpr std::uint32_t kPacketBytes = 512;
constexpr std::uint64_t kSendBuffer = Raw(kBase) + 10 * kPageSize;
constexpr std::uint64_t kReceiveBuffers = Raw(kBase) + 32 * kPageSize;

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

const sockaddr* Generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

UniqueFd Socket() { return UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)}; }

// The name of a socket is at most 107 bytes long: the test's own folder may be too deep.
std::string MakeFolder() {
  std::string name = "/tmp/vsock_test.XXXXXX";
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  return name;
}

// What can be read now.
std::string ReadNow(const UniqueFd& socket) {
  std::string text(4096, '\0');
  const ssize_t count = ::recv(socket.get(), text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

// ECONNRESET: the other side had not read all.
bool HasEnded(const UniqueFd& socket) {
  char character = 0;
  const ssize_t count = ::recv(socket.get(), &character, 1, 0);
  return count == 0 || (count < 0 && errno == ECONNRESET);
}

struct Received {
  VsockHeader header;
  std::string data;
};

class VsockTest : public ::testing::Test {
 protected:
  VsockTest() {
    auto device = VirtioVsock::Create(kCid, path_, *loop_);
    EXPECT_TRUE(device) << device.error().text;
    device_ = std::move(*device);
    device_->OnRequest([this](std::size_t index) { requested_.insert(index); });
    EXPECT_TRUE(queues_[0].Enable(kEntries, receive_.addresses()));
    EXPECT_TRUE(queues_[1].Enable(kEntries, send_.addresses()));
  }

  void TearDown() override {
    device_.reset();
    ::unlink((path_ + "_5000").c_str());
    EXPECT_EQ(::rmdir(folder_.c_str()), 0);
  }

  bool Serve(std::size_t index) { return device_->Serve(index, queues_).has_value(); }

  // Lets the device do all that it can do now.
  void Settle() {
    for (int round = 0; round < 20; ++round) {
      ASSERT_TRUE(loop_->Poll(0));
      for (const std::size_t index : std::exchange(requested_, {})) ASSERT_TRUE(Serve(index));
    }
  }

  // The guest offers buffers for packets.
  void OfferBuffers(std::uint16_t count) {
    for (std::uint16_t i = 0; i < count; ++i) {
      const auto slot = static_cast<std::uint16_t>(offered_++ % kEntries);
      receive_.OfferChain({{.address = kReceiveBuffers + std::uint64_t{kPacketBytes} * slot,
                            .length = kPacketBytes,
                            .flags = kWrite}},
                          slot);
    }
    requested_.insert(VirtioVsock::kReceiveQueue);
  }

  // The next packet for the guest.
  std::optional<Received> Receive() {
    if (receive_.used_index() == seen_) return std::nullopt;
    const auto entry = receive_.used_entry(static_cast<std::uint16_t>(seen_++ % kEntries));
    const std::uint64_t place = kReceiveBuffers + std::uint64_t{kPacketBytes} * entry.id;
    const auto header = DecodeVsockHeader(memory_.Get<VsockHeaderBytes>(place));
    EXPECT_EQ(entry.length, kVsockHeaderBytes + header.length);
    return Received{header, memory_.GetText(place + kVsockHeaderBytes, header.length)};
  }

  Received ReceiveOr(Operation missing) {
    return Receive().value_or(Received{.header = {.operation = missing}, .data = "(no packet)"});
  }

  // The operation of the next packet; kRequest, which the guest cannot expect here, if there is
  // none.
  Operation ReceiveOperation() { return ReceiveOr(Operation::kRequest).header.operation; }

  static VsockHeader HeaderFromGuest(Operation operation) {
    return {.source_cid = kCid,
            .destination_cid = kHostCid,
            .source_port = kGuestPort,
            .destination_port = kHostPort,
            .operation = operation,
            .buffer_bytes = kGuestBuffer};
  }

  // Whether the device takes the packet.
  bool Send(const VsockHeader& header, const std::string& data = "") {
    memory_.Put(kSendBuffer, EncodeVsockHeader(header));
    memory_.PutText(kSendBuffer + kVsockHeaderBytes, data);
    const auto bytes = static_cast<std::uint32_t>(kVsockHeaderBytes + data.size());
    send_.OfferChain({{.address = kSendBuffer, .length = bytes}});
    return Serve(VirtioVsock::kSendQueue);
  }

  bool Send(Operation operation, const std::string& data = "") {
    VsockHeader header = HeaderFromGuest(operation);
    header.length = static_cast<std::uint32_t>(data.size());
    return Send(header, data);
  }

  // A server of the host on kHostPort.
  UniqueFd Listen() {
    UniqueFd socket = Socket();
    const auto address = AddressOf(path_ + "_5000");
    EXPECT_EQ(::bind(socket.get(), Generic(address), sizeof(address)), 0);
    EXPECT_EQ(::listen(socket.get(), 4), 0);
    return socket;
  }

  // A stream that the guest began; the host's end of it.
  UniqueFd OpenFromGuest() {
    const UniqueFd server = Listen();
    OfferBuffers(32);
    EXPECT_TRUE(Send(Operation::kRequest));
    Settle();
    EXPECT_EQ(ReceiveOperation(), Operation::kResponse);
    return UniqueFd{::accept4(server.get(), nullptr, nullptr, SOCK_NONBLOCK)};
  }

  // A client of the host that wants a port of the guest.
  UniqueFd Dial(const std::string& line) {
    UniqueFd socket = Socket();
    const auto address = AddressOf(path_);
    EXPECT_EQ(::connect(socket.get(), Generic(address), sizeof(address)), 0);
    SendText(socket, line);
    Settle();
    return socket;
  }

  static void SendText(const UniqueFd& socket, std::string_view text) {
    EXPECT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  std::string folder_ = MakeFolder();
  std::string path_ = folder_ + "/socket";
  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  TestMemory memory_;
  TestRing receive_{memory_, 0, kEntries};
  TestRing send_{memory_, 3, kEntries};
  std::vector<Virtqueue> queues_{3, Virtqueue{DmaMemory{memory_.memory(), 0}}};
  std::unique_ptr<VirtioVsock> device_;
  std::set<std::size_t> requested_;
  unsigned offered_ = 0;
  std::uint16_t seen_ = 0;
};

TEST(VsockPacketTest, IsEncodedAsTheSpecificationSays) {
  const VsockHeader header{.source_cid = 0x1122334455667788,
                           .destination_cid = 2,
                           .source_port = 3,
                           .destination_port = 4,
                           .length = 5,
                           .operation = Operation::kData,
                           .flags = 6,
                           .buffer_bytes = 7,
                           .forwarded_bytes = 8};
  const VsockHeaderBytes bytes = EncodeVsockHeader(header);
  EXPECT_EQ(bytes[0], std::byte{0x88});
  EXPECT_EQ(bytes[8], std::byte{2});
  EXPECT_EQ(bytes[16], std::byte{3});
  EXPECT_EQ(bytes[20], std::byte{4});
  EXPECT_EQ(bytes[24], std::byte{5});
  EXPECT_EQ(bytes[28], std::byte{1});
  EXPECT_EQ(bytes[30], std::byte{5});
  EXPECT_EQ(bytes[32], std::byte{6});
  EXPECT_EQ(bytes[36], std::byte{7});
  EXPECT_EQ(bytes[40], std::byte{8});
  const VsockHeader again = DecodeVsockHeader(bytes);
  EXPECT_EQ(again.source_cid, header.source_cid);
  EXPECT_EQ(again.operation, Operation::kData);
  EXPECT_EQ(again.type, VsockHeader::kStream);
}

TEST(VsockListenerTest, UnderstandsConnectLines) {
  EXPECT_EQ(ParseConnectLine("CONNECT 6000").value_or(0), 6000U);
  for (const char* line : {"", "CONNECT", "CONNECT ", "CONNECT x", "CONNECT 1 ", "CONNECT -1",
                           "connect 1", "CONNECT 4294967296"}) {
    EXPECT_FALSE(ParseConnectLine(line)) << line;
  }
}

TEST_F(VsockTest, TellsTheGuestsAddress) {
  ASSERT_THAT(device_->config(), SizeIs(8));
  EXPECT_EQ(device_->config()[0], std::byte{kCid});
}

TEST_F(VsockTest, CarriesBytesBothWays) {
  const UniqueFd host = OpenFromGuest();
  EXPECT_TRUE(Send(Operation::kData, "to the host"));
  EXPECT_EQ(ReadNow(host), "to the host");
  SendText(host, "to the guest");
  Settle();
  const Received packet = ReceiveOr(Operation::kReset);
  EXPECT_EQ(packet.header.operation, Operation::kData);
  EXPECT_EQ(packet.data, "to the guest");
  EXPECT_EQ(packet.header.source_cid, kHostCid);
  EXPECT_EQ(packet.header.source_port, kHostPort);
  EXPECT_EQ(packet.header.destination_port, kGuestPort);
  EXPECT_EQ(packet.header.forwarded_bytes, 11U);
}

TEST_F(VsockTest, RefusesAPortWhereNobodyListens) {
  OfferBuffers(1);
  EXPECT_TRUE(Send(Operation::kRequest));
  Settle();
  EXPECT_EQ(ReceiveOperation(), Operation::kReset);
  EXPECT_EQ(device_->stream_count(), 0U);
}

TEST_F(VsockTest, TheHostReachesAPortOfTheGuest) {
  OfferBuffers(8);
  const UniqueFd host = Dial("CONNECT 1000\nearly");
  const Received request = ReceiveOr(Operation::kReset);
  ASSERT_EQ(request.header.operation, Operation::kRequest);
  EXPECT_EQ(request.header.destination_port, kGuestPort);
  VsockHeader answer = HeaderFromGuest(Operation::kResponse);
  answer.destination_port = request.header.source_port;
  EXPECT_TRUE(Send(answer));
  Settle();
  EXPECT_EQ(ReadNow(host), "OK " + std::to_string(request.header.source_port) + "\n");
  const Received data = ReceiveOr(Operation::kReset);
  EXPECT_EQ(data.data, "early");
  // The greeting is not the guest's: it does not count.
  EXPECT_EQ(data.header.forwarded_bytes, 0U);
}

TEST_F(VsockTest, DropsClientsThatTheGuestRefuses) {
  OfferBuffers(8);
  const UniqueFd host = Dial("CONNECT 1000\n");
  VsockHeader answer = HeaderFromGuest(Operation::kReset);
  answer.destination_port = ReceiveOr(Operation::kReset).header.source_port;
  EXPECT_TRUE(Send(answer));
  EXPECT_TRUE(HasEnded(host));
  EXPECT_EQ(device_->stream_count(), 0U);
}

TEST_F(VsockTest, DropsClientsThatDoNotSpeakTheProtocol) {
  EXPECT_TRUE(HasEnded(Dial("GET / HTTP/1.0\n")));
  EXPECT_TRUE(HasEnded(Dial(std::string(100, 'x'))));
  const UniqueFd silent = Dial("CONNECT 10");
  EXPECT_FALSE(HasEnded(silent));
}

TEST_F(VsockTest, ForgetsAClientThatGoesBeforeTheGuestAnswers) {
  OfferBuffers(8);
  {
    const UniqueFd host = Dial("CONNECT 1000\n");
  }
  Settle();
  EXPECT_EQ(device_->stream_count(), 0U);
  EXPECT_EQ(ReceiveOperation(), Operation::kRequest);
  EXPECT_EQ(ReceiveOperation(), Operation::kReset);
}

TEST_F(VsockTest, SendsNoMoreThanTheGuestHasRoomFor) {
  const UniqueFd host = OpenFromGuest();
  SendText(host, std::string(kGuestBuffer + 100, 'x'));
  Settle();
  EXPECT_THAT(ReceiveOr(Operation::kReset).data, SizeIs(kGuestBuffer));
  EXPECT_FALSE(Receive());
  VsockHeader update = HeaderFromGuest(Operation::kCreditUpdate);
  update.forwarded_bytes = kGuestBuffer;
  EXPECT_TRUE(Send(update));
  Settle();
  EXPECT_THAT(ReceiveOr(Operation::kReset).data, SizeIs(100));
}

TEST_F(VsockTest, CountersThatMakeNoSenseGiveNoCredit) {
  const UniqueFd host = OpenFromGuest();
  VsockHeader update = HeaderFromGuest(Operation::kCreditUpdate);
  update.forwarded_bytes = 0xffffff00;
  update.buffer_bytes = 16;
  EXPECT_TRUE(Send(update));
  SendText(host, "hello");
  Settle();
  EXPECT_FALSE(Receive());
}

TEST_F(VsockTest, AGuestThatSendsMoreThanItMayLosesTheStream) {
  const UniqueFd host = OpenFromGuest();
  // The host does not read: its socket takes some, the device holds the rest.
  const std::string part(4096, 'x');
  unsigned sent = 0;
  while (device_->stream_count() == 1 && sent < 1000) {
    EXPECT_TRUE(Send(Operation::kData, part));
    ++sent;
  }
  EXPECT_LT(sent, 1000U);
  EXPECT_GE(sent * part.size(), VsockStream::kBufferBytes);
  Settle();
  Operation last = Operation::kData;
  while (const auto packet = Receive()) last = packet->header.operation;
  EXPECT_EQ(last, Operation::kReset);
}

TEST_F(VsockTest, TellsTheGuestWhenThereIsRoomAgain) {
  const UniqueFd host = OpenFromGuest();
  const std::string part(4096, 'x');
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(Send(Operation::kData, part));
    EXPECT_THAT(ReadNow(host), SizeIs(4096));
  }
  Settle();
  const Received update = ReceiveOr(Operation::kReset);
  EXPECT_EQ(update.header.operation, Operation::kCreditUpdate);
  EXPECT_EQ(update.header.forwarded_bytes, 8U * 4096);
  EXPECT_FALSE(Receive());
}

TEST_F(VsockTest, TheGuestsEndReachesTheHostAfterItsBytes) {
  const UniqueFd host = OpenFromGuest();
  EXPECT_TRUE(Send(Operation::kData, "last words"));
  VsockHeader shutdown = HeaderFromGuest(Operation::kShutdown);
  shutdown.flags = kNoSend;
  EXPECT_TRUE(Send(shutdown));
  EXPECT_EQ(ReadNow(host), "last words");
  EXPECT_TRUE(HasEnded(host));
  // The other direction still works.
  SendText(host, "answer");
  Settle();
  EXPECT_EQ(ReceiveOr(Operation::kReset).data, "answer");
}

TEST_F(VsockTest, AStreamIsOverWhenBothSidesHaveEnded) {
  const UniqueFd host = OpenFromGuest();
  ::shutdown(host.get(), SHUT_WR);
  Settle();
  const Received end = ReceiveOr(Operation::kReset);
  EXPECT_EQ(end.header.operation, Operation::kShutdown);
  EXPECT_EQ(end.header.flags, kNoSend);
  EXPECT_EQ(device_->stream_count(), 1U);
  VsockHeader shutdown = HeaderFromGuest(Operation::kShutdown);
  shutdown.flags = kNoSend | kNoReceive;
  EXPECT_TRUE(Send(shutdown));
  Settle();
  EXPECT_EQ(ReceiveOperation(), Operation::kReset);
  EXPECT_EQ(device_->stream_count(), 0U);
}

TEST_F(VsockTest, AnEndedHostDoesNotKeepTheThreadBusy) {
  const UniqueFd host = OpenFromGuest();
  ::shutdown(host.get(), SHUT_RDWR);
  Settle();
  EXPECT_EQ(ReceiveOperation(), Operation::kShutdown);
  EXPECT_TRUE(Send(Operation::kCreditUpdate));
  Settle();
  requested_.clear();
  ASSERT_TRUE(loop_->Poll(0));
  EXPECT_TRUE(requested_.empty());
}

TEST_F(VsockTest, AnswersPacketsForNoStreamByAReset) {
  OfferBuffers(8);
  for (const Operation operation :
       {Operation::kData, Operation::kShutdown, Operation::kResponse, Operation::kCreditUpdate,
        Operation::kCreditRequest, Operation{99}}) {
    EXPECT_TRUE(Send(operation));
    Settle();
    EXPECT_EQ(ReceiveOperation(), Operation::kReset);
  }
  EXPECT_TRUE(Send(Operation::kReset));
  Settle();
  EXPECT_FALSE(Receive());
}

TEST_F(VsockTest, RefusesForeignAddressesAndOtherTypes) {
  const UniqueFd server = Listen();
  OfferBuffers(8);
  for (auto [source, destination, type] :
       {std::tuple{kCid + 1, 2, 1}, std::tuple{kCid, 3, 1}, std::tuple{kCid, 2, 2}}) {
    VsockHeader header = HeaderFromGuest(Operation::kRequest);
    header.source_cid = source;
    header.destination_cid = static_cast<std::uint64_t>(destination);
    header.type = static_cast<std::uint16_t>(type);
    EXPECT_TRUE(Send(header));
    Settle();
    EXPECT_EQ(ReceiveOperation(), Operation::kReset);
  }
  EXPECT_EQ(device_->stream_count(), 0U);
}

TEST_F(VsockTest, AnOperationOutOfTurnEndsTheStream) {
  const UniqueFd host = OpenFromGuest();
  EXPECT_TRUE(Send(Operation::kResponse));
  Settle();
  EXPECT_EQ(ReceiveOperation(), Operation::kReset);
  EXPECT_TRUE(HasEnded(host));
}

TEST_F(VsockTest, ALengthThatIsNotThereBreaksTheQueue) {
  VsockHeader header = HeaderFromGuest(Operation::kData);
  header.length = 5;
  EXPECT_FALSE(Send(header, "four"));
  header.length = 0xffffffff;
  EXPECT_FALSE(Send(header));
}

TEST_F(VsockTest, ABufferWithoutRoomForAByteBreaksTheQueue) {
  receive_.OfferChain({{.address = kReceiveBuffers, .length = 44, .flags = kWrite}});
  EXPECT_FALSE(Send(Operation::kData));
}

TEST_F(VsockTest, StopsListeningToAGuestThatTakesNoAnswers) {
  const auto taken = [&] { return send_.used_index(); };
  for (unsigned i = 0; i < 2 * VirtioVsock::kMostWaiting; ++i) {
    if (taken() != i) break;
    EXPECT_TRUE(Send(Operation::kData));
  }
  EXPECT_LE(taken(), VirtioVsock::kMostWaiting + 1);
  const unsigned before = taken();
  OfferBuffers(8);
  Settle();
  EXPECT_GT(taken(), before);
}

// What cannot be done now must not be asked for again and again.
TEST_F(VsockTest, RestsWhenTheGuestGivesNoBuffers) {
  EXPECT_TRUE(Send(Operation::kData));
  Settle();
  EXPECT_TRUE(requested_.empty());
  queues_[0].Disable();
  EXPECT_TRUE(Serve(VirtioVsock::kReceiveQueue));
  EXPECT_TRUE(requested_.empty());
}

TEST_F(VsockTest, ABufferWaitsForTheNextPacket) {
  const UniqueFd host = OpenFromGuest();
  // A packet of the guest has the stream looked at; there is nothing, and the buffer is kept.
  EXPECT_TRUE(Send(Operation::kCreditUpdate));
  SendText(host, "one");
  Settle();
  EXPECT_EQ(ReceiveOr(Operation::kReset).data, "one");
  SendText(host, "two");
  Settle();
  EXPECT_EQ(ReceiveOr(Operation::kReset).data, "two");
}

TEST_F(VsockTest, HoldsABoundedNumberOfStreams) {
  const UniqueFd server = Listen();
  OfferBuffers(8);
  std::vector<UniqueFd> ends;
  for (std::uint32_t port = 0; port <= VirtioVsock::kMostStreams; ++port) {
    VsockHeader header = HeaderFromGuest(Operation::kRequest);
    header.source_port = port;
    EXPECT_TRUE(Send(header));
    ends.emplace_back(::accept(server.get(), nullptr, nullptr));
    OfferBuffers(1);
    Settle();
  }
  EXPECT_EQ(device_->stream_count(), VirtioVsock::kMostStreams);
}

TEST_F(VsockTest, AResetDropsAllStreams) {
  const UniqueFd host = OpenFromGuest();
  device_->Reset();
  EXPECT_EQ(device_->stream_count(), 0U);
  EXPECT_TRUE(HasEnded(host));
}

TEST_F(VsockTest, RefusesASocketThatExists) {
  const auto second = VirtioVsock::Create(kCid, path_, *loop_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().text, HasSubstr("Address already in use"));
  EXPECT_EQ(::access(path_.c_str(), F_OK), 0);
  device_.reset();
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace ravelin::vmm
