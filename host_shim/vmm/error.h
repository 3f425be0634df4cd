// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// Result<T> of the VMM: a value, or a sentence for the user that names what failed.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>

namespace ravelin::vmm {

struct Error {
  std::string text;
};

template <typename T = void>
using Result = std::expected<T, Error>;

using Failure = std::unexpected<Error>;

// "WHAT: No such file or directory", from errno.
inline Failure ErrnoFailure(std::string_view what) {
  const int error = errno;
  return Failure{Error{std::string{what} + ": " + std::strerror(error)}};
}

inline Failure PlainFailure(std::string_view text) { return Failure{Error{std::string{text}}}; }

// "0x9000000"
std::string Hex(std::uint64_t value);

}  // namespace ravelin::vmm
