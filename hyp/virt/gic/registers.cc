// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/virt/gic/registers.h"

#include "hyp/base/bits.h"
#include "hyp/virt/gic/bank.h"

namespace ravelin::gic {
namespace {

constexpr std::uint32_t kImplementer = 0x52000000;  // GICD_IIDR, GICR_IIDR: ProductID 'R'
constexpr std::uint32_t kArchitecture3 = 0x3b;      // GICD_PIDR2, GICR_PIDR2
constexpr std::uint32_t kPriorityMask = 0xf8f8f8f8;

constexpr std::uint32_t kSgis = 0x0000ffff;
constexpr std::uint32_t kTimers = 1u << 27 | 1u << 30;

// GICD_CTLR, GICD_TYPER
constexpr std::uint32_t kAffinityRouting = 1u << 4;
constexpr std::uint32_t kOneSecurityState = 1u << 6;
constexpr std::uint32_t kTenIntidBits = 9u << 19;
constexpr std::uint32_t kNo1OfN = 1u << 25;

enum Offset : unsigned {
  kControl = 0x0,
  kType = 0x4,
  kDistributorIdentity = 0x8,
  kRedistributorIdentity = 0x4,
  kRedistributorType = 0x8,
  kRedistributorAffinity = 0xc,
  kRoutes = 0x6000,
  kRoutesEnd = 0x8000,
  kArchitecture = 0xffe8,
};

// The registers of which each word is one of a bank; those below 0x400 have their offset / 0x80.
enum class BankRegister : std::uint8_t {
  kNone,
  kGroup,
  kSetEnable,
  kClearEnable,
  kSetPending,
  kClearPending,
  kSetActive,
  kClearActive,
  kPriority,
  kConfiguration,
};

struct BankWord {
  BankRegister reg = BankRegister::kNone;
  unsigned bank = 0;
  unsigned word = 0;  // of kPriority 0..7, of kConfiguration 0..1
};

constexpr BankWord Decode(unsigned offset) {
  if (offset < 0x400) {
    return {static_cast<BankRegister>(offset >> 7), (offset & 0x7f) >> 2, 0};
  }
  if (offset < 0x800) {
    return {BankRegister::kPriority, (offset - 0x400) / kBankSize, offset % kBankSize >> 2};
  }
  if (offset >= 0xc00 && offset < 0xd00) {
    return {BankRegister::kConfiguration, (offset - 0xc00) >> 3, offset >> 2 & 1};
  }
  return {};
}

std::uint32_t ReadPriorities(const Bank& bank, unsigned word) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) {
    value |= std::uint32_t{bank.priority[word * 4 + i]} << (8 * i);
  }
  return value;
}

void WritePriorities(Bank& bank, unsigned word, std::uint32_t value) {
  value &= kPriorityMask;
  for (unsigned i = 0; i < 4; ++i) {
    bank.priority[word * 4 + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

// Two bits for each interrupt, of which the upper one says "edge".
std::uint32_t ReadConfiguration(const Bank& bank, unsigned word) {
  std::uint32_t value = 0;
  ForEachBit(bank.edge >> (16 * word) & 0xffff, [&](unsigned at) { value |= 2u << (2 * at); });
  return value;
}

void WriteConfiguration(Bank& bank, unsigned word, std::uint32_t value, std::uint32_t fixed) {
  std::uint32_t edge = 0;
  for (unsigned at = 0; at < 16; ++at) {
    edge |= (value >> (2 * at + 1) & 1) << at;
  }
  const std::uint32_t changed = 0xffffu << (16 * word) & ~fixed;
  bank.edge = (bank.edge & ~changed) | (edge << (16 * word) & changed);
}

std::uint32_t ReadBank(const Bank& bank, const BankWord& at) {
  switch (at.reg) {
    case BankRegister::kGroup:
      return bank.group;
    case BankRegister::kSetEnable:
    case BankRegister::kClearEnable:
      return bank.enabled;
    case BankRegister::kSetPending:
    case BankRegister::kClearPending:
      return PendingIn(bank);
    case BankRegister::kSetActive:
    case BankRegister::kClearActive:
      // What runs elsewhere with a list register may be active.
      return bank.active | bank.listed;
    case BankRegister::kPriority:
      return ReadPriorities(bank, at.word);
    case BankRegister::kConfiguration:
      return ReadConfiguration(bank, at.word);
    case BankRegister::kNone:
      break;
  }
  return 0;
}

// The interrupts that the write concerns. `fixed`: those with a configuration, and a level, of
// their own.
std::uint32_t WriteBank(Bank& bank, const BankWord& at, std::uint32_t value, std::uint32_t fixed) {
  switch (at.reg) {
    case BankRegister::kGroup: {
      const std::uint32_t changed = bank.group ^ value;
      bank.group = value;
      return changed;
    }
    case BankRegister::kSetEnable:
      bank.enabled |= value;
      return value;
    case BankRegister::kClearEnable:
      bank.enabled &= ~value;
      return value;
    case BankRegister::kSetPending:
      bank.latched |= value & (~fixed | bank.edge);
      return value;
    case BankRegister::kClearPending:
      bank.latched &= ~value;
      return value;
    case BankRegister::kSetActive:
      bank.active |= value;
      return value;
    case BankRegister::kClearActive:
      bank.active &= ~value;
      return value;
    case BankRegister::kPriority:
      WritePriorities(bank, at.word, value);
      return 0xfu << (4 * at.word);
    case BankRegister::kConfiguration:
      WriteConfiguration(bank, at.word, value, fixed);
      return 0xffffu << (16 * at.word);
    case BankRegister::kNone:
      break;
  }
  return 0;
}

// Of the distributor's words, those of bank 0 belong to the redistributors.
SpiBank* FindSpis(const Accessor& by, unsigned bank) {
  if (bank == 0 || bank >= by.layout.intids / kBankSize) {
    return nullptr;
  }
  return &by.state.spis[ClampIndex(bank - 1, kSpiBanks)];
}

// An interrupt that becomes active without having been taken is held by whom it is routed to.
void HoldActivated(const Accessor& by, SpiBank& bank, std::uint32_t bits) {
  ForEachBit(bits, [&](unsigned at) {
    const bool nowhere = bank.target[at] == kNobody;
    bank.holder[at] = nowhere ? static_cast<std::uint8_t>(by.self.index().raw()) : bank.target[at];
  });
}

void WriteSpis(const Accessor& by, SpiBank& bank, const BankWord& at, std::uint32_t value) {
  if (at.reg == BankRegister::kSetActive) {
    HoldActivated(by, bank, value & ~(bank.active | bank.listed));
  }
  NotifySpis(by.state, bank, WriteBank(bank, at, value, 0), by.wakes);
}

struct Route {
  SpiBank* bank;
  unsigned position;
};

Route FindRoute(const Accessor& by, unsigned offset) {
  const unsigned intid = (offset - kRoutes) / 8;
  return {FindSpis(by, intid / kBankSize), intid % kBankSize};
}

// Affinity levels 0 to 2 are in the lower word; there is no level 3.
void WriteRoute(const Accessor& by, unsigned offset, std::uint32_t value) {
  constexpr std::uint32_t kLevels = 0x00ffffff;
  const Route route = FindRoute(by, offset);
  if (route.bank == nullptr || offset % 8 != 0) {
    return;
  }
  const std::uint32_t bit = 1u << route.position;
  NotifySpis(by.state, *route.bank, bit, by.wakes);
  route.bank->route[route.position] = value & kLevels;
  const auto vcpu = Vm::VcpuWithAffinity(value & kLevels);
  route.bank->target[route.position] =
      vcpu && by.state.vcpus[*vcpu] != nullptr ? static_cast<std::uint8_t>(*vcpu) : kNobody;
  NotifySpis(by.state, *route.bank, bit, by.wakes);
}

std::uint32_t ReadRoute(const Accessor& by, unsigned offset) {
  const Route route = FindRoute(by, offset);
  return route.bank == nullptr || offset % 8 != 0 ? 0 : route.bank->route[route.position];
}

void NotifyAll(const Accessor& by) {
  for (Vcpu* const vcpu : by.state.vcpus) {
    if (vcpu != nullptr) {
      Notify(*vcpu, by.wakes);
    }
  }
}

std::uint32_t RedistributorType(const Accessor& by, std::uint32_t owner) {
  constexpr std::uint32_t kLast = 1u << 4;
  return owner << 8 | (owner + 1 == by.layout.vcpus ? kLast : 0);
}

}  // namespace

std::uint32_t ReadDistributor(const Accessor& by, unsigned offset) {
  switch (offset) {
    case kControl:
      return by.state.control | kAffinityRouting | kOneSecurityState;
    case kType:
      return (by.layout.intids / kBankSize - 1) | kTenIntidBits | kNo1OfN;
    case kDistributorIdentity:
      return kImplementer;
    case kArchitecture:
      return kArchitecture3;
    default:
      break;
  }
  if (offset >= kRoutes && offset < kRoutesEnd) {
    return ReadRoute(by, offset);
  }
  const BankWord at = Decode(offset);
  SpiBank* const bank = FindSpis(by, at.bank);
  if (bank == nullptr) {
    return 0;
  }
  if (at.reg == BankRegister::kSetActive || at.reg == BankRegister::kClearActive) {
    NotifySpis(by.state, *bank, bank->listed, by.wakes);
  }
  return ReadBank(*bank, at);
}

void WriteDistributor(const Accessor& by, unsigned offset, std::uint32_t value) {
  if (offset == kControl) {
    by.state.control = value & (kEnableGroup0 | kEnableGroup1);
    NotifyAll(by);
    return;
  }
  if (offset >= kRoutes && offset < kRoutesEnd) {
    WriteRoute(by, offset, value);
    return;
  }
  const BankWord at = Decode(offset);
  if (SpiBank* const bank = FindSpis(by, at.bank)) {
    WriteSpis(by, *bank, at, value);
  }
}

std::uint32_t ReadRedistributor(const Accessor& by, std::uint32_t owner, unsigned offset) {
  switch (offset) {
    case kRedistributorIdentity:
      return kImplementer;
    case kRedistributorType:
      return RedistributorType(by, owner);
    case kRedistributorAffinity:
      return Vm::AffinityOf(owner);
    case kArchitecture:
      return kArchitecture3;
    default:
      break;
  }
  if (offset < kFrameBytes) {
    return 0;
  }
  const BankWord at = Decode(offset - static_cast<unsigned>(kFrameBytes));
  return at.bank == 0 ? ReadBank(by.state.private_banks[ClampIndex(owner, kMaxVcpus)], at) : 0;
}

void WriteRedistributor(const Accessor& by, std::uint32_t owner, unsigned offset,
                        std::uint32_t value) {
  if (offset < kFrameBytes) {
    return;
  }
  const BankWord at = Decode(offset - static_cast<unsigned>(kFrameBytes));
  Vcpu* const vcpu = by.state.vcpus[ClampIndex(owner, kMaxVcpus)];
  if (at.bank != 0 || vcpu == nullptr) {
    return;
  }
  Bank& bank = by.state.private_banks[ClampIndex(owner, kMaxVcpus)];
  if (WriteBank(bank, at, value, kSgis | kTimers) != 0) {
    Notify(*vcpu, by.wakes);
  }
}

void ResetPrivate(Bank& bank) {
  bank = {};
  bank.group = ~0u;
  bank.edge = kSgis;
}

void ResetSpis(State& state) {
  for (SpiBank& bank : state.spis) {
    bank = {};
    bank.group = ~0u;
  }
}

}  // namespace ravelin::gic
