# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The protections of the monitor, each with the edit that removes it and the check that then fails.

`old` stands exactly once in `file`; `new` takes its place. The mutant still has to compile: what
would be unused is named in `new`. run.py builds each mutant and runs the scenario;
check_mutants.py keeps the list in step with the code.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A protection removed: `scenario` must print `CHECK fail check`."""

    name: str
    file: str
    old: str
    new: str
    scenario: str
    check: str


_DONATE_UNMAP = """\
  host_table_.Unmap(host::SameGfn(range.first), range.count);
  PrepareContents(range, content);
"""

MUTANTS = (
    Mutant(
        name="unmap_on_donate",
        file="stage2/ownership/ownership_vm.cc",
        old=_DONATE_UNMAP,
        new="  PrepareContents(range, content);\n",
        scenario="attack-registers",
        check="launch_page_unreadable",
    ),
    Mutant(
        name="unmap_on_donate_seen_by_scan",
        file="stage2/ownership/ownership_vm.cc",
        old=_DONATE_UNMAP,
        new="  PrepareContents(range, content);\n",
        scenario="vm-protected",
        check="scan_finds_no_secret",
    ),
    Mutant(
        name="carveout_unmapped",
        file="stage2/ownership/ownership.cc",
        old="RAVELIN_TRY(MapHostRam(region, config.monitor));",
        new="RAVELIN_TRY(MapHostRam(region, {}));",
        scenario="vm-protected",
        check="monitor_unreadable",
    ),
    Mutant(
        name="wipe_at_reclaim",
        file="stage2/ownership/ownership_vm.cc",
        old="  WipeOwnedByVm(range);\n  for",
        new="  for",
        scenario="attack-registers",
        check="wiped_at_reclaim",
    ),
    Mutant(
        name="wipe_at_reclaim_seen_by_scan",
        file="stage2/ownership/ownership_vm.cc",
        old="  WipeOwnedByVm(range);\n  for",
        new="  for",
        scenario="vm-protected",
        check="wiped_after_death",
    ),
    Mutant(
        name="wipe_of_metadata",
        file="stage2/ownership/ownership.cc",
        old="  machine::WipePage(ToPa(page.first));\n  Commit(Operation::kReturnMetadata",
        new="  Commit(Operation::kReturnMetadata",
        scenario="attack-registers",
        check="metadata_wiped",
    ),
    Mutant(
        name="zeroing_after_launch",
        file="stage2/ownership/ownership_vm.cc",
        old="if (content == Content::kZeroed) {",
        new="if (content == Content::kZeroed && range.count.raw() == 0) {",
        scenario="attack-registers",
        check="zeroed_after_launch",
    ),
    Mutant(
        name="register_hiding",
        file="hyp/arch/aarch64/vectors.S",
        old="	LOAD_X2_TO_X30 sp\n",
        new="	LOAD_X2_TO_X30 sp\n	mrs	x26, tpidr_el2\n",
        scenario="attack-registers",
        check="general_registers_hidden",
    ),
    Mutant(
        name="register_reading",
        file="hyp/call/vm_calls.cc",
        old="""\
  if (vm->is_protected()) {
    return Failure{Error::kWrongKind};
  }
  const auto state = vm->state().Lock();
  RAVELIN_TRY_ASSIGN(vcpu, FindVcpu(*state, index));
  const std::uint64_t* const source""",
        new="""\
  const auto state = vm->state().Lock();
  RAVELIN_TRY_ASSIGN(vcpu, FindVcpu(*state, index));
  const std::uint64_t* const source""",
        scenario="attack-registers",
        check="get_reg_refused",
    ),
    Mutant(
        name="vector_register_hiding",
        file="hyp/arch/aarch64/world_switch.cc",
        old="  RestoreHostVectors(cpu);\n  ResumeProfiling",
        new="  static_cast<void>(&RestoreHostVectors);\n  ResumeProfiling",
        scenario="attack-registers",
        check="vector_registers_hidden",
    ),
    Mutant(
        name="system_register_hiding",
        file="hyp/arch/aarch64/world_switch.cc",
        old="  sysreg::TpidrroEl0::Write(s.tpidrro_el0);\n",
        new="",
        scenario="attack-registers",
        check="system_registers_hidden",
    ),
    Mutant(
        name="handle_generation",
        file="hyp/vm/vm_table.cc",
        old="""\
  if (slot.state == SlotState::kEmpty ||
      HandleOf(slot, static_cast<std::uint32_t>(index)) != handle) {
""",
        new="  if (slot.state == SlotState::kEmpty) {\n",
        scenario="attack-calls",
        check="handle_stale",
    ),
    Mutant(
        name="reserved_registers",
        file="hyp/call/decode.h",
        old="      if (registers[i] != 0) {\n",
        new="      if (registers[i] != 0 && kCount > registers.size()) {\n",
        scenario="attack-calls",
        check="reserved_registers",
    ),
    Mutant(
        name="normal_vm_only_shares",
        file="hyp/call/memory_calls.cc",
        old="  if (!vm->is_protected()) {\n    return Failure{Error::kWrongKind};\n  }\n",
        new="",
        scenario="attack-calls",
        check="donate",
    ),
    Mutant(
        name="reclaim_from_dying_only",
        file="hyp/call/memory_calls.cc",
        old="""\
  if (state->phase != VmPhase::kDying) {
    return Failure{Error::kWrongPhase};
  }
""",
        new="",
        scenario="attack-calls",
        check="reclaim",
    ),
    Mutant(
        name="host_survives_faults",
        file="hyp/arch/aarch64/host_trap.cc",
        old="{.status = kStatusAlignment,",
        new="{.status = kStatusExternal,",
        scenario="vm-protected",
        check="scan_finds_no_secret",
    ),
)
