# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# What reaches the host from a protected VM besides what an exit allows.

. /tests/lib.sh
. /tests/vm.sh

check modules_load load_modules ravelin ravelin-attack
run_checks attack-registers "$GUESTS/raw_guest"
