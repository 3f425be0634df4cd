// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The host's way to the guest's sockets: a Unix socket that takes connections. A client writes
// "CONNECT port" and a newline; what follows belongs to the stream.
//
// And the way back: a connection to the Unix socket of a port of the host.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/event_loop.h"
#include "host_shim/vmm/unique_fd.h"

namespace ravelin::vmm {

class VsockListener {
 public:
  // Takes a client that wants the guest's port.
  using Accept = std::function<void(UniqueFd client, std::uint32_t guest_port)>;

  // Clients that have not said yet what they want.
  static constexpr std::size_t kMostClients = 64;

  // The file at `path` must not exist; it is removed with the listener. `loop` must outlive it.
  static Result<std::unique_ptr<VsockListener>> Create(const std::string& path, EventLoop& loop,
                                                       Accept accept);
  VsockListener(const VsockListener&) = delete;
  VsockListener& operator=(const VsockListener&) = delete;
  ~VsockListener();

 private:
  struct Client {
    UniqueFd socket;
    EventLoop::Watch watch{};
    std::string line;
  };

  VsockListener(std::string path, EventLoop& loop, Accept accept)
      : path_(std::move(path)), loop_(&loop), accept_(std::move(accept)) {}

  [[nodiscard]] Result<void> Listen();
  void AddClient();
  void ReadLine(int fd);
  void Drop(int fd);

  std::string path_;
  EventLoop* loop_;
  Accept accept_;
  UniqueFd socket_;
  EventLoop::Watch watch_{};
  std::map<int, Client> clients_;
};

// The port that a client's line asks for.
Result<std::uint32_t> ParseConnectLine(std::string_view line);

// Connects to PATH_PORT.
Result<UniqueFd> ConnectToHostPort(const std::string& path, std::uint32_t port);

}  // namespace ravelin::vmm
