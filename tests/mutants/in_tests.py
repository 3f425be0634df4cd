# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Decisions that tests on the build machine defend (mutant.py: how)."""

from mutant import InTests, Mutant

_TABLE = InTests(("//stage2:page_table_test",))
_MAP = InTests(("//stage2:record_map_test",))
_CALLS = InTests(
    ("//hyp/call:life_cycle_test", "//hyp/call:refusal_test", "//hyp/virt:run_test")
)

_CHECKS = "stage2/table/page_table.cc"
_COMMITS = "stage2/table/page_table_commit.cc"
_LIVE_ENTRY = "stage2/table/live_entry.h"
_RECORDS = "stage2/ownership/record_map.cc"
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
        old="    walker_.ForgetPages(ToIpa(gfn), PageCount{1});\n    return",
        new="    static_cast<void>(gfn);\n    return",
        killer=_TABLE,
    ),
    Mutant(
        name="break_table_without_break",
        file=_LIVE_ENTRY,
        old="    machine::StoreEntry(slot_.entry, 0);\n    walker_.ForgetAll();",
        new="    walker_.ForgetAll();",
        killer=_TABLE,
    ),
    Mutant(
        name="break_table_invalidates_a_page",
        file=_LIVE_ENTRY,
        old="    walker_.ForgetAll();\n    return Broken{slot_};",
        new="    walker_.ForgetPages(Ipa{0}, PageCount{1});\n    return Broken{slot_};",
        killer=_TABLE,
    ),
    Mutant(
        name="batch_without_invalidation",
        file=_LIVE_ENTRY,
        old="      walker_.ForgetPages(ToIpa(first_), PageCount{pages_});\n",
        new="",
        killer=_TABLE,
    ),
    Mutant(
        name="batch_of_another_vm",
        file=_LIVE_ENTRY,
        old="      walker_.ForgetPages(ToIpa(first_), PageCount{pages_});",
        new="      Walker{Vmid{0x7f}}.ForgetPages(ToIpa(first_), PageCount{pages_});",
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
        file=_COMMITS,
        old="""\
  batch.Invalidate();
  for (unsigned i = 0; i < emptied.count; ++i) {
    pool_->Give(emptied.tables[i]);
  }
""",
        new="""\
  for (unsigned i = 0; i < emptied.count; ++i) {
    pool_->Give(emptied.tables[i]);
  }
  batch.Invalidate();
""",
        killer=_TABLE,
    ),
    Mutant(
        name="range_check_of_the_table",
        file=_CHECKS,
        old="  return count.raw() != 0 && geometry_.Contains(first, count);",
        new="  return count.raw() != 0 && geometry_.Contains(first, PageCount{1});",
        killer=_TABLE,
    ),
    Mutant(
        name="map_over_a_mapping",
        file=_CHECKS,
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
        file=_CHECKS,
        old="    const std::uint64_t frames = gfn.raw() | (mapping.target.raw() + done);",
        new="    const std::uint64_t frames = gfn.raw();",
        killer=_TABLE,
    ),
    Mutant(
        name="block_beyond_the_range",
        file=_CHECKS,
        old="(!IsAligned(frames, LevelPages(level)) || pages < LevelPages(level))",
        new="(!IsAligned(frames, LevelPages(level)) || pages == 0)",
        killer=_TABLE,
    ),
    Mutant(
        name="split_loses_permissions",
        file=_COMMITS,
        old="head = block.AtLevel(level,",
        new="head = block.WithPermissions(Permissions::kAll).AtLevel(level,",
        killer=_TABLE,
    ),
    Mutant(
        name="merge_of_strangers",
        file=_COMMITS,
        old=" ||\n      !machine::HoldsSequence(table.output(), head.word(), LevelSpan(first.level))) {",
        new=") {",
        killer=_TABLE,
    ),
    Mutant(
        name="zeros_of_a_table_unpublished",
        file=_COMMITS,
        old="      machine::PublishEntries();  // its zeros, before a walk can reach it\n",
        new="",
        killer=_TABLE,
    ),
    Mutant(
        name="disconnect_without_invalidation",
        file=_COMMITS,
        old="""\
    machine::ZeroTablePage(root_ + page * kPageSize);
  }
  walker_.ForgetAll();
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
        name="range_leaves_its_region",
        file="stage2/ownership/record_map.h",
        old="range.count.raw() <= pages - offset) {",
        new="range.count.raw() <= pages - offset + 1) {",
        killer=_MAP,
    ),
    Mutant(
        name="regions_overlap",
        file=_RECORDS,
        old="  if (!IsSane(range) || Overlaps(range)) {",
        new="  if (!IsSane(range)) {",
        killer=_MAP,
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
        old="state->memory.mapped_pages().raw() != 0 ||\n                    slot",
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
  if (state->phase != VmPhase::kCreated || vm->has_gic()) {
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
