# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Decisions that tests on the build machine defend (mutant.py: how)."""

from mutant import InTests, Mutant

_TABLE = InTests(("//stage2:page_table_test",))
_RAM = InTests(("//stage2:ram_map_test",))
_CALLS = InTests(
    ("//hyp/call:life_cycle_test", "//hyp/call:refusal_test", "//hyp/vm:vcpu_test")
)

_PAGE_TABLE = "stage2/table/page_table.cc"
_LIVE_ENTRY = "stage2/table/live_entry.h"
_RAM_MAP = "stage2/ownership/ram_map.cc"
_VM_TABLE = "hyp/vm/vm_table.cc"
_VM_CALLS = "hyp/call/vm_calls.cc"

MUTANTS = (
    Mutant(
        name="break_leaf_without_break",
        file=_LIVE_ENTRY,
        old="""\
  Broken BreakLeaf(Gfn gfn) const {
    machine::StoreEntry(slot_.entry, 0);
""",
        new="  Broken BreakLeaf(Gfn gfn) const {\n",
        killer=_TABLE,
    ),
    Mutant(
        name="break_leaf_without_invalidation",
        file=_LIVE_ENTRY,
        old="    machine::InvalidatePages(vmid_, ToIpa(gfn), PageCount{1});\n    return",
        new="    static_cast<void>(gfn);\n    return",
        killer=_TABLE,
    ),
    Mutant(
        name="break_table_without_break",
        file=_LIVE_ENTRY,
        old="    machine::StoreEntry(slot_.entry, 0);\n    machine::InvalidateVm(vmid_);",
        new="    machine::InvalidateVm(vmid_);",
        killer=_TABLE,
    ),
    Mutant(
        name="break_table_invalidates_a_page",
        file=_LIVE_ENTRY,
        old="    machine::InvalidateVm(vmid_);\n    return Broken{slot_};",
        new="    machine::InvalidatePages(vmid_, Ipa{0}, PageCount{1});\n    return Broken{slot_};",
        killer=_TABLE,
    ),
    Mutant(
        name="batch_without_invalidation",
        file=_LIVE_ENTRY,
        old="    machine::InvalidatePages(vmid_, ToIpa(first_), PageCount{pages_});\n",
        new="",
        killer=_TABLE,
    ),
    Mutant(
        name="batch_of_another_vm",
        file=_LIVE_ENTRY,
        old="    machine::InvalidatePages(vmid_, ToIpa(first_), PageCount{pages_});",
        new="    machine::InvalidatePages(Vmid{0x7f}, ToIpa(first_), PageCount{pages_});",
        killer=_TABLE,
    ),
    Mutant(
        name="batch_short_by_one",
        file=_LIVE_ENTRY,
        old="ToIpa(first_), PageCount{pages_});",
        new="ToIpa(first_), PageCount{pages_ - 1});",
        killer=_TABLE,
    ),
    Mutant(
        name="table_in_pool_before_invalidation",
        file=_PAGE_TABLE,
        old="""\
    LiveEntry(vmid_, slot).BreakTable().Leave();
    pool_->Give(table.output());
""",
        new="""\
    pool_->Give(table.output());
    LiveEntry(vmid_, slot).BreakTable().Leave();
""",
        killer=_TABLE,
    ),
    Mutant(
        name="range_check_of_the_table",
        file=_PAGE_TABLE,
        old="  return count.raw() != 0 && geometry_.Contains(first, count);",
        new="  return count.raw() != 0 && geometry_.Contains(first, PageCount{1});",
        killer=_TABLE,
    ),
    Mutant(
        name="map_over_a_mapping",
        file=_PAGE_TABLE,
        old="""\
    if (!AllEmpty(slot, slot.level == kPageLevel ? pages : 1)) {
      return Failure{Error::kExists};
    }
""",
        new="",
        killer=_TABLE,
    ),
    Mutant(
        name="block_with_unaligned_target",
        file=_PAGE_TABLE,
        old="    const std::uint64_t frames = gfn.raw() | (mapping.target.raw() + done);",
        new="    const std::uint64_t frames = gfn.raw();",
        killer=_TABLE,
    ),
    Mutant(
        name="block_beyond_the_range",
        file=_PAGE_TABLE,
        old="(!IsAligned(frames, LevelPages(level)) || pages < LevelPages(level))",
        new="(!IsAligned(frames, LevelPages(level)) || pages == 0)",
        killer=_TABLE,
    ),
    Mutant(
        name="split_loses_permissions",
        file=_PAGE_TABLE,
        old="Descriptor::Leaf(level, block.output(), block.attributes())",
        new="Descriptor::Leaf(level, block.output(), {Permissions::kAll, block.memory()})",
        killer=_TABLE,
    ),
    Mutant(
        name="merge_of_strangers",
        file=_PAGE_TABLE,
        old="  if (!IsUniform(slot, table, next % kEntriesPerTable)) {\n    return false;\n  }\n",
        new="""\
  static_cast<void>(next);
  const Slot first{table.output(), slot.level + 1};
  if (!IsUniform(slot, table, 1) && !Read(first).IsLeaf(first.level)) {
    return false;
  }
""",
        killer=_TABLE,
    ),
    Mutant(
        name="zeros_of_a_table_unpublished",
        file=_PAGE_TABLE,
        old="      machine::PublishEntries();  // its zeros, before a walk can reach it\n",
        new="",
        killer=_TABLE,
    ),
    Mutant(
        name="disconnect_without_invalidation",
        file=_PAGE_TABLE,
        old="""\
    machine::ZeroTablePage(root_ + page * kPageSize);
  }
  machine::InvalidateVm(vmid_);
""",
        new="    machine::ZeroTablePage(root_ + page * kPageSize);\n  }\n",
        killer=_TABLE,
    ),
    Mutant(
        name="reserve_for_anybody",
        file="stage2/pool/page_pool.h",
        old="return PageCount{pages_ - reserved_};",
        new="return PageCount{pages_};",
        killer=_TABLE,
    ),
    Mutant(
        name="block_without_reserve",
        file=_COMMITS,
        old="    pool_->GiveReserved(table.output());",
        new="    pool_->Give(table.output());",
        killer=_TABLE,
    ),
    Mutant(
        name="age_without_invalidation",
        file=_COMMITS,
        old="  batch.Invalidate();\n  return young;",
        new="  return young;",
        killer=_TABLE,
    ),
    Mutant(
        name="poison_leaves_nothing",
        file=_COMMITS,
        old="kPageLevel, Descriptor::Annotated(Annotation::kPoison)",
        new="kPageLevel, Descriptor{}",
        killer=_TABLE,
    ),
    Mutant(
        name="loan_counter_wraps",
        file="stage2/ownership/transition.h",
        old="  if (Counter::Get(record.word()) == Counter::kMax) {",
        new="  if (Counter::Get(record.word()) > Counter::kMax) {",
        killer=InTests(("//stage2:transition_test",)),
    ),
    Mutant(
        name="table_page_not_zeroed",
        file="stage2/pool/page_pool.cc",
        old="  machine::ZeroTablePage(page);\n",
        new="",
        killer=InTests(("//stage2:page_pool_test",)),
    ),
    Mutant(
        name="range_leaves_ram",
        file=_RAM_MAP,
        old="    if (range.count.raw() > region.count.raw() - offset) {",
        new="    if (range.count.raw() > region.count.raw() - offset + 1) {",
        killer=_RAM,
    ),
    Mutant(
        name="regions_overlap",
        file=_RAM_MAP,
        old="""\
    if (!Disjoint(regions_[i], range)) {
      return Failure{Error::kInvalidArgument};
    }
""",
        new="",
        killer=_RAM,
    ),
    Mutant(
        name="free_of_a_living_vm",
        file=_VM_TABLE,
        old="""\
  if (state->phase != VmPhase::kDying) {
    return Failure{Error::kWrongPhase};
  }
  const bool busy""",
        new="  const bool busy",
        killer=_CALLS,
    ),
    Mutant(
        name="free_with_pages_left",
        file=_VM_TABLE,
        old="state->memory.guest_pages().raw() != 0 ||\n                    slot",
        new="slot",
        killer=_CALLS,
    ),
    Mutant(
        name="free_ignores_references",
        file=_VM_TABLE,
        old=" ||\n                    slot.references.load(std::memory_order_acquire) != 0;",
        new=";",
        killer=_CALLS,
    ),
    Mutant(
        name="destroy_of_a_running_vm",
        file=_VM_CALLS,
        old="  if (state->running != 0) {\n    return Failure{Error::kBusy};\n  }\n",
        new="",
        killer=_CALLS,
    ),
    Mutant(
        name="launch_twice",
        file=_VM_CALLS,
        old="""\
  if (state->phase != VmPhase::kCreated) {
    return Failure{Error::kWrongPhase};
  }
  RAVELIN_TRY_ASSIGN(boot""",
        new="  RAVELIN_TRY_ASSIGN(boot",
        killer=_CALLS,
    ),
    Mutant(
        name="vcpu_after_launch",
        file=_VM_CALLS,
        old="""\
  if (state->phase != VmPhase::kCreated) {
    return Failure{Error::kWrongPhase};
  }
  Vcpu*& slot""",
        new="  Vcpu*& slot",
        killer=_CALLS,
    ),
    Mutant(
        name="registers_of_a_protected_vm_after_launch",
        file=_VM_CALLS,
        old="  if (vm.is_protected() && state.phase != VmPhase::kCreated) {",
        new="  if (false && state.phase != VmPhase::kCreated) {",
        killer=_CALLS,
    ),
    Mutant(
        name="pstate_of_el2",
        file=_VM_CALLS,
        old="  if (reg == RAVELIN_REG_PSTATE && !IsLegalPstate(value)) {",
        new="  if (reg == RAVELIN_REG_PSTATE && !IsLegalPstate(value & 0xf)) {",
        killer=_CALLS,
    ),
    Mutant(
        name="register_of_a_running_vcpu",
        file=_VM_CALLS,
        old="""\
  if (vcpu->status() == VcpuStatus::kRunning) {
    return Failure{Error::kBusy};
  }
  *target = value;""",
        new="  *target = value;",
        killer=_CALLS,
    ),
    Mutant(
        name="root_unaligned",
        file=_VM_CALLS,
        old="""\
  if (!IsAligned(root_pfn.raw(), geometry.root_pages().raw())) {
    return Failure{Error::kInvalidArgument};
  }
""",
        new="",
        killer=_CALLS,
    ),
)
