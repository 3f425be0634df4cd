# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Every compiler and linker flag of this repository."""

# Our own code, everywhere. Third-party code turns the feature off with
# `features = ["-ravelin_warnings"]`.
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wcast-qual",
    "-Wconversion",
    "-Wshadow",
    "-Wsign-conversion",
    "-Wswitch-enum",
    "-Wundef",
]

CXX_WARNINGS = [
    # A designated initializer may leave members out: they have their defaults.
    "-Wno-missing-field-initializers",
    "-Wnon-virtual-dtor",
    "-Wold-style-cast",
    "-Wsuggest-override",
]

# Paths of the build machine stay out of the objects.
REPRODUCIBLE = [
    "-ffile-prefix-map=/proc/self/cwd=.",
    "-no-canonical-prefixes",
    "-fno-canonical-system-headers",
    "-Wno-builtin-macro-redefined",
    "-D__DATE__=\"redacted\"",
    "-D__TIME__=\"redacted\"",
    "-D__TIMESTAMP__=\"redacted\"",
]

C_STANDARD = ["-std=c17"]
CXX_STANDARD = ["-std=c++2b"]

# Bare metal at EL2 or in a guest: no floating point, no runtime.
EL2 = [
    "-ffreestanding",
    "-march=armv8-a",
    "-mgeneral-regs-only",
    "-mstrict-align",
    "-mno-outline-atomics",
    "-mbranch-protection=standard",
    "-fno-asynchronous-unwind-tables",
    "-fno-common",
    "-fno-omit-frame-pointer",
    "-fno-pic",
    "-fno-stack-protector",
    "-fdata-sections",
    "-ffunction-sections",
    "-O2",
    "-g",
]

EL2_CXX = [
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
    "-fno-use-cxa-atexit",
]

EL2_LINK = [
    "-nostdlib",
    "-static",
    "-Wl,--build-id=none",
    "-Wl,--fatal-warnings",
    "-Wl,--gc-sections",
    "-Wl,-z,max-page-size=4096",
    "-Wl,-z,noexecstack",
]

# The compiler's own helpers, after all objects.
EL2_LIBRARIES = ["-lgcc"]

LINUX = [
    "-O2",
    "-g",
    "-fno-omit-frame-pointer",
]

HOST = [
    "-O1",
    "-g",
    "-fno-omit-frame-pointer",
]

HOSTED_LIBRARIES = [
    "-lstdc++",
    "-lm",
]

SANITIZERS = {
    "asan": [
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    ],
    "tsan": ["-fsanitize=thread"],
}

# What clang-tidy is told: the language, and the analyses that only clang has.
TIDY = CXX_STANDARD + [
    "-xc++",
    "-Wall",
    "-Wextra",
    "-Wno-missing-field-initializers",
    "-Wthread-safety",
]

# Debian's cross compiler has the headers; clang finds them by this target.
TIDY_EL2 = [
    "--target=aarch64-linux-gnu",
    "-ffreestanding",
    "-mgeneral-regs-only",
    "-fno-exceptions",
    "-fno-rtti",
]
