// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// One virtual machine. The object lives in pages that the host has donated; the VM table owns it.
// Life cycle: kCreated (vCPUs and measured pages are added) -> kRunning -> kDying (no vCPU runs,
// pages are reclaimed) -> freed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "hyp/arch/world.h"
#include "hyp/base/locked.h"
#include "hyp/base/types.h"
#include "hyp/vm/interrupts.h"
#include "hyp/vm/vcpu.h"
#include "stage2/format/geometry.h"
#include "stage2/ownership/vm_memory.h"

namespace ravelin {

enum class VmKind : std::uint8_t { kNormal, kProtected };
enum class VmPhase : std::uint8_t { kCreated, kRunning, kDying };

// What the VM's lock protects.
struct VmState {
  VmState(Vmid vmid, Pa root, stage2::Geometry geometry, stage2::MetadataList metadata)
      : memory(vmid, root, geometry, metadata) {}

  VmPhase phase = VmPhase::kCreated;
  std::uint32_t running = 0;  // vCPUs on a CPU
  std::array<Vcpu*, kMaxVcpus> vcpus{};
  stage2::VmMemory memory;
};

using VmLock = Locked<VmState, Rank::kVm>;

class Vm {
 public:
  struct Plan {
    VmHandle handle;
    VmKind kind = VmKind::kNormal;
    Vmid vmid;
    Pa root;
    stage2::Geometry geometry;
    stage2::MetadataList metadata;
    std::uint64_t created_at = 0;  // counter value: the virtual counter starts with 0
  };

  explicit Vm(const Plan& plan)
      : handle_(plan.handle),
        kind_(plan.kind),
        vmid_(plan.vmid),
        root_(plan.root),
        geometry_(plan.geometry),
        counter_offset_(plan.created_at),
        state_(plan.vmid, plan.root, plan.geometry, plan.metadata) {}
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  [[nodiscard]] VmHandle handle() const { return handle_; }
  [[nodiscard]] VmKind kind() const { return kind_; }
  [[nodiscard]] Vmid vmid() const { return vmid_; }
  [[nodiscard]] bool is_protected() const { return kind_ == VmKind::kProtected; }
  [[nodiscard]] const stage2::Geometry& geometry() const { return geometry_; }
  [[nodiscard]] VmLock& state() { return state_; }
  [[nodiscard]] GicLock& gic() { return gic_; }
  // Changes only before the launch, under the lock of `state`.
  [[nodiscard]] gic::Layout& gic_layout() { return gic_layout_; }
  [[nodiscard]] bool has_gic() const { return gic_layout_.intids != 0; }
  [[nodiscard]] std::uint64_t counter_offset() const { return counter_offset_; }

  static constexpr std::uint32_t AffinityOf(std::uint32_t vcpu) {
    return (vcpu & 0xf) | (vcpu >> 4) << 8;
  }
  // The reverse; nothing: no vCPU can have this affinity.
  static constexpr std::optional<std::uint32_t> VcpuWithAffinity(std::uint64_t affinity) {
    const std::uint64_t index = (affinity & 0xf) | (affinity >> 8) << 4;
    if ((affinity & 0xf0) != 0 || index >= kMaxVcpus) {
      return std::nullopt;
    }
    return static_cast<std::uint32_t>(ClampIndex(index, kMaxVcpus));
  }

  // MPIDR_EL1 of a vCPU: affinity level 0 has at most 16 values (GICv3 SGIs), level 1 the rest.
  [[nodiscard]] arch::GuestRegime RegimeOf(VcpuIndex index) const {
    return {.root = root_,
            .vmid = vmid_,
            .geometry = geometry_,
            .vmpidr = Bit(31) | AffinityOf(index.raw()),
            .counter_offset = counter_offset_};
  }

 private:
  VmHandle handle_;
  VmKind kind_;
  Vmid vmid_;
  Pa root_;
  stage2::Geometry geometry_;
  std::uint64_t counter_offset_;
  gic::Layout gic_layout_;
  VmLock state_;
  GicLock gic_;
};

}  // namespace ravelin
