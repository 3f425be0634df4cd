// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/virtio/vsock_listener.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

namespace ravelin::vmm {
namespace {

constexpr std::size_t kLongestLine = 32;
constexpr int kBacklog = 16;
constexpr int kSocketType = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return PlainFailure("the name of socket '" + path + "' is too long");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// What bind and connect want.
const sockaddr* Generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<std::unique_ptr<VsockListener>> VsockListener::Create(const std::string& path,
                                                             EventLoop& loop, Accept accept) {
  std::unique_ptr<VsockListener> listener{new VsockListener{path, loop, std::move(accept)}};
  if (auto listening = listener->Listen(); !listening) return Failure{listening.error()};
  return listener;
}

Result<void> VsockListener::Listen() {
  const auto address = AddressOf(path_);
  if (!address) return Failure{address.error()};
  UniqueFd socket{::socket(AF_UNIX, kSocketType, 0)};
  if (!socket.ok()) return ErrnoFailure("cannot make a socket");
  if (::bind(socket.get(), Generic(*address), sizeof(*address)) != 0) {
    return ErrnoFailure("cannot make socket '" + path_ + "'");
  }
  socket_ = std::move(socket);
  if (::listen(socket_.get(), kBacklog) != 0) return ErrnoFailure("cannot listen");
  const auto watch = loop_->Add(socket_.get(), EPOLLIN, [this](std::uint32_t) { AddClient(); });
  if (!watch) return Failure{watch.error()};
  watch_ = *watch;
  return {};
}

VsockListener::~VsockListener() {
  while (!clients_.empty()) Drop(clients_.begin()->first);
  if (!socket_.ok()) return;
  loop_->Remove(watch_);
  ::unlink(path_.c_str());
}

void VsockListener::AddClient() {
  UniqueFd socket{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!socket.ok() || clients_.size() >= kMostClients) return;
  const int fd = socket.get();
  const auto watch = loop_->Add(fd, EPOLLIN, [this, fd](std::uint32_t) { ReadLine(fd); });
  if (watch) clients_[fd] = {.socket = std::move(socket), .watch = *watch};
}

// Byte by byte: what follows the line is not for us.
void VsockListener::ReadLine(int fd) {
  Client& client = clients_[fd];
  char character = 0;
  while (client.line.size() < kLongestLine) {
    const ssize_t count = ::recv(fd, &character, 1, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0 || character == '\n') break;
    client.line.push_back(character);
  }
  const auto port = ParseConnectLine(client.line);
  if (character != '\n' || !port) return Drop(fd);
  loop_->Remove(client.watch);
  UniqueFd socket = std::move(client.socket);
  clients_.erase(fd);
  accept_(std::move(socket), *port);
}

void VsockListener::Drop(int fd) {
  loop_->Remove(clients_[fd].watch);
  clients_.erase(fd);
}

Result<std::uint32_t> ParseConnectLine(std::string_view line) {
  constexpr std::string_view kConnect = "CONNECT ";
  if (!line.starts_with(kConnect)) return PlainFailure("not a CONNECT line");
  line.remove_prefix(kConnect.size());
  std::uint32_t port = 0;
  const auto parsed = std::from_chars(line.begin(), line.end(), port);
  if (parsed.ec != std::errc{} || parsed.ptr != line.end()) return PlainFailure("not a port");
  return port;
}

Result<UniqueFd> ConnectToHostPort(const std::string& path, std::uint32_t port) {
  const auto address = AddressOf(path + "_" + std::to_string(port));
  if (!address) return Failure{address.error()};
  UniqueFd socket{::socket(AF_UNIX, kSocketType, 0)};
  if (!socket.ok()) return ErrnoFailure("cannot make a socket");
  if (::connect(socket.get(), Generic(*address), sizeof(*address)) != 0) {
    return ErrnoFailure("cannot connect");
  }
  return socket;
}

}  // namespace ravelin::vmm
