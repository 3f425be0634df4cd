// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// What a virtio device is, apart from how the driver reaches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/virtio/queue.h"

namespace ravelin::vmm {

// Section 5 of the specification.
enum class VirtioType : std::uint32_t {
  kBlock = 2,
  kConsole = 3,
  kEntropy = 4,
  kSocket = 19,
};

// The lock of the machine's devices is held during all of these.
class VirtioDevice {
 public:
  virtual ~VirtioDevice() = default;

  [[nodiscard]] virtual VirtioType type() const = 0;
  [[nodiscard]] virtual std::size_t queue_count() const = 0;
  // Feature bits of the device's type.
  [[nodiscard]] virtual std::uint64_t features() const { return 0; }
  // The configuration space; what is behind its end reads as zero.
  [[nodiscard]] virtual std::span<const std::byte> config() const { return {}; }

  // The driver has rung queue `index`, or the device asked for it: moves what can be moved. An
  // error means that the driver broke a rule, and that the device needs a reset.
  [[nodiscard]] virtual Result<void> Serve(std::size_t index, std::span<Virtqueue> queues) = 0;

  // Forgets everything about the driver.
  virtual void Reset() {}

  // `request`: has Serve called for a queue soon, but not at once, if the driver is there.
  void OnRequest(std::function<void(std::size_t index)> request) { request_ = std::move(request); }

 protected:
  void RequestService(std::size_t index) const {
    if (request_) request_(index);
  }

  // Calls `serve` for the requests that wait in a queue, but for a bounded number only: a driver
  // that never stops must not keep the thread. What is left then is served soon.
  template <typename ServeChain>
  [[nodiscard]] Result<void> ServeChains(std::size_t index, Virtqueue& queue, ServeChain serve) {
    return ServeChainsWhile([] { return true; }, index, queue, serve);
  }

  // The same, as long as `wanted` says that there is something to do with a request.
  template <typename Wanted, typename ServeChain>
  [[nodiscard]] Result<void> ServeChainsWhile(Wanted wanted, std::size_t index, Virtqueue& queue,
                                              ServeChain serve) {
    for (unsigned served = 0; served < queue.size() && wanted(); ++served) {
      auto popped = queue.Pop();
      if (!popped) return Failure{popped.error()};
      std::optional<Chain> chain = std::move(*popped);
      if (!chain) return {};
      if (auto done = serve(*chain); !done) return done;
    }
    if (queue.enabled() && wanted()) RequestService(index);
    return {};
  }

 private:
  std::function<void(std::size_t index)> request_;
};

}  // namespace ravelin::vmm
