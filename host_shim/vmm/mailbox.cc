// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/mailbox.h"

#include <algorithm>
#include <array>
#include <span>

namespace ravelin::vmm {
namespace {

char Printable(std::byte value) {
  const char character = static_cast<char>(value);
  return character >= ' ' && character <= '~' ? character : '.';
}

}  // namespace

std::uint64_t Mailbox::Read(std::uint64_t offset, unsigned /*size*/) {
  return offset == kCommandRegister ? std::to_underlying(next_command_()) : 0;
}

void Mailbox::Write(std::uint64_t offset, unsigned size, std::uint64_t value) {
  if (size != sizeof(value)) return;
  if (offset == kMessageRegister) TakeMessage(Ipa{value});
  if (offset == kStatusRegister) status_ = value;
}

void Mailbox::TakeMessage(Ipa page) {
  const auto message = ReadMessage(page);
  if (!message) {
    sink_("vmm: no message taken: " + message.error().text);
    return;
  }
  sink_("guest: " + *message);
  const auto answered =
      Answer(page, "The host heard " + std::to_string(message->size()) + " bytes");
  if (!answered) sink_("vmm: no answer given: " + answered.error().text);
}

Result<std::string> Mailbox::ReadMessage(Ipa page) const {
  if (Raw(page) % kPageSize != 0) {
    return PlainFailure("address " + Hex(Raw(page)) + " is not the start of a page");
  }
  std::array<std::byte, kPageSize> bytes{};
  if (auto copied = memory_->CopyOut(page, bytes); !copied) return Failure{copied.error()};
  const auto end = std::find(bytes.begin(), bytes.end(), std::byte{0});
  if (end == bytes.end()) return PlainFailure("the page holds no end of the message");
  std::string text;
  std::transform(bytes.begin(), end, std::back_inserter(text), Printable);
  return text;
}

Result<void> Mailbox::Answer(Ipa page, const std::string& text) {
  return memory_->CopyIn(page, std::as_bytes(std::span{text.c_str(), text.size() + 1}));
}

}  // namespace ravelin::vmm
