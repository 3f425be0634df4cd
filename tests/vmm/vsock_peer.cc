// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// vsock-peer echo ENDPOINT: takes one connection and sends back what it gets, until its end.
// vsock-peer check ENDPOINT BYTES: connects, sends that many bytes, and sees the same come back.
//
// ENDPOINT: vsock:CID:PORT (an AF_VSOCK socket, in a guest), unix:PATH (a Unix socket), or
// unix:PATH:PORT (the guest's port PORT behind ravelin-vmm's socket PATH).

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// Needs the types of <sys/socket.h>.
#include <linux/vm_sockets.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kPart = 16384;
constexpr int kPatience = 30'000;  // milliseconds

[[noreturn]] void GiveUp(const std::string& what) {
  std::perror(("vsock-peer: " + what).c_str());
  std::exit(1);
}

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char character : text) {
    if (character == ':') {
      parts.emplace_back();
    } else {
      parts.back().push_back(character);
    }
  }
  return parts;
}

std::uint32_t Number(std::string_view text) {
  std::uint32_t value = 0;
  const auto parsed = std::from_chars(text.begin(), text.end(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.end()) GiveUp("not a number");
  return value;
}

// A socket and the address that an ENDPOINT names.
struct Endpoint {
  explicit Endpoint(std::string_view text) {
    const auto parts = Split(text);
    if (parts.size() == 3 && parts[0] == "vsock") {
      UseVsock(Number(parts[1]), Number(parts[2]));
    } else if (parts.size() >= 2 && parts[0] == "unix") {
      UseUnix(parts[1]);
      if (parts.size() == 3) guest_port = Number(parts[2]);
    } else {
      GiveUp("what endpoint is that?");
    }
  }

  void UseVsock(std::uint32_t cid, std::uint32_t port) {
    sockaddr_vm vsock{};
    vsock.svm_family = AF_VSOCK;
    vsock.svm_cid = cid;
    vsock.svm_port = port;
    Set(AF_VSOCK, &vsock, sizeof(vsock));
  }

  void UseUnix(const std::string& path) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    if (path.size() >= sizeof(local.sun_path)) GiveUp("a long path");
    std::memcpy(local.sun_path, path.data(), path.size());
    Set(AF_UNIX, &local, sizeof(local));
  }

  void Set(int family, const void* from, std::size_t bytes) {
    std::memcpy(&address, from, bytes);
    length = static_cast<socklen_t>(bytes);
    fd = ::socket(family, SOCK_STREAM, 0);
    if (fd < 0) GiveUp("socket");
  }

  [[nodiscard]] const sockaddr* generic() const {
    return reinterpret_cast<const sockaddr*>(&address);
  }

  int fd = -1;
  sockaddr_storage address{};
  socklen_t length = 0;
  std::optional<std::uint32_t> guest_port;
};

bool SendAll(int fd, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

int Echo(const Endpoint& endpoint) {
  if (::bind(endpoint.fd, endpoint.generic(), endpoint.length) != 0) GiveUp("bind");
  if (::listen(endpoint.fd, 1) != 0) GiveUp("listen");
  std::puts("listening");
  std::fflush(stdout);
  const int fd = ::accept(endpoint.fd, nullptr, nullptr);
  if (fd < 0) GiveUp("accept");
  std::array<char, kPart> part{};
  while (true) {
    const ssize_t count = ::recv(fd, part.data(), part.size(), 0);
    if (count < 0) GiveUp("recv");
    if (count == 0) break;
    if (!SendAll(fd, std::span{part}.first(static_cast<std::size_t>(count)))) GiveUp("send");
  }
  ::close(fd);
  return 0;
}

// Asks ravelin-vmm for a port of its guest.
void AskForPort(int fd, std::uint32_t port) {
  const std::string line = "CONNECT " + std::to_string(port) + "\n";
  if (!SendAll(fd, line)) GiveUp("send");
  std::string answer;
  char character = 0;
  while (character != '\n') {
    if (::recv(fd, &character, 1, 0) != 1) GiveUp("no answer to CONNECT");
    answer.push_back(character);
  }
  if (!answer.starts_with("OK ")) GiveUp("an answer that is not OK: " + answer);
}

char PatternAt(std::size_t position) { return static_cast<char>(position * 31 + position / 251); }

// Sends and receives at the same time: the buffers between are smaller than the whole.
class Exchange {
 public:
  Exchange(int fd, std::size_t bytes) : fd_(fd), bytes_(bytes) {}

  void Run() {
    while (received_ < bytes_) {
      const short wanted = sent_ < bytes_ ? POLLIN | POLLOUT : POLLIN;
      pollfd poll{.fd = fd_, .events = wanted, .revents = 0};
      if (::poll(&poll, 1, kPatience) <= 0) GiveUp("nothing happens");
      if ((poll.revents & (POLLIN | POLLHUP)) != 0) Receive();
      if ((poll.revents & POLLOUT) != 0 && sent_ < bytes_) Send();
    }
  }

 private:
  void Send() {
    const std::size_t count = std::min(kPart, bytes_ - sent_);
    for (std::size_t i = 0; i < count; ++i) part_[i] = PatternAt(sent_ + i);
    const ssize_t sent = ::send(fd_, part_.data(), count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) GiveUp("send");
    sent_ += sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }

  void Receive() {
    const ssize_t count = ::recv(fd_, part_.data(), part_.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) GiveUp("the stream ended after " + std::to_string(received_) + " bytes");
    for (ssize_t i = 0; i < count; ++i) {
      if (part_[static_cast<std::size_t>(i)] != PatternAt(received_++)) GiveUp("other bytes");
    }
  }

  int fd_;
  std::size_t bytes_;
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
  std::array<char, kPart> part_{};
};

int Check(const Endpoint& endpoint, std::size_t bytes) {
  if (::connect(endpoint.fd, endpoint.generic(), endpoint.length) != 0) GiveUp("connect");
  if (endpoint.guest_port) AskForPort(endpoint.fd, *endpoint.guest_port);
  Exchange{endpoint.fd, bytes}.Run();
  // The other side sees the end, and ends too.
  ::shutdown(endpoint.fd, SHUT_WR);
  char more = 0;
  if (::recv(endpoint.fd, &more, 1, 0) != 0) GiveUp("the stream does not end");
  std::printf("%zu bytes came back\n", bytes);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments{argv, static_cast<std::size_t>(argc)};
  if (argc == 3 && std::string_view{arguments[1]} == "echo") return Echo(Endpoint{arguments[2]});
  if (argc == 4 && std::string_view{arguments[1]} == "check") {
    return Check(Endpoint{arguments[2]}, Number(arguments[3]));
  }
  std::fputs("usage: vsock-peer echo ENDPOINT | check ENDPOINT BYTES\n", stderr);
  return 2;
}
