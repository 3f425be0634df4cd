# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Mistakes planted in the monitor, each with the observer's rule that names it.

`old` stands exactly once in `file`; `new` takes its place. None of them is seen by QEMU's own TLB
model, which forgets more than hardware does. plant.py builds and runs each; check_planted.py keeps
the list in step with the code.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Planted:
    """A mistake: the observer must report `rule` when a storm runs, or `script` on a Linux host."""

    name: str
    file: str
    old: str
    new: str
    rule: str
    script: str = ""

    @property
    def noticed_by(self) -> str:
        """Who has to notice."""
        return f"the observer's rule {self.rule}"


_MACHINE = "hyp/arch/aarch64/stage2_machine.cc"

MISTAKES = (
    Planted(
        name="no_tlbi",
        file=_MACHINE,
        old='    asm volatile("tlbi ipas2le1is, %0" : : "r"(page) : "memory");\n',
        new="    static_cast<void>(page);\n",
        rule="tlbi-missing",
    ),
    Planted(
        name="tlbi_of_one_cpu",
        file=_MACHINE,
        old="tlbi vmalls12e1is",
        new="tlbi vmalls12e1",
        rule="tlbi-scope",
    ),
    Planted(
        name="tlbi_of_the_current_vmid",
        file=_MACHINE,
        old="if (Field<63, 48>::Get(saved_) != vmid.raw()) {",
        new="if (Field<63, 48>::Get(saved_) != vmid.raw() && wanted == 0) {",
        rule="tlbi-vmid",
    ),
    Planted(
        name="tlbi_of_stage2_only",
        file=_MACHINE,
        old='  asm volatile("tlbi vmalle1is" ::: "memory");\n',
        new="",
        rule="tlbi-stage1",
    ),
    Planted(
        name="no_dsb_before",
        file=_MACHINE,
        old="""\
  DsbIshst();
  const VmidScope scope(vmid);
  for""",
        new="""\
  const VmidScope scope(vmid);
  for""",
        rule="dsb-before-tlbi",
    ),
    Planted(
        name="no_dsb_after",
        file="hyp/arch/aarch64/tlb.h",
        old="inline void CompleteBroadcast() {\n  DsbIsh();\n",
        new="inline void CompleteBroadcast() {\n",
        rule="dsb-after-tlbi",
    ),
    Planted(
        name="no_isb_after_vmid",
        file=_MACHINE,
        old="      sysreg::VttbrEl2::Write(wanted);\n      Isb();\n",
        new="      sysreg::VttbrEl2::Write(wanted);\n",
        rule="vmid-isb",
    ),
    Planted(
        name="no_break",
        file="stage2/table/live_entry.h",
        old="""\
    machine::StoreEntry(slot_.entry, 0);
    walker_.ForgetPages(""",
        new="    walker_.ForgetPages(",
        rule="break-before-make",
    ),
    Planted(
        name="wiped_too_early",
        file="stage2/table/page_table_commit.cc",
        old="  LiveEntry(walker_, slot).BreakLeaf(gfn)",
        new="""\
  machine::StoreEntry(slot.entry, 0);
  machine::WipePage(block.output());
  LiveEntry(walker_, slot).BreakLeaf(gfn)""",
        rule="reuse",
    ),
    Planted(
        name="monitor_mapped_to_the_host",
        file="stage2/ownership/ownership.cc",
        old="    if (records[at].state() == PageState::kHostOwned) {\n",
        new="""\
    if (records[at].state() == PageState::kHostOwned ||
        records[at].state() == PageState::kMonitorOwned) {
""",
        rule="monitor-mapped",
    ),
    Planted(
        name="donated_and_kept",
        file="stage2/ownership/ownership_give.cc",
        old="  host_table_.Unmap(host::SameGfn(part.first), part.count);\n",
        new="",
        rule="owner",
        script="vm_protected.sh",  # a storm sees the page at once, and stops before a guest runs
    ),
    Planted(
        name="table_freed_and_kept",
        file="stage2/table/page_table_commit.cc",
        old="  LiveEntry(walker_, slot).BreakTable().Make(block);\n",
        new="  static_cast<void>(block);\n",
        rule="tlbi-missing",  # of the leaves that the pool wipes away
    ),
    Planted(
        name="run_page_read_twice",
        file="hyp/vm/vcpu.cc",
        old="  reply.kind = ReadOnce(run_page_->reply.kind);\n",
        new="""\
  if (ReadOnce(run_page_->reply.kind) > RAVELIN_REPLY_EXTERNAL_ABORT) {
    return reply;
  }
  reply.kind = ReadOnce(run_page_->reply.kind);
""",
        rule="double-fetch",
    ),
    Planted(
        name="call_without_a_bound",
        file="hyp/arch/aarch64/page_contents.cc",
        old="  Wipe(window.data());\n",
        new="""\
  for (unsigned i = 0; i < 10'000; ++i) {
    Wipe(window.data());
  }
""",
        rule="visit",
    ),
    Planted(
        name="host_without_stage2",
        file="hyp/arch/aarch64/cpu_init.cc",
        old="  sysreg::HcrEl2::Write(HostHcr());\n",
        new="  sysreg::HcrEl2::Write(HostHcr() & ~std::uint64_t{1});\n",
        rule="stage2-off",
    ),
)
