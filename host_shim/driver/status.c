// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: GPL-2.0-only
/* The monitor's status values as error numbers of Linux. */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "call.h"

/* Index: the negated status. A page that the monitor refuses is a bad address to the VMM. */
static const int errnos[] = {
	[-RAVELIN_SUCCESS] = 0,
	[-RAVELIN_NOT_SUPPORTED] = -EOPNOTSUPP,
	[-RAVELIN_INVALID_ARGUMENT] = -EINVAL,
	[-RAVELIN_NO_SUCH_VM] = -ENOENT,
	[-RAVELIN_NO_SUCH_VCPU] = -ENOENT,
	[-RAVELIN_WRONG_PHASE] = -EPERM,
	[-RAVELIN_WRONG_KIND] = -EPERM,
	[-RAVELIN_NOT_RAM] = -EFAULT,
	[-RAVELIN_WRONG_OWNER] = -EFAULT,
	[-RAVELIN_WRONG_STATE] = -EFAULT,
	[-RAVELIN_BUSY] = -EBUSY,
	[-RAVELIN_NO_MEMORY] = -ENOMEM,
	[-RAVELIN_LIMIT] = -ENOSPC,
	[-RAVELIN_EXISTS] = -EEXIST,
	[-RAVELIN_NOT_MAPPED] = -ENOENT,
};

int ravelin_errno(s64 status)
{
	if (status > 0 || status <= -(s64)ARRAY_SIZE(errnos))
		return -EIO;
	return errnos[-status];
}
