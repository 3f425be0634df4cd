#!/bin/sh
# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
exec "$BUILD_WORKSPACE_DIRECTORY/ravelin" bench "$@"
