# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The protections of the monitor that a test on the machine defends (mutant.py: how)."""

from mutant import InMachine, Mutant

_DONATE_UNMAP = """\
  host_table_.Unmap(host::SameGfn(part.first), part.count);
  PrepareContents(part, checked.kind, content);
"""

MUTANTS = (
    Mutant(
        name="unmap_on_donate",
        file="stage2/ownership/ownership_give.cc",
        old=_DONATE_UNMAP,
        new="  PrepareContents(part, checked.kind, content);\n",
        killer=InMachine("attack-registers", "launch_page_unreadable"),
    ),
    Mutant(
        name="unmap_on_donate_seen_by_scan",
        file="stage2/ownership/ownership_give.cc",
        old=_DONATE_UNMAP,
        new="  PrepareContents(part, checked.kind, content);\n",
        killer=InMachine("vm-protected", "scan_finds_no_secret"),
    ),
    Mutant(
        name="carveout_unmapped",
        file="stage2/ownership/ownership.cc",
        old="if (records[at].state() == PageState::kHostOwned) {",
        new="if (records[at].state() != PageState::kSecureOwned) {",
        killer=InMachine("vm-protected", "monitor_unreadable"),
    ),
    Mutant(
        name="wipe_at_reclaim",
        file="stage2/ownership/ownership_give.cc",
        old="  PrepareContents(pages.pages, pages.kind, Content::kZeroed);\n  Commit(operation",
        new="  Commit(operation",
        killer=InMachine("attack-registers", "wiped_at_reclaim"),
    ),
    Mutant(
        name="wipe_at_reclaim_seen_by_scan",
        file="stage2/ownership/ownership_give.cc",
        old="  PrepareContents(pages.pages, pages.kind, Content::kZeroed);\n  Commit(operation",
        new="  Commit(operation",
        killer=InMachine("vm-protected", "wiped_after_death"),
    ),
    Mutant(
        name="wipe_of_metadata",
        file="stage2/ownership/ownership_monitor.cc",
        old="  machine::WipePage(ToPa(page.first));\n  Commit(Operation::kReturnMetadata",
        new="  Commit(Operation::kReturnMetadata",
        killer=InMachine("attack-registers", "metadata_wiped"),
    ),
    Mutant(
        name="zeroing_after_launch",
        file="stage2/ownership/ownership_give.cc",
        old="    if (content == Content::kZeroed) {\n      machine",
        new="    if (content == Content::kZeroed && i > 8) {\n      machine",
        killer=InMachine("attack-registers", "zeroed_after_launch"),
    ),
    Mutant(
        name="register_hiding",
        file="hyp/arch/aarch64/vectors.S",
        old="	ldp	x0, x1, [sp], #HOST_FRAME_SIZE\n",
        new="	ldp	x0, x1, [sp], #HOST_FRAME_SIZE\n	mrs	x26, tpidr_el2\n",
        killer=InMachine("attack-registers", "general_registers_hidden"),
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
        killer=InMachine("attack-registers", "get_reg_refused"),
    ),
    Mutant(
        name="vector_register_hiding",
        file="hyp/arch/aarch64/world_switch.cc",
        old="  RestoreHostVectors(cpu);\n  ResumeProfiling",
        new="  static_cast<void>(&RestoreHostVectors);\n  ResumeProfiling",
        killer=InMachine("attack-registers", "vector_registers_hidden"),
    ),
    Mutant(
        name="system_register_hiding",
        file="hyp/arch/aarch64/world_switch.cc",
        old="  sysreg::TpidrroEl0::Write(s.tpidrro_el0);\n",
        new="",
        killer=InMachine("attack-registers", "system_registers_hidden"),
    ),
    Mutant(
        name="handle_generation",
        file="hyp/vm/vm_table.cc",
        old="""\
  if (slot.state == SlotState::kEmpty ||
      HandleOf(slot, static_cast<std::uint32_t>(index)) != handle) {
""",
        new="  if (slot.state == SlotState::kEmpty) {\n",
        killer=InMachine("attack-calls", "handle_stale"),
    ),
    Mutant(
        name="reserved_registers",
        file="hyp/call/decode.h",
        old="    if (AnyOf(registers, std::make_index_sequence<kUnused>{})) {\n",
        new="    if (kCount > 7 && AnyOf(registers, std::make_index_sequence<kUnused>{})) {\n",
        killer=InMachine("attack-calls", "reserved_registers"),
    ),
    Mutant(
        name="normal_vm_only_shares",
        file="hyp/call/memory_calls.cc",
        old="""\
  RAVELIN_TRY_ASSIGN(vm, FindVmOf(VmKind::kProtected, handle));
  const auto state = vm->state().Lock();
  RAVELIN_TRY(CheckLiving(*state));
  RAVELIN_TRY(CheckFree(*vm, gfn, count));
  const auto content""",
        new="""\
  RAVELIN_TRY_ASSIGN(vm, FindVm(handle));
  const auto state = vm->state().Lock();
  RAVELIN_TRY(CheckLiving(*state));
  RAVELIN_TRY(CheckFree(*vm, gfn, count));
  const auto content""",
        killer=InMachine("attack-calls", "donate"),
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
        killer=InMachine("attack-calls", "reclaim"),
    ),
    Mutant(
        name="host_survives_faults",
        file="hyp/arch/aarch64/host_trap.cc",
        old="{.status = kStatusAlignment,",
        new="{.status = kStatusExternal,",
        killer=InMachine("vm-protected", "scan_finds_no_secret"),
    ),
)
