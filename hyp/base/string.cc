// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C string functions that the compiler and libfdt call (ISO C 7.26, strnlen of POSIX). EL2
// links no C library. Plain loops over bytes and words: they also run with the MMU off, where
// memory is Device memory and allows neither unaligned accesses nor DC ZVA.
#include <cstddef>
#include <cstdint>

namespace {

using Byte = unsigned char;
using Word [[gnu::may_alias]] = std::uint64_t;

// Words for each turn of a loop.
constexpr std::size_t kUnrolled = 4;

bool BothAligned(const void* a, const void* b) {
  return ((reinterpret_cast<std::uintptr_t>(a) | reinterpret_cast<std::uintptr_t>(b)) &
          (sizeof(Word) - 1)) == 0;
}

}  // namespace

extern "C" {

void* memcpy(void* __restrict target, const void* __restrict source, std::size_t size) {
  auto* to = static_cast<Byte*>(target);
  const auto* from = static_cast<const Byte*>(source);
  if (BothAligned(to, from)) {
    for (; size >= kUnrolled * sizeof(Word); size -= kUnrolled * sizeof(Word)) {
      const auto* words = reinterpret_cast<const Word*>(from);
      const Word a = words[0], b = words[1], c = words[2], d = words[3];
      auto* target_words = reinterpret_cast<Word*>(to);
      target_words[0] = a;
      target_words[1] = b;
      target_words[2] = c;
      target_words[3] = d;
      to += kUnrolled * sizeof(Word);
      from += kUnrolled * sizeof(Word);
    }
    for (; size >= sizeof(Word); size -= sizeof(Word)) {
      // volatile: the compiler must not turn the loop into a call of this very function
      *reinterpret_cast<volatile Word*>(to) = *reinterpret_cast<const Word*>(from);
      to += sizeof(Word);
      from += sizeof(Word);
    }
  }
  for (; size > 0; --size) {
    *static_cast<volatile Byte*>(to++) = *from++;
  }
  return target;
}

void* memmove(void* target, const void* source, std::size_t size) {
  auto* to = static_cast<Byte*>(target);
  const auto* from = static_cast<const Byte*>(source);
  if (to <= from) {
    for (; size > 0; --size) {
      *static_cast<volatile Byte*>(to++) = *from++;
    }
    return target;
  }
  for (; size > 0; --size) {
    static_cast<volatile Byte*>(to)[size - 1] = from[size - 1];
  }
  return target;
}

void* memset(void* target, int value, std::size_t size) {
  auto* to = static_cast<Byte*>(target);
  const auto byte = static_cast<Byte>(value);
  const Word word = Word{byte} * 0x0101010101010101U;
  if (BothAligned(to, to)) {
    for (; size >= kUnrolled * sizeof(Word); size -= kUnrolled * sizeof(Word)) {
      auto* words = reinterpret_cast<Word*>(to);
      words[0] = words[1] = words[2] = words[3] = word;
      to += kUnrolled * sizeof(Word);
    }
    for (; size >= sizeof(Word); size -= sizeof(Word)) {
      *reinterpret_cast<volatile Word*>(to) = word;
      to += sizeof(Word);
    }
  }
  for (; size > 0; --size) {
    *static_cast<volatile Byte*>(to++) = byte;
  }
  return target;
}

int memcmp(const void* left, const void* right, std::size_t size) {
  const auto* a = static_cast<const Byte*>(left);
  const auto* b = static_cast<const Byte*>(right);
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) {
      return a[i] < b[i] ? -1 : 1;
    }
  }
  return 0;
}

void* memchr(const void* memory, int value, std::size_t size) {
  const auto* bytes = static_cast<const Byte*>(memory);
  for (std::size_t i = 0; i < size; ++i) {
    if (bytes[i] == static_cast<Byte>(value)) {
      return const_cast<Byte*>(bytes + i);
    }
  }
  return nullptr;
}

std::size_t strnlen(const char* text, std::size_t limit) {
  std::size_t length = 0;
  while (length < limit && text[length] != '\0') {
    ++length;
  }
  return length;
}

std::size_t strlen(const char* text) { return strnlen(text, SIZE_MAX); }

char* strchr(const char* text, int value) {
  return static_cast<char*>(memchr(text, value, strlen(text) + 1));
}

char* strrchr(const char* text, int value) {
  for (std::size_t i = strlen(text) + 1; i > 0; --i) {
    if (text[i - 1] == static_cast<char>(value)) {
      return const_cast<char*>(text + i - 1);
    }
  }
  return nullptr;
}

int strcmp(const char* left, const char* right) {
  const std::size_t length = strlen(left) + 1;
  const std::size_t other = strlen(right) + 1;
  return memcmp(left, right, length < other ? length : other);
}

}  // extern "C"
