// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/virt/gic/mmio.h"

#include "hyp/base/bits.h"
#include "hyp/virt/gic/bank.h"
#include "hyp/virt/gic/registers.h"
#include "hyp/vm/fault.h"
#include "hyp/vm/syndrome.h"
#include "hyp/vm/vm.h"

namespace ravelin::gic {
namespace {

// A byte of a frame: in the distributor, or in the frames of a vCPU's redistributor.
struct Place {
  bool distributor;
  std::uint32_t owner;
  unsigned offset;

  [[nodiscard]] bool is_wide() const {
    return distributor ? IsWideInDistributor(offset) : IsWideInRedistributor(offset);
  }
  // The registers that say what list registers know better.
  [[nodiscard]] bool concerns_lists() const {
    return (offset & 0xffff) >= 0x200 && (offset & 0xffff) < 0x400;
  }
};

Place PlaceOf(const Layout& layout, Ipa ipa) {
  const std::uint64_t in_distributor = ipa.raw() - layout.distributor.raw();
  if (in_distributor < kFrameBytes) {
    return {.distributor = true, .owner = 0, .offset = static_cast<unsigned>(in_distributor)};
  }
  const std::uint64_t in_redistributors = ipa.raw() - layout.redistributors.raw();
  return {.distributor = false,
          .owner = static_cast<std::uint32_t>(in_redistributors / kRedistributorBytes),
          .offset = static_cast<unsigned>(in_redistributors % kRedistributorBytes)};
}

std::uint32_t ReadWord(const Accessor& by, const Place& place, unsigned offset) {
  return place.distributor ? ReadDistributor(by, offset)
                           : ReadRedistributor(by, place.owner, offset);
}

void WriteWord(const Accessor& by, const Place& place, unsigned offset, std::uint32_t value) {
  if (place.distributor) {
    WriteDistributor(by, offset, value);
  } else {
    WriteRedistributor(by, place.owner, offset, value);
  }
}

bool IsAccessible(const Place& place, unsigned size) {
  if (!IsAligned(place.offset, size)) {
    return false;
  }
  return size == 4 || (size == 1 && IsByteAccessible(place.offset)) ||
         (size == 8 && place.is_wide());
}

std::uint64_t Read(const Accessor& by, const Place& place, unsigned size) {
  if (!IsAccessible(place, size)) {
    return 0;
  }
  const unsigned word = place.offset & ~3u;
  std::uint64_t value = ReadWord(by, place, word) >> (8 * (place.offset - word));
  if (size == 8) {
    value |= std::uint64_t{ReadWord(by, place, word + 4)} << 32;
  }
  return value;
}

void Write(const Accessor& by, const Place& place, unsigned size, std::uint64_t value) {
  if (!IsAccessible(place, size)) {
    return;
  }
  const unsigned word = place.offset & ~3u;
  if (size == 1) {
    const unsigned shift = 8 * (place.offset - word);
    const std::uint64_t others = ReadWord(by, place, word) & ~(std::uint64_t{0xff} << shift);
    value = others | (value & 0xff) << shift;
  }
  WriteWord(by, place, word, static_cast<std::uint32_t>(value));
  if (size == 8) {
    WriteWord(by, place, word + 4, static_cast<std::uint32_t>(value >> 32));
  }
}

}  // namespace

Disposition ResumeOrWake(Vcpu& vcpu, const WakeSet& wakes) {
  return wakes.vcpus == 0 ? Disposition::kResume
                          : vcpu.Exit({.reason = RAVELIN_EXIT_WAKE, .value = wakes.vcpus});
}

std::optional<Disposition> ServeAbort(Vcpu& vcpu, const arch::Syndrome& syndrome, Ipa ipa) {
  const Layout& layout = vcpu.vm().gic_layout();
  if (!layout.Overlaps(ipa, 1)) {
    return std::nullopt;
  }
  const Esr esr{syndrome.esr};
  if (!esr.has_decoded_access() || esr.on_stage1_walk()) {
    return InjectDataAbort(vcpu, syndrome);
  }
  const Place place = PlaceOf(layout, ipa);
  const unsigned size = esr.access_size();
  WakeSet wakes;
  std::uint64_t value = 0;
  {
    const auto state = vcpu.vm().gic().Lock();
    const Accessor by{.state = *state, .layout = layout, .self = vcpu, .wakes = wakes};
    const bool folds = esr.is_write() || place.concerns_lists();
    if (folds) {
      Fold(*state, vcpu);
    }
    if (esr.is_write()) {
      Write(by, place, size, vcpu.X(esr.register_index()));
    } else {
      value = Read(by, place, size);
    }
    if (folds) {
      Fill(*state, layout, vcpu);
    }
  }
  if (esr.is_write()) {
    vcpu.SkipInstruction();
  } else {
    vcpu.CompleteRead({.register_index = esr.register_index(),
                       .size = size,
                       .sign_extend = esr.sign_extends(),
                       .wide = esr.register_is_64bit()},
                      value);
  }
  return ResumeOrWake(vcpu, wakes);
}

Disposition SendSgi(Vcpu& vcpu, std::uint64_t value, SgiGroups groups) {
  // ICC_SGI1R_EL1 (IHI 0069, 12.2.20)
  const std::uint32_t bit = 1u << Field<27, 24>::Get(value);
  const std::uint64_t cluster = Field<23, 16>::Get(value) << 8 | Field<39, 32>::Get(value) << 16 |
                                Field<55, 48>::Get(value) << 24;
  const bool all_others = (value & Bit(40)) != 0;
  const std::uint64_t range = Field<47, 44>::Get(value);
  WakeSet wakes;
  const auto state = vcpu.vm().gic().Lock();
  const auto send = [&](std::uint32_t index) {
    Vcpu* const target = state->vcpus[index];
    Bank& bank = state->private_banks[index];
    if (target != nullptr && (groups == SgiGroups::kBoth || (bank.group & bit) == 0)) {
      bank.latched |= bit;
      Notify(*target, wakes);
    }
  };
  if (all_others) {
    for (std::uint32_t index = 0; index < vcpu.vm().gic_layout().vcpus; ++index) {
      if (index != vcpu.index().raw()) {
        send(index);
      }
    }
  } else if (range == 0) {
    ForEachBit(static_cast<std::uint32_t>(Field<15, 0>::Get(value)), [&](unsigned level0) {
      if (const auto index = Vm::VcpuWithAffinity(cluster | level0)) {
        send(*index);
      }
    });
  }
  return ResumeOrWake(vcpu, wakes);
}

}  // namespace ravelin::gic
