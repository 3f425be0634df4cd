/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What a guest may ask of the monitor, by HVC or SMC #0 at EL1 (SMCCC, DEN 0028).
 *
 * The pKVM guest interface (Linux, Documentation/virt/kvm/arm/hypercalls.rst): identifiers and
 * meanings are those that Linux guests use; the unit is the granule that HYP_MEMINFO reports.
 * Errors are SMCCC's: NOT_SUPPORTED (-1), INVALID_PARAMETER (-3).
 */
#ifndef RAVELIN_ABI_GUEST_CALL_H
#define RAVELIN_ABI_GUEST_CALL_H

#define RAVELIN_SMCCC_VERSION 0x80000000u
#define RAVELIN_SMCCC_ARCH_FEATURES 0x80000001u

/* "Call UID" of owner 6: 28b46fb6-2ec5-11e9-a9ca-4b564d003a74, as four little-endian words. */
#define RAVELIN_GUEST_UID 0x8600FF01u
#define RAVELIN_GUEST_UID_0 0xb66fb428u
#define RAVELIN_GUEST_UID_1 0xe911c52eu
#define RAVELIN_GUEST_UID_2 0x564bcaa9u
#define RAVELIN_GUEST_UID_3 0x743a004du

/* FEATURES() -> x0 = bitmap of the function numbers below that exist. */
#define RAVELIN_GUEST_FEATURES 0x86000000u
/* HYP_MEMINFO(0, 0, 0) -> x0 = granule in bytes. */
#define RAVELIN_GUEST_MEMINFO 0xC6000002u
/* MEM_SHARE(ipa, 0, 0): lets the host read and write the guest's page, contents kept. */
#define RAVELIN_GUEST_MEM_SHARE 0xC6000003u
/* MEM_UNSHARE(ipa, 0, 0): takes it back, contents kept. */
#define RAVELIN_GUEST_MEM_UNSHARE 0xC6000004u
/* MMIO_GUARD_INFO(0, 0, 0) -> x0 = granule. */
#define RAVELIN_GUEST_MMIO_GUARD_INFO 0xC6000005u
/* MMIO_GUARD_MAP(ipa, 0, 0): accesses to the page go to the host from here on. */
#define RAVELIN_GUEST_MMIO_GUARD_MAP 0xC6000007u
/* MMIO_GUARD_UNMAP(ipa, 0, 0): no longer. */
#define RAVELIN_GUEST_MMIO_GUARD_UNMAP 0xC6000008u
/*
 * MEM_RELINQUISH(ipa, 0, 0): gives the guest's page back to the host, wiped, which may donate
 * another one later. The page must not be shared.
 */
#define RAVELIN_GUEST_MEM_RELINQUISH 0xC6000009u

#define RAVELIN_SMCCC_SUCCESS 0
#define RAVELIN_SMCCC_NOT_SUPPORTED (-1)
#define RAVELIN_SMCCC_INVALID_PARAMETER (-3)

/* PSCI (DEN 0022): the functions that a guest has; 64-bit forms have bit 30 set. */
#define RAVELIN_PSCI_VERSION 0x84000000u
#define RAVELIN_PSCI_CPU_SUSPEND 0x84000001u
#define RAVELIN_PSCI_CPU_OFF 0x84000002u
#define RAVELIN_PSCI_CPU_ON 0x84000003u
#define RAVELIN_PSCI_AFFINITY_INFO 0x84000004u
#define RAVELIN_PSCI_MIGRATE_INFO_TYPE 0x84000006u
#define RAVELIN_PSCI_SYSTEM_OFF 0x84000008u
#define RAVELIN_PSCI_SYSTEM_RESET 0x84000009u
#define RAVELIN_PSCI_FEATURES 0x8400000Au
#define RAVELIN_PSCI_SYSTEM_SUSPEND 0x8400000Eu
#define RAVELIN_PSCI_SYSTEM_RESET2 0x84000012u

#define RAVELIN_PSCI_SUCCESS 0
#define RAVELIN_PSCI_NOT_SUPPORTED (-1)
#define RAVELIN_PSCI_INVALID_PARAMETERS (-2)
#define RAVELIN_PSCI_DENIED (-3)
#define RAVELIN_PSCI_ALREADY_ON (-4)
#define RAVELIN_PSCI_INTERNAL_FAILURE (-6)
#define RAVELIN_PSCI_INVALID_ADDRESS (-9)

#endif
