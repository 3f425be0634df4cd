# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# Host calls with wrong numbers, handles, pages, states and registers.

. /tests/lib.sh
. /tests/vm.sh

check modules_load load_modules ravelin ravelin-attack
run_checks attack-calls
check driver_still_works ravelin-vmm --protected --image "$GUESTS/counter_guest"
