# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The KVM API that the host driver offers: results, errors, memory, the module's life."""

from ravelin_cli.scenario import Scenario

_KINDS = ("normal", "protected")

_CHECKS = (
    "module_loads",
    "system_ioctls",
    "extensions",
    "vm_types",
    *(f"{kind}_slots" for kind in _KINDS),
    *(f"{kind}_vcpus" for kind in _KINDS),
    "run_mapping",
    *(f"{kind}_registers" for kind in _KINDS),
    *(f"{kind}_register_list" for kind in _KINDS),
    *(f"{kind}_signal" for kind in _KINDS),
    *(f"{kind}_mmio" for kind in _KINDS),
    *(f"{kind}_after_run" for kind in _KINDS),
    "vcpu_off_waits",
    *(f"{kind}_several_vcpus" for kind in _KINDS),
    *(f"{kind}_power" for kind in _KINDS),
    "no_first_vcpu",
    "other_process",
    "kinds_of_memory",
    *(f"{kind}_hole" for kind in _KINDS),
    *(f"{kind}_charge" for kind in _KINDS),
    "locked_memory",
    "memlock_limit",
    "fork_has_no_guest_memory",
    *(f"{kind}_closing" for kind in _KINDS),
    *(f"{kind}_kill" for kind in _KINDS),
    "module_busy_while_a_vm_lives",
    "module_loads_again",
    "survives_lack_of_memory",
)

SCENARIOS = [
    Scenario("kvm-api", "kvm_api.sh", _CHECKS, memory="512M"),
    Scenario("kvm-api-cortex-a53", "kvm_api.sh", _CHECKS, cpu="cortex-a53", memory="512M"),
]
