#!/bin/bash
# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
#
# run_clang_tidy.sh STAMP ARGUMENTS...: runs clang-tidy and makes STAMP if it finds
# nothing. What it finds is printed with paths relative to the repository.

set -u
stamp=$1
shift

if report=$(clang-tidy-19 --quiet "$@" 2>&1); then
  : > "$stamp"
  exit 0
fi
sed -e "s|$PWD/||g" -e '/ warnings\{0,1\} \(generated\|treated as error\)/d' <<< "$report" >&2
exit 1
