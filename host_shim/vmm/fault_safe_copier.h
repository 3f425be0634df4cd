// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Copies from and to memory that may not be accessible, without following a pointer to it: the
// kernel copies, by way of a memory file, and reports EFAULT where a load would be a SIGBUS.
// Any thread may use it.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "host_shim/vmm/error.h"
#include "host_shim/vmm/mapping.h"
#include "host_shim/vmm/unique_fd.h"

namespace ravelin::vmm {

class FaultSafeCopier {
 public:
  static Result<std::unique_ptr<FaultSafeCopier>> Create();

  // An error, by errno, if not all of it is accessible; a part may have been copied then.
  [[nodiscard]] Result<void> Load(std::span<std::byte> to, const std::byte* from);
  [[nodiscard]] Result<void> Store(std::byte* to, std::span<const std::byte> from);

 private:
  FaultSafeCopier(UniqueFd file, Mapping view) : file_(std::move(file)), view_(std::move(view)) {}

  [[nodiscard]] Result<void> LoadPart(std::span<std::byte> to, const std::byte* from) const;
  [[nodiscard]] Result<void> StorePart(std::byte* to, std::span<const std::byte> from) const;

  std::mutex mutex_;
  UniqueFd file_;
  Mapping view_;  // the file's bytes, which are always accessible
};

}  // namespace ravelin::vmm
