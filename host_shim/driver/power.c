// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether a vCPU is on: the monitor knows. Before the first KVM_RUN of the VM it is what the VMM
 * wants, and of a protected VM only the first vCPU is on then: the guest switches the others on.
 */
#include <linux/uaccess.h>

#include "call.h"
#include "ravelin.h"

bool ravelin_is_on(struct ravelin_vcpu *vcpu)
{
	struct ravelin_result res;

	if (!smp_load_acquire(&vcpu->vm->launched))
		return !vcpu->off;
	res = ravelin_call(VCPU_GET_POWER, vcpu->vm->handle, vcpu->index);
	return !res.status && res.value && !READ_ONCE(vcpu->held);
}

static int set_power(struct ravelin_vcpu *vcpu, bool on)
{
	return ravelin_errno(ravelin_call(VCPU_SET_POWER, vcpu->vm->handle, vcpu->index, on).status);
}

/* The VM has just been launched. */
int ravelin_power_launch(struct ravelin_vm *vm)
{
	struct ravelin_vcpu *vcpu;
	int err;

	list_for_each_entry(vcpu, &vm->vcpus, node) {
		if (vm->protected) {
			vcpu->held = vcpu->off && !vcpu->index;
			continue;
		}
		err = set_power(vcpu, vcpu->initialised && !vcpu->off);
		if (err)
			return err;
	}
	return 0;
}

int ravelin_get_mp_state(struct ravelin_vcpu *vcpu, struct kvm_mp_state __user *arg)
{
	struct kvm_mp_state state = {
		.mp_state = ravelin_is_on(vcpu) ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_STOPPED,
	};

	return copy_to_user(arg, &state, sizeof(state)) ? -EFAULT : 0;
}

/* vm->lock held: the launch reads what is set here. */
static int set_state(struct ravelin_vcpu *vcpu, bool on)
{
	struct ravelin_vm *vm = vcpu->vm;

	if (!smp_load_acquire(&vm->launched)) {
		vcpu->off = !on;
		return 0;
	}
	if (!vm->protected) {
		vcpu->off = !on;
		return set_power(vcpu, on);
	}
	/* A protected VM's power is its own; what the VMM holds back, it may let go. */
	if (on == ravelin_is_on(vcpu))
		return 0;
	if (!on || !vcpu->held)
		return -EPERM;
	WRITE_ONCE(vcpu->held, false);
	return 0;
}

/* KVM_ARM_VCPU_INIT; of a protected VM that runs already, the guest decides. */
int ravelin_power_init(struct ravelin_vcpu *vcpu, bool on)
{
	int err = 0;

	if (mutex_lock_killable(&vcpu->vm->lock))
		return -EINTR;
	if (!vcpu->vm->protected || !vcpu->vm->launched)
		err = set_state(vcpu, on);
	mutex_unlock(&vcpu->vm->lock);
	return err;
}

int ravelin_set_mp_state(struct ravelin_vcpu *vcpu, const struct kvm_mp_state __user *arg)
{
	struct kvm_mp_state state;
	int err;

	if (copy_from_user(&state, arg, sizeof(state)))
		return -EFAULT;
	if (state.mp_state != KVM_MP_STATE_RUNNABLE && state.mp_state != KVM_MP_STATE_STOPPED)
		return -EINVAL;

	if (mutex_lock_killable(&vcpu->vm->lock))
		return -EINTR;
	err = set_state(vcpu, state.mp_state == KVM_MP_STATE_RUNNABLE);
	mutex_unlock(&vcpu->vm->lock);
	return err;
}
