// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The lines of the result, in groups. Each group leaves the host with all of its pages. The form of
// an operation on pages:
//   1       a page of blocks that are split already, on both sides
//   first   the first page of a block: what is a block has to be split
//   last    the page with which a block is whole again
//   512     512 pages that cannot be a block: the guest's frames are not aligned as the host's
//   block   2 MiB, aligned on both sides
//   part    the first page of a block of the VM's, which has to be split
#pragma once

namespace ravelin::bench {

void BenchHostCalls();
void BenchHostTraps();
void BenchProtectedMemory();
void BenchNormalMemory();
void BenchGuests();

}  // namespace ravelin::bench
