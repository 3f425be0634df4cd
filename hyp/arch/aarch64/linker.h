// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// Symbols of hyp/ravelin.ld and of the assembly files, as C++ sees them.
#pragma once

extern "C" {
extern const char __image_start[];
extern const char __text_start[];
extern const char __text_end[];
extern const char __rodata_end[];
extern const char __idmap_start[];
extern const char __image_end[];

extern const char HostVectors[];
extern const char GuestVectors[];
extern const char BootVectors[];
void SecondaryEntry();
void EnableMmu();
void SwitchTablesPhysical();
}
