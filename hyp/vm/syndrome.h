// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// ESR_EL2, field by field (Arm ARM D23.2.42).
#pragma once

#include <cstdint>

#include "hyp/base/bits.h"

namespace ravelin {

// Exception classes that a handler table names; the rest go to its default entry.
enum class ExceptionClass : std::uint8_t {
  kUnknown = 0x00,
  kWfx = 0x01,
  kFpSimd = 0x07,
  kIllegalState = 0x0e,
  kHvc = 0x16,
  kSmc = 0x17,
  kSystemRegister = 0x18,
  kSve = 0x19,
  kInstructionAbort = 0x20,
  kInstructionAbortSame = 0x21,
  kDataAbort = 0x24,
  kDataAbortSame = 0x25,
};
inline constexpr unsigned kExceptionClasses = 64;

class Esr {
 public:
  constexpr explicit Esr(std::uint64_t raw) : raw_(raw) {}

  [[nodiscard]] constexpr std::uint64_t raw() const { return raw_; }
  [[nodiscard]] constexpr unsigned ec() const {
    return static_cast<unsigned>(Field<31, 26>::Get(raw_));
  }
  [[nodiscard]] constexpr bool long_instruction() const { return Field<25, 25>::Get(raw_) != 0; }

  // HVC and SMC
  [[nodiscard]] constexpr std::uint64_t immediate() const { return Field<15, 0>::Get(raw_); }
  // WFx
  [[nodiscard]] constexpr bool is_wfe() const { return Field<0, 0>::Get(raw_) != 0; }

  // Aborts
  [[nodiscard]] constexpr bool has_decoded_access() const { return Field<24, 24>::Get(raw_) != 0; }
  [[nodiscard]] constexpr unsigned access_size() const {  // bytes
    return 1U << Field<23, 22>::Get(raw_);
  }
  [[nodiscard]] constexpr bool sign_extends() const { return Field<21, 21>::Get(raw_) != 0; }
  [[nodiscard]] constexpr unsigned register_index() const {
    return static_cast<unsigned>(Field<20, 16>::Get(raw_));
  }
  [[nodiscard]] constexpr bool register_is_64bit() const { return Field<15, 15>::Get(raw_) != 0; }
  [[nodiscard]] constexpr bool far_is_invalid() const { return Field<10, 10>::Get(raw_) != 0; }
  [[nodiscard]] constexpr bool is_cache_maintenance() const { return Field<8, 8>::Get(raw_) != 0; }
  [[nodiscard]] constexpr bool on_stage1_walk() const { return Field<7, 7>::Get(raw_) != 0; }
  [[nodiscard]] constexpr bool is_write() const { return Field<6, 6>::Get(raw_) != 0; }
  // The fault status without its level.
  [[nodiscard]] constexpr unsigned fault_type() const {
    return static_cast<unsigned>(Field<5, 2>::Get(raw_));
  }

  // System register accesses: Op0, Op1, CRn, CRm, Op2 at their places, without Rt and direction.
  [[nodiscard]] constexpr std::uint64_t system_register() const {
    return raw_ & (Field<21, 10>::kMask | Field<4, 1>::kMask);
  }
  [[nodiscard]] constexpr bool is_read() const { return Field<0, 0>::Get(raw_) != 0; }
  [[nodiscard]] constexpr unsigned transfer_register() const {
    return static_cast<unsigned>(Field<9, 5>::Get(raw_));
  }

 private:
  std::uint64_t raw_;
};

// DFSC and IFSC without level.
inline constexpr unsigned kFaultAddressSize = 0;
inline constexpr unsigned kFaultTranslation = 1;
inline constexpr unsigned kFaultAccessFlag = 2;
inline constexpr unsigned kFaultPermission = 3;

// Syndromes that the monitor injects.
constexpr std::uint64_t MakeEsr(ExceptionClass ec, std::uint64_t iss) {
  return Field<31, 26>::Make(static_cast<std::uint64_t>(ec)) | Bit(25) | iss;
}
inline constexpr std::uint64_t kStatusExternal = 0x10;
inline constexpr std::uint64_t kStatusAlignment = 0x21;
inline constexpr std::uint64_t kIssWrite = Bit(6);
inline constexpr std::uint64_t kIssCacheMaintenance = Bit(8);
inline constexpr std::uint64_t kIssFarInvalid = Bit(10);

}  // namespace ravelin
