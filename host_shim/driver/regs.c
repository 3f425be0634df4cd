// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* KVM_GET_ONE_REG and KVM_SET_ONE_REG: the core registers, under KVM's numbers. */
#include <linux/kernel.h>
#include <linux/ptrace.h>
#include <linux/uaccess.h>

#include "call.h"
#include "ravelin.h"

#define CORE_ID		(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE)
#define RESET_PSTATE	(PSR_MODE_EL1h | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT | PSR_D_BIT)

/* Offsets in struct kvm_regs, in words of 32 bits, by the monitor's register number. */
static const u16 offsets[RAVELIN_REG_COUNT] = {
	[RAVELIN_REG_SP] = KVM_REG_ARM_CORE_REG(regs.sp),
	[RAVELIN_REG_PC] = KVM_REG_ARM_CORE_REG(regs.pc),
	[RAVELIN_REG_PSTATE] = KVM_REG_ARM_CORE_REG(regs.pstate),
	[RAVELIN_REG_SP_EL1] = KVM_REG_ARM_CORE_REG(sp_el1),
	[RAVELIN_REG_ELR_EL1] = KVM_REG_ARM_CORE_REG(elr_el1),
	[RAVELIN_REG_SPSR_EL1] = KVM_REG_ARM_CORE_REG(spsr[KVM_SPSR_EL1]),
};

static u32 offset_of(u32 reg)
{
	return reg < RAVELIN_REG_SP ? KVM_REG_ARM_CORE_REG(regs.regs[reg]) : offsets[reg];
}

/* The monitor's number of a register, or an error. */
static int decode(const struct kvm_one_reg *one)
{
	u32 offset = one->id & ~(KVM_REG_ARCH_MASK | KVM_REG_SIZE_MASK | KVM_REG_ARM_CORE);
	u32 reg;

	if ((one->id & ~KVM_REG_SIZE_MASK) >> 32 != KVM_REG_ARM64 >> 32)
		return -EINVAL;
	if ((one->id & KVM_REG_ARM_COPROC_MASK) != KVM_REG_ARM_CORE)
		return -ENOENT;
	if (offset >= sizeof(struct kvm_regs) / sizeof(u32))
		return -ENOENT;

	for (reg = 0; reg < RAVELIN_REG_COUNT; reg++) {
		if (offset_of(reg) == offset)
			break;
	}
	/* The rest of struct kvm_regs (AArch32 banks, FP) is not accessible. */
	if (reg == RAVELIN_REG_COUNT || one->id != (CORE_ID | offset))
		return -EINVAL;
	return reg;
}

/* What the host may set up in a protected VM: the entry point and its arguments. */
static bool is_entry_reg(u32 reg)
{
	return reg <= 3 || reg == RAVELIN_REG_PC;
}

static int check_set(struct ravelin_vcpu *vcpu, u32 reg, u64 value)
{
	struct ravelin_vm *vm = vcpu->vm;

	if (vm->protected && (!is_entry_reg(reg) || READ_ONCE(vm->sealed)))
		return -EPERM;
	if (reg != RAVELIN_REG_PSTATE)
		return 0;

	switch (value & (PSR_MODE32_BIT | PSR_MODE_MASK)) {
	case PSR_MODE_EL0t:
	case PSR_MODE_EL1t:
	case PSR_MODE_EL1h:
		return 0;
	default:
		return -EINVAL;
	}
}

int ravelin_set_reg(struct ravelin_vcpu *vcpu, const struct kvm_one_reg *one)
{
	int reg = decode(one), err;
	u64 value;

	if (reg < 0)
		return reg;
	if (copy_from_user(&value, (void __user *)one->addr, sizeof(value)))
		return -EFAULT;
	err = check_set(vcpu, reg, value);
	if (err)
		return err;
	return ravelin_errno(ravelin_call(VCPU_SET_REG, vcpu->vm->handle, vcpu->index, reg,
					  value).status);
}

int ravelin_get_reg(struct ravelin_vcpu *vcpu, const struct kvm_one_reg *one)
{
	int reg = decode(one);
	struct ravelin_result res;

	if (reg < 0)
		return reg;
	if (vcpu->vm->protected)
		return -EPERM;
	res = ravelin_call(VCPU_GET_REG, vcpu->vm->handle, vcpu->index, reg);
	if (res.status)
		return ravelin_errno(res.status);
	return copy_to_user((void __user *)one->addr, &res.value, sizeof(res.value)) ? -EFAULT : 0;
}

/* KVM_ARM_VCPU_INIT again, before the first run. */
int ravelin_reset_regs(struct ravelin_vcpu *vcpu)
{
	struct ravelin_vm *vm = vcpu->vm;
	u32 reg;

	for (reg = 0; reg < RAVELIN_REG_COUNT; reg++) {
		u64 value = reg == RAVELIN_REG_PSTATE ? RESET_PSTATE : 0;
		s64 status;

		if (vm->protected && !is_entry_reg(reg))
			continue;
		status = ravelin_call(VCPU_SET_REG, vm->handle, vcpu->index, reg, value).status;
		if (status)
			return ravelin_errno(status);
	}
	return 0;
}

/* Of a protected VM, the registers that may be set. */
int ravelin_reg_list(struct ravelin_vcpu *vcpu, struct kvm_reg_list __user *list)
{
	u64 ids[RAVELIN_REG_COUNT], room;
	u32 reg, n = 0;

	for (reg = 0; reg < RAVELIN_REG_COUNT; reg++) {
		if (!vcpu->vm->protected || is_entry_reg(reg))
			ids[n++] = CORE_ID | offset_of(reg);
	}

	if (get_user(room, &list->n) || put_user((u64)n, &list->n))
		return -EFAULT;
	if (room < n)
		return -E2BIG;
	return copy_to_user(list->reg, ids, n * sizeof(ids[0])) ? -EFAULT : 0;
}
