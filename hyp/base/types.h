// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Strong integers for everything that is an address, a frame number or an index. No two of them
// convert into each other implicitly, so that an IPA can never be used where a PA is meant. The
// granule of all translation tables is 4 KiB (Arm ARM D8.2).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace ravelin {

inline constexpr unsigned kPageShift = 12;
inline constexpr std::uint64_t kPageSize = std::uint64_t{1} << kPageShift;
// Physical and intermediate physical addresses have at most 48 bits (FEAT_LPA2 is not used).
inline constexpr unsigned kMaxAddressBits = 48;

// An unsigned integer with a meaning. `Tag` makes the type distinct; `raw()` is the only way out.
template <typename Tag, typename Rep = std::uint64_t>
class StrongInt {
 public:
  using Raw = Rep;

  constexpr StrongInt() = default;
  constexpr explicit StrongInt(Rep raw) : raw_(raw) {}

  [[nodiscard]] constexpr Rep raw() const { return raw_; }

  friend constexpr auto operator<=>(StrongInt, StrongInt) = default;

 private:
  Rep raw_ = 0;
};

using Pa = StrongInt<struct PaTag>;                             // physical address
using Ipa = StrongInt<struct IpaTag>;                           // intermediate physical address
using Va = StrongInt<struct VaTag>;                             // virtual address of the monitor
using Pfn = StrongInt<struct PfnTag>;                           // physical frame: PA / 4 KiB
using Gfn = StrongInt<struct GfnTag>;                           // guest frame: IPA / 4 KiB
using PageCount = StrongInt<struct PageCountTag>;               // a number of 4 KiB pages
using VmHandle = StrongInt<struct VmHandleTag, std::uint32_t>;  // names a VM; 0 names none
using VcpuIndex = StrongInt<struct VcpuIndexTag, std::uint32_t>;
using CpuIndex = StrongInt<struct CpuIndexTag, std::uint32_t>;  // a physical CPU, 0 is the boot CPU
// Who uses a stage-2 translation: the host, a VM (its slot + 1), or a device domain.
using Vmid = StrongInt<struct VmidTag, std::uint16_t>;

inline constexpr VmHandle kNoVm{0};
inline constexpr Vmid kHostVmid{0};

constexpr Pfn ToPfn(Pa pa) { return Pfn{pa.raw() >> kPageShift}; }
constexpr Gfn ToGfn(Ipa ipa) { return Gfn{ipa.raw() >> kPageShift}; }
constexpr Pa ToPa(Pfn pfn) { return Pa{pfn.raw() << kPageShift}; }
constexpr Ipa ToIpa(Gfn gfn) { return Ipa{gfn.raw() << kPageShift}; }

constexpr Pfn operator+(Pfn base, PageCount count) { return Pfn{base.raw() + count.raw()}; }
constexpr Gfn operator+(Gfn base, PageCount count) { return Gfn{base.raw() + count.raw()}; }

constexpr Pa operator+(Pa base, std::uint64_t bytes) { return Pa{base.raw() + bytes}; }
constexpr Ipa operator+(Ipa base, std::uint64_t bytes) { return Ipa{base.raw() + bytes}; }
constexpr Va operator+(Va base, std::uint64_t bytes) { return Va{base.raw() + bytes}; }

constexpr bool IsAligned(std::uint64_t value, std::uint64_t alignment) {
  return (value & (alignment - 1)) == 0;
}
constexpr std::uint64_t AlignDown(std::uint64_t value, std::uint64_t alignment) {
  return value & ~(alignment - 1);
}
constexpr std::uint64_t AlignUp(std::uint64_t value, std::uint64_t alignment) {
  return AlignDown(value + alignment - 1, alignment);
}

// `count` consecutive frames from `first`. Built from untrusted numbers only by MakePfnRange.
struct PfnRange {
  Pfn first;
  PageCount count;

  [[nodiscard]] constexpr Pfn end() const { return first + count; }
  [[nodiscard]] constexpr bool Contains(Pfn pfn) const { return first <= pfn && pfn < end(); }
};

}  // namespace ravelin
