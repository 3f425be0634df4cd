// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

// A guest that tries what it must not have, and prints one line for each try:
//
//   probe NAME: VALUE               a number that a call returned or a register held
//   probe NAME: undef               the instruction does not exist for it
//   probe NAME: data abort FSC      or: instruction abort FSC
//
// The host's tests compare the lines with what the kind of VM should give.

#include <span>

#include "hyp/abi/guest_call.h"
#include "tests/guests/runtime.h"

namespace ravelin::guest {
namespace {

struct RegisterProbe {
  const char* name;
  std::uint64_t (*read)();
};

// probe_registers.S
extern "C" const RegisterProbe register_probes[];
extern "C" const RegisterProbe register_probes_end[];

using Conduit = void (*)(const SmcccArguments*, SmcccResults*);

constexpr std::uint64_t kUnassignedDevice = 0x0b000000;
constexpr std::uint64_t kUnassignedCode = 0x40000000;
constexpr std::uint64_t kBeyondAddresses = 0xfffffffffffff000;
constexpr std::uint64_t kUnknownVendorCall = 0xc600003e;
constexpr std::uint64_t kUnknownCall = 0xc3007777;
constexpr std::uint64_t kHostCallVersion = 0xc6001000;
constexpr std::uint64_t kFfaVersion = 0x84000063;
constexpr std::uint64_t kPsciCpuOn = 0xc4000003;
constexpr std::uint64_t kFaultStatus = 0x3f;

alignas(kPageSize) std::byte own_page[kPageSize];

std::uint64_t OwnPage() { return reinterpret_cast<std::uintptr_t>(own_page); }

void PrintTrap(const Trap& trap) {
  switch (trap.exception_class()) {
    case 0x00:
      return Print("undef");
    case 0x21:
      Print("instruction abort ");
      return PrintHex(trap.esr & kFaultStatus);
    case 0x25:
      Print("data abort ");
      return PrintHex(trap.esr & kFaultStatus);
    default:
      Print("exception class ");
      return PrintHex(trap.exception_class());
  }
}

void StartLine(std::string_view name) {
  Print("probe ");
  Print(name);
  Print(": ");
}

void ProbeCall(std::string_view name, Conduit conduit, const SmcccArguments& in) {
  SmcccResults out{};
  ExpectTrap();
  conduit(&in, &out);
  const Trap trap = TakeTrap();
  StartLine(name);
  if (trap.taken) {
    PrintTrap(trap);
  } else {
    PrintNumber(out.status());
  }
  Print("\n");
}

void ProbeRegister(const RegisterProbe& probe) {
  ExpectTrap();
  const std::uint64_t value = probe.read();
  const Trap trap = TakeTrap();
  StartLine(probe.name);
  if (trap.taken) {
    PrintTrap(trap);
  } else {
    PrintHex(value);
  }
  Print("\n");
}

void ProbeLoad(std::string_view name, std::uint64_t address) {
  ExpectTrap();
  const std::uint32_t value = *reinterpret_cast<volatile std::uint32_t*>(address);
  const Trap trap = TakeTrap();
  StartLine(name);
  if (trap.taken) {
    PrintTrap(trap);
  } else {
    PrintHex(value);
  }
  Print("\n");
}

void ProbeFetch(std::string_view name, std::uint64_t address) {
  ExpectTrap();
  reinterpret_cast<void (*)()>(address)();
  const Trap trap = TakeTrap();
  StartLine(name);
  PrintTrap(trap);
  Print("\n");
}

void ProbeConduits() {
  ProbeCall("smc.version", CallBySmc, {.function = RAVELIN_SMCCC_VERSION, .values = {}});
  ProbeCall("smc.unknown", CallBySmc, {.function = kUnknownCall, .values = {}});
  ProbeCall("smc.immediate", CallBySmc1, {.function = RAVELIN_SMCCC_VERSION, .values = {}});
  ProbeCall("smc.ffa", CallBySmc, {.function = kFfaVersion, .values = {0x10000}});
  ProbeCall("hvc.version", CallByHvc, {.function = RAVELIN_SMCCC_VERSION, .values = {}});
  ProbeCall("hvc.unknown", CallByHvc, {.function = kUnknownCall, .values = {}});
  ProbeCall("hvc.unknown_vendor", CallByHvc, {.function = kUnknownVendorCall, .values = {}});
  ProbeCall("hvc.host_call", CallByHvc, {.function = kHostCallVersion, .values = {}});
  ProbeCall("hvc.immediate", CallByHvc1, {.function = RAVELIN_SMCCC_VERSION, .values = {}});
  ProbeCall("psci.version", CallByHvc, {.function = RAVELIN_PSCI_VERSION, .values = {}});
  ProbeCall("psci.cpu_on_self", CallByHvc, {.function = kPsciCpuOn, .values = {0, OwnPage(), 0}});
  ProbeCall("psci.cpu_on_other", CallByHvc, {.function = kPsciCpuOn, .values = {7, OwnPage(), 0}});
}

void ProbeShare() {
  const auto share = [](std::string_view name, std::uint64_t x1, std::uint64_t x2 = 0) {
    ProbeCall(name, CallByHvc, {.function = RAVELIN_GUEST_MEM_SHARE, .values = {x1, x2}});
  };
  const auto unshare = [](std::string_view name, std::uint64_t x1) {
    ProbeCall(name, CallByHvc, {.function = RAVELIN_GUEST_MEM_UNSHARE, .values = {x1}});
  };
  own_page[0] = std::byte{1};  // the page exists
  unshare("unshare.not_shared", OwnPage());
  share("share.unaligned", OwnPage() + 8);
  share("share.reserved", OwnPage(), 1);
  share("share.device", kUartPage);
  share("share.unassigned", kUnassignedCode);
  share("share.beyond", kBeyondAddresses);
  share("share.own", OwnPage());
  share("share.twice", OwnPage());
  unshare("unshare.unaligned", OwnPage() + 8);
  unshare("unshare.own", OwnPage());
  unshare("unshare.twice", OwnPage());
}

void ProbeGuard() {
  const auto guard = [](std::string_view name, std::uint64_t x1) {
    ProbeCall(name, CallByHvc, {.function = RAVELIN_GUEST_MMIO_GUARD_MAP, .values = {x1}});
  };
  guard("guard.own_memory", OwnPage());
  guard("guard.unaligned", kUnassignedDevice + 8);
  guard("guard.beyond", kBeyondAddresses);
  ProbeLoad("load.unguarded", kUnassignedDevice);
  guard("guard.device", kUnassignedDevice);
  ProbeLoad("load.guarded", kUnassignedDevice);
  ProbeCall("unguard.device", CallByHvc,
            {.function = RAVELIN_GUEST_MMIO_GUARD_UNMAP, .values = {kUnassignedDevice}});
  ProbeLoad("load.unguarded_again", kUnassignedDevice);
}

void Run() {
  StartConsole();
  Print(IsProtected() ? "probe_guest: running in a protected VM\n"
                      : "probe_guest: running in a normal VM\n");
  ProbeConduits();
  ProbeShare();
  ProbeGuard();
  ProbeLoad("load.unassigned_memory", kUnassignedCode);
  ProbeFetch("fetch.unassigned", kUnassignedCode);
  for (const RegisterProbe& probe : std::span{register_probes, register_probes_end}) {
    ProbeRegister(probe);
  }
  Print("probe_guest: done\n");
  Finish(0);
}

}  // namespace
}  // namespace ravelin::guest

extern "C" void GuestMain(std::uint64_t /*memory_bytes*/) { ravelin::guest::Run(); }
