// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A guest with a secret. It fills many pages and most of its registers with 64 secret bytes, talks
// with the host through a page that it shares, waits as long as the VMM tells it to (so that the
// host can be attacked meanwhile), checks that the secret is still intact, and shuts down.
//
// In a normal VM it does the same without sharing: there every page is the host's.

#include "hyp/abi/guest_call.h"
#include "tests/guests/runtime.h"
#include "tests/guests/secret.h"
#include "tests/guests/secret_registers.h"

namespace ravelin::guest {
namespace {

// What the VMM is told if something is wrong.
enum Failure : std::uint64_t {
  kShareFailed = 1,
  kNoAnswer = 2,
  kMemoryChanged = 3,
  kRegistersChanged = 4,
  kUnshareFailed = 5,
  kNoRoom = 6,
};

constexpr std::size_t kSecretPages = 64;
constexpr std::size_t kWordsPerPage = kPageSize / sizeof(std::uint64_t);

// Not a constant for the compiler, so that the secret is not in the image.
volatile std::uint64_t seed = kSecretSeed;

alignas(kPageSize) std::uint64_t secret_pages[kSecretPages][kWordsPerPage];
alignas(kPageSize) char shared_page[kPageSize];

std::uint64_t Address(const void* object) { return reinterpret_cast<std::uintptr_t>(object); }

[[noreturn]] void Fail(std::string_view what, Failure failure) {
  Print("secret_guest: ");
  Print(what);
  Print("\n");
  Finish(failure);
}

void FillMemory() {
  for (auto& page : secret_pages) {
    for (std::size_t i = 0; i < kWordsPerPage; ++i) page[i] = MixedWord(seed, i % kSecretWords);
  }
}

bool IsMemoryIntact() {
  for (const auto& page : secret_pages) {
    for (std::size_t i = 0; i < kWordsPerPage; ++i) {
      if (page[i] != MixedWord(seed, i % kSecretWords)) return false;
    }
  }
  return true;
}

void Share(std::uint64_t call, Failure failure) {
  if (!IsProtected()) return;
  if (Hvc(call, Address(shared_page)).status() == RAVELIN_SMCCC_SUCCESS) return;
  Fail("the hypervisor refuses to change the shared page", failure);
}

void PutMessage(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) shared_page[i] = text[i];
  shared_page[text.size()] = '\0';
}

// The host's answer starts like this.
bool IsAnswered() {
  constexpr std::string_view kAnswer = "The host heard";
  for (std::size_t i = 0; i < kAnswer.size(); ++i) {
    if (static_cast<volatile char*>(shared_page)[i] != kAnswer[i]) return false;
  }
  return true;
}

void Talk() {
  PutMessage("hello through a shared page");
  WriteRegister(kMailboxPage + kMailboxMessage, Address(shared_page));
  if (!IsAnswered()) Fail("the host did not answer in the shared page", kNoAnswer);
  Print("secret_guest: the host answered in the shared page\n");
}

void Run(std::uint64_t memory_bytes) {
  StartConsole();
  Print(IsProtected() ? "secret_guest: running in a protected VM\n"
                      : "secret_guest: running in a normal VM\n");
  if (Address(__image_end) - 0x80000000 > memory_bytes) Fail("too little memory", kNoRoom);
  Share(RAVELIN_GUEST_MEM_SHARE, kShareFailed);
  Talk();
  FillMemory();
  Print("secret_guest: the secret is in memory and registers\n");
  const std::uint64_t changed = WaitWithSecret(secret_pages[0], kMailboxPage + kMailboxCommand);
  if (changed != 0) Fail("the secret in registers changed", kRegistersChanged);
  if (!IsMemoryIntact()) Fail("the secret in memory changed", kMemoryChanged);
  Share(RAVELIN_GUEST_MEM_UNSHARE, kUnshareFailed);
  Print("secret_guest: the secret is intact\n");
  Finish(0);
}

}  // namespace
}  // namespace ravelin::guest

extern "C" void GuestMain(std::uint64_t memory_bytes) { ravelin::guest::Run(memory_bytes); }
