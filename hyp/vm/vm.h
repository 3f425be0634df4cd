// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// One virtual machine. The object lives in pages that the host has donated; the VM table owns it.
// Life cycle: kCreated (vCPUs and measured pages are added) -> kRunning -> kDying (no vCPU runs,
// pages are reclaimed) -> freed.
#pragma once

#include <array>
#include <cstdint>

#include "hyp/arch/world.h"
#include "hyp/base/locked.h"
#include "hyp/base/types.h"
#include "hyp/vm/vcpu.h"
#include "stage2/format/geometry.h"
#include "stage2/ownership/vm_memory.h"

namespace ravelin {

inline constexpr std::uint32_t kMaxVcpus = 64;

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
  };

  explicit Vm(const Plan& plan)
      : handle_(plan.handle),
        kind_(plan.kind),
        vmid_(plan.vmid),
        root_(plan.root),
        geometry_(plan.geometry),
        state_(plan.vmid, plan.root, plan.geometry, plan.metadata) {}
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  [[nodiscard]] VmHandle handle() const { return handle_; }
  [[nodiscard]] VmKind kind() const { return kind_; }
  [[nodiscard]] Vmid vmid() const { return vmid_; }
  [[nodiscard]] bool is_protected() const { return kind_ == VmKind::kProtected; }
  [[nodiscard]] const stage2::Geometry& geometry() const { return geometry_; }
  [[nodiscard]] VmLock& state() { return state_; }

  // MPIDR_EL1 of a vCPU: affinity level 0 has at most 16 values (GICv3 SGIs), level 1 the rest.
  [[nodiscard]] arch::GuestRegime RegimeOf(VcpuIndex index) const {
    const std::uint64_t affinity = (index.raw() & 0xf) | (std::uint64_t{index.raw()} >> 4) << 8;
    return {.root = root_, .vmid = vmid_, .geometry = geometry_, .vmpidr = Bit(31) | affinity};
  }

 private:
  VmHandle handle_;
  VmKind kind_;
  Vmid vmid_;
  Pa root_;
  stage2::Geometry geometry_;
  VmLock state_;
};

}  // namespace ravelin
