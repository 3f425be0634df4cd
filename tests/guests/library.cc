// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// The functions that a freestanding compiler may call.

#include <cstddef>

extern "C" {

void* memset(void* to, int value, std::size_t count) {
  auto* bytes = static_cast<unsigned char*>(to);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<unsigned char>(value);
  return to;
}

void* memcpy(void* to, const void* from, std::size_t count) {
  auto* target = static_cast<unsigned char*>(to);
  const auto* source = static_cast<const unsigned char*>(from);
  for (std::size_t i = 0; i < count; ++i) target[i] = source[i];
  return to;
}
std::size_t strlen(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}
}
