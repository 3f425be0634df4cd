// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/observer/decode.h"

#include <array>

namespace ravelin::observer {
namespace {

constexpr std::uint32_t Bits(std::uint32_t word, unsigned high, unsigned low) {
  return word >> low & ((std::uint32_t{2} << (high - low)) - 1);
}

// op0:op1:CRn:CRm:op2 of a system instruction or register (C5.1.1).
constexpr std::uint32_t Encoding(std::uint32_t op0, std::uint32_t op1, std::uint32_t crn,
                                 std::uint32_t crm, std::uint32_t op2) {
  return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2;
}

struct TlbiRow {
  std::uint32_t encoding;
  Tlbi tlbi;
};

using enum TlbiTarget;

// C5.5: local, inner shareable and outer shareable forms. Those that are not here invalidate less
// than a change of stage 2 needs, or another regime.
constexpr auto kTlbis = std::to_array<TlbiRow>({
    {Encoding(1, 4, 8, 4, 1), {kIpa, false, false}},       // IPAS2E1
    {Encoding(1, 4, 8, 0, 1), {kIpa, true, false}},        // IPAS2E1IS
    {Encoding(1, 4, 8, 4, 0), {kIpa, true, false}},        // IPAS2E1OS
    {Encoding(1, 4, 8, 4, 5), {kIpa, false, true}},        // IPAS2LE1
    {Encoding(1, 4, 8, 0, 5), {kIpa, true, true}},         // IPAS2LE1IS
    {Encoding(1, 4, 8, 4, 4), {kIpa, true, true}},         // IPAS2LE1OS
    {Encoding(1, 4, 8, 4, 2), {kIpaRange, false, false}},  // RIPAS2E1
    {Encoding(1, 4, 8, 0, 2), {kIpaRange, true, false}},   // RIPAS2E1IS
    {Encoding(1, 4, 8, 4, 3), {kIpaRange, true, false}},   // RIPAS2E1OS
    {Encoding(1, 4, 8, 4, 6), {kIpaRange, false, true}},   // RIPAS2LE1
    {Encoding(1, 4, 8, 0, 6), {kIpaRange, true, true}},    // RIPAS2LE1IS
    {Encoding(1, 4, 8, 4, 7), {kIpaRange, true, true}},    // RIPAS2LE1OS
    {Encoding(1, 0, 8, 7, 0), {kStage1, false, false}},    // VMALLE1
    {Encoding(1, 0, 8, 3, 0), {kStage1, true, false}},     // VMALLE1IS
    {Encoding(1, 0, 8, 1, 0), {kStage1, true, false}},     // VMALLE1OS
    {Encoding(1, 4, 8, 7, 6), {kVmid, false, false}},      // VMALLS12E1
    {Encoding(1, 4, 8, 3, 6), {kVmid, true, false}},       // VMALLS12E1IS
    {Encoding(1, 4, 8, 1, 6), {kVmid, true, false}},       // VMALLS12E1OS
    {Encoding(1, 4, 8, 7, 4), {kAll, false, false}},       // ALLE1
    {Encoding(1, 4, 8, 3, 4), {kAll, true, false}},        // ALLE1IS
    {Encoding(1, 4, 8, 1, 4), {kAll, true, false}},        // ALLE1OS
});

struct RegisterRow {
  std::uint32_t encoding;
  Operation operation;
};

constexpr auto kRegisters = std::to_array<RegisterRow>({
    {Encoding(3, 4, 2, 1, 0), Operation::kSetVttbr},
    {Encoding(3, 4, 2, 1, 2), Operation::kSetVtcr},
    {Encoding(3, 4, 1, 1, 0), Operation::kSetHcr},
    {Encoding(3, 4, 2, 0, 0), Operation::kSetTtbr0},
});

Instruction DecodeMaintenance(std::uint32_t encoding, unsigned reg) {
  if (encoding == Encoding(1, 3, 7, 4, 1)) {
    return {.operation = Operation::kZeroBlock, .reg = reg};
  }
  for (const TlbiRow& row : kTlbis) {
    if (row.encoding == encoding) {
      return {.operation = Operation::kTlbi, .reg = reg, .tlbi = row.tlbi};
    }
  }
  return {};
}

Instruction DecodeRegisterWrite(std::uint32_t encoding, unsigned reg) {
  for (const RegisterRow& row : kRegisters) {
    if (row.encoding == encoding) {
      return {.operation = row.operation, .reg = reg};
    }
  }
  return {};
}

// The domain is CRm<3:2> (0b01 is non-shareable), what is waited for CRm<1:0>.
Instruction DecodeDsb(std::uint32_t crm) {
  const std::uint32_t domain = crm >> 2;
  const std::uint32_t kind = crm & 3;
  return {.operation = Operation::kDsb,
          .dsb = {.stores = kind == 2 || kind == 3, .all = kind == 3, .shareable = domain != 1}};
}

Instruction DecodeBarrier(std::uint32_t word) {
  switch (Bits(word, 7, 5)) {
    case 4:
      return DecodeDsb(Bits(word, 11, 8));
    case 6:
      return {.operation = Operation::kIsb};
    default:
      return {};
  }
}

// LDAR (C4.1.96, "Load/store ordered").
bool IsLoadAcquire(std::uint32_t word) { return (word & 0x3fe0'8000) == 0x08c0'8000; }

// STXR and its kin, CAS, CASP, and the atomics of FEAT_LSE (C4.1.96).
bool IsConditionalStore(std::uint32_t word) {
  const bool exclusive_group = (word & 0x3f00'0000) == 0x0800'0000;
  const bool store_exclusive = Bits(word, 23, 22) == 0;
  const bool compare = Bits(word, 21, 21) == 1;
  const bool atomic = (word & 0x3b20'0c00) == 0x3820'0000;
  return atomic || (exclusive_group && (store_exclusive || compare));
}

Instruction DecodeSystem(std::uint32_t word) {
  const unsigned reg = Bits(word, 4, 0);
  const std::uint32_t encoding = Bits(word, 20, 5);
  switch (Bits(word, 20, 19)) {
    case 0:
      return Bits(word, 18, 12) == 0x33 ? DecodeBarrier(word) : Instruction{};
    case 1:
      return DecodeMaintenance(encoding, reg);
    default:
      return DecodeRegisterWrite(encoding, reg);
  }
}

}  // namespace

Instruction Decode(std::uint32_t word) {
  if (IsLoadAcquire(word)) {
    return {.operation = Operation::kLoadAcquire};
  }
  if ((word & 0xffe0'0000) == 0xd500'0000) {  // not MRS and SYSL: bit 21 is L
    return DecodeSystem(word);
  }
  if ((word & 0xffe0'001f) == 0xd400'0003) {
    return {.operation = Operation::kSmc};
  }
  if (word == 0xd69f'03e0 || word == 0xd69f'0bff || word == 0xd69f'0fff) {
    return {.operation = Operation::kEret};
  }
  return {.operation = IsConditionalStore(word) ? Operation::kConditionalStore : Operation::kOther};
}

}  // namespace ravelin::observer
