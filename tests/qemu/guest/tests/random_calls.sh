# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# Random host calls and guest calls, on the monitor that compares each with the specification.

. /tests/lib.sh
. /tests/vm.sh

calls=$(grep -o 'random.calls=[0-9]*' /proc/cmdline | cut -d= -f2)
seed=$(grep -o 'random.seed=[0-9]*' /proc/cmdline | cut -d= -f2)

check modules_load load_modules ravelin-attack
run_checks random-calls "$GUESTS/caller_guest" "${calls:-100000}" "${seed:-1}"
