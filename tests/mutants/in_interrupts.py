# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Decisions about guests' interrupts and power, defended by tests on the build machine."""

from mutant import InTests, Mutant

_HOST_SIDE = InTests(("//hyp/virt:gic_test",))
_DELIVERY = InTests(("//hyp/virt:delivery_test",))
_POWER = InTests(("//hyp/virt:psci_test",))

_GIC = "hyp/virt/gic/gic.cc"
_DELIVERY_SOURCE = "hyp/virt/gic/delivery.cc"
_PSCI = "hyp/virt/psci.cc"

MUTANTS = (
    Mutant(
        name="host_raises_any_shared_interrupt",
        file=_GIC,
        old="  if ((bank->from_host & bit) == 0) {\n",
        new="  if (false) {\n",
        killer=_HOST_SIDE,
    ),
    Mutant(
        name="host_raises_private_interrupts",
        file=_GIC,
        old="  if (intid < kBankSize || intid >= vm.gic_layout().intids) {\n",
        new="  if (intid >= vm.gic_layout().intids) {\n",
        killer=_HOST_SIDE,
    ),
    Mutant(
        name="interrupts_allowed_after_the_launch",
        file=_GIC,
        old="  if (state.phase != VmPhase::kCreated) {\n",
        new="  if (state.phase == VmPhase::kDying) {\n",
        killer=_HOST_SIDE,
    ),
    Mutant(
        name="memory_over_the_interrupt_controller",
        file="hyp/call/memory_calls.cc",
        old="  return taken ? Result<>{Failure{Error::kExists}} : Result<>{};\n",
        new="  static_cast<void>(taken);\n  return {};\n",
        killer=_HOST_SIDE,
    ),
    Mutant(
        name="host_switches_protected_vcpus",
        file="hyp/call/interrupt_calls.cc",
        old="  if (vm->is_protected()) {\n",
        new="  if (false) {\n",
        killer=_POWER,
    ),
    Mutant(
        name="cpu_on_of_one_that_is_on",
        file=_PSCI,
        old="    if (IsOn(*other)) {\n",
        new="    if (false) {\n",
        killer=_POWER,
    ),
    Mutant(
        name="sleep_without_a_last_look",
        file=_DELIVERY_SOURCE,
        old="  return !interface.attention.load() || !interface.waiting.exchange(false);\n",
        new="  return true;\n",
        killer=_DELIVERY,
    ),
    Mutant(
        name="end_of_what_is_listed",
        file=_DELIVERY_SOURCE,
        old="ForEachBit(bank.active & ~bank.listed,",
        new="ForEachBit(bank.active,",
        killer=_DELIVERY,
    ),
)
