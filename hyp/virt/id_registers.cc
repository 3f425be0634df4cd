// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/virt/id_registers.h"

#include <algorithm>
#include <array>

#include "hyp/arch/id_registers.h"
#include "hyp/base/bits.h"
#include "hyp/vm/vm.h"

namespace ravelin::virt {
namespace {

// One 4-bit field that a guest may see, up to `most`.
struct AllowedField {
  arch::IdRegister source;
  unsigned low;
  std::uint64_t most;
};

using enum arch::IdRegister;

constexpr auto kAllowed = std::to_array<AllowedField>({
    {kPfr0, 0, 1},    // EL0: AArch64 only
    {kPfr0, 4, 1},    // EL1: AArch64 only
    {kPfr0, 16, 1},   // FP, half precision (0xf, none, is handled below)
    {kPfr0, 20, 1},   // AdvSIMD
    {kPfr0, 48, 1},   // DIT
    {kPfr0, 56, 1},   // CSV2, without SCXTNUM
    {kPfr0, 60, 1},   // CSV3
    {kPfr1, 0, 1},    // BTI
    {kPfr1, 4, 1},    // SSBS as a PSTATE bit, without MRS and MSR
    {kIsar0, 4, 2},   // AES
    {kIsar0, 8, 1},   // SHA1
    {kIsar0, 12, 2},  // SHA2
    {kIsar0, 16, 1},  // CRC32
    {kIsar0, 20, 2},  // atomics
    {kIsar0, 28, 1},  // RDM
    {kIsar0, 32, 1},  // SHA3
    {kIsar0, 36, 1},  // SM3
    {kIsar0, 40, 1},  // SM4
    {kIsar0, 44, 1},  // dot product
    {kIsar0, 48, 1},  // FHM
    {kIsar0, 52, 2},  // flag manipulation
    {kIsar0, 56, 2},  // TLB range and outer shareable maintenance
    {kIsar0, 60, 1},  // RNDR
    {kIsar1, 0, 2},   // DC CVAP, CVADP
    {kIsar1, 12, 1},  // JSCVT
    {kIsar1, 16, 1},  // FCMA
    {kIsar1, 20, 2},  // LRCPC
    {kIsar1, 32, 1},  // FRINTTS
    {kIsar1, 36, 1},  // SB
    {kIsar1, 40, 1},  // SPECRES
    {kIsar1, 44, 1},  // BF16
    {kIsar1, 48, 1},  // DGH
    {kIsar1, 52, 1},  // I8MM
    {kMmfr0, 0, 5},   // physical address range, 48 bits at most
    {kMmfr0, 4, 2},   // ASID bits
    {kMmfr0, 8, 1},   // mixed endianness
    {kMmfr0, 12, 1},  // secure and non-secure memory
    {kMmfr0, 16, 1},  // mixed endianness at EL0
    {kMmfr0, 20, 1},  // 16 KiB granule
    {kMmfr0, 44, 1},  // ExS
    {kMmfr1, 0, 2},   // hardware update of access flag and dirty state
    {kMmfr1, 12, 2},  // HPDS
    {kMmfr1, 20, 3},  // PAN
    {kMmfr1, 28, 1},  // XNX
    {kMmfr1, 36, 1},  // ETS
    {kMmfr2, 0, 1},   // CnP
    {kMmfr2, 4, 1},   // UAO
    {kMmfr2, 32, 1},  // unaligned atomics
    {kMmfr2, 36, 1},  // IDS
    {kMmfr2, 48, 1},  // TTL
    {kMmfr2, 52, 2},  // BBM
    {kMmfr2, 60, 1},  // E0PD
});

// Fields in which 0xf says "not implemented" and less says more.
constexpr std::uint64_t kSignedPfr0 = Field<23, 16>::kMask;   // FP, AdvSIMD
constexpr std::uint64_t kSignedMmfr0 = Field<31, 24>::kMask;  // 4 and 64 KiB granules

// The allowed fields of each register as a word. Of a field that is not listed: 0.
consteval std::array<std::uint64_t, arch::kIdRegisters> MakeMost() {
  std::array<std::uint64_t, arch::kIdRegisters> most{};
  for (const AllowedField& field : kAllowed) {
    most[static_cast<std::size_t>(field.source)] |= field.most << field.low;
  }
  return most;
}
constexpr auto kMost = MakeMost();

// Of each byte, which holds a number below 16, the smaller one.
constexpr std::uint64_t MinOfBytes(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
  const std::uint64_t not_less = ((a | kOnes * 0x10) - b) >> 4 & kOnes;
  const std::uint64_t take_b = not_less * 0xf;
  return (a & ~take_b) | (b & take_b);
}

// Of each 4-bit field the smaller one.
constexpr std::uint64_t MinOfFields(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kEven = 0x0f0f'0f0f'0f0f'0f0f;
  return MinOfBytes(a & kEven, b & kEven) | MinOfBytes(a >> 4 & kEven, b >> 4 & kEven) << 4;
}

consteval bool MinimumIsRight() {
  for (std::uint64_t a = 0; a < 16; ++a) {
    for (std::uint64_t b = 0; b < 16; ++b) {
      // Beside fields that would show a carry.
      const std::uint64_t left = a << 60 | a << 20 | 0xf << 24 | a;
      const std::uint64_t right = b << 60 | b << 20 | std::uint64_t{0xf} << 16 | b;
      const std::uint64_t least = std::min(a, b);
      if (MinOfFields(left, right) != (least << 60 | least << 20 | least)) {
        return false;
      }
    }
  }
  return true;
}
static_assert(MinimumIsRight());

std::uint64_t View(arch::IdRegister source) {
  const std::uint64_t host = arch::ReadIdRegister(source);
  std::uint64_t view = MinOfFields(host, kMost[static_cast<std::size_t>(source)]);
  if (source == kPfr0 && (host & kSignedPfr0) == kSignedPfr0) {
    view |= kSignedPfr0;
  }
  if (source == kMmfr0) {
    view = (view & ~kSignedMmfr0) | (host & Field<27, 24>::kMask) |
           ((host & Field<31, 28>::kMask) == Field<31, 28>::kMask ? Field<31, 28>::kMask : 0);
  }
  return view;
}

// ID_AA64DFR0_EL1.DebugVer: the least that Armv8 has. Nothing of it works for a guest.
constexpr std::uint64_t kDebugArchitecture = 6;

// Encodings as in the ISS of a trapped access: Op0 21:20, Op2 19:17, Op1 16:14, CRn 13:10, CRm 4:1.
constexpr std::uint64_t Encoding(unsigned crm, unsigned op2) {
  return Field<21, 20>::Make(3) | Field<19, 17>::Make(op2) | Field<4, 1>::Make(crm);
}

}  // namespace

std::optional<std::uint64_t> ReadIdRegister(std::uint64_t system_register) {
  constexpr std::uint64_t kGroup = ~(Field<19, 17>::kMask | Field<4, 1>::kMask);
  const std::uint64_t crm = Field<4, 1>::Get(system_register);
  if ((system_register & kGroup) != Field<21, 20>::Make(3) || crm < 1 || crm > 7) {
    return std::nullopt;
  }
  switch (system_register) {
    case Encoding(4, 0):
      return View(kPfr0);
    case Encoding(4, 1):
      return View(kPfr1);
    case Encoding(5, 0):
      return kDebugArchitecture;
    case Encoding(6, 0):
      return View(kIsar0);
    case Encoding(6, 1):
      return View(kIsar1);
    case Encoding(7, 0):
      return View(kMmfr0);
    case Encoding(7, 1):
      return View(kMmfr1);
    case Encoding(7, 2):
      return View(kMmfr2);
    default:
      return 0;  // AArch32 registers, debug, PMU, SVE, SME and what is not defined yet
  }
}

bool ServeIdRegister(Vcpu& vcpu, Esr esr) {
  const auto value = ReadIdRegister(esr.system_register());
  if (!value || !esr.is_read()) {
    return false;
  }
  constexpr std::uint64_t kGicInterface = Field<27, 24>::Make(1);
  const bool shows_gic = esr.system_register() == Encoding(4, 0) && vcpu.vm().has_gic();
  vcpu.SetX(esr.transfer_register(), *value | (shows_gic ? kGicInterface : 0));
  vcpu.SkipInstruction();
  return true;
}

}  // namespace ravelin::virt
