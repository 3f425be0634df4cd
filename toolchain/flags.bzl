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
    "-Wno-builtin-macro-redefined",
    "-D__DATE__=\"redacted\"",
    "-D__TIME__=\"redacted\"",
    "-D__TIMESTAMP__=\"redacted\"",
]

GCC_REPRODUCIBLE = ["-fno-canonical-system-headers"]

C_STANDARD = ["-std=c17"]
CXX_STANDARD = ["-std=c++2b"]

# Code for bare metal at EL2 or in a guest: no floating point. Whole programs are
# optimised at once: the seams between machine and portable code cost nothing.
_EL2_CODE = [
    "-O2",
    "-flto=auto",
    "-march=armv8-a",
    "-mbranch-protection=standard",
    "-mgeneral-regs-only",
    "-mno-outline-atomics",
    "-mstrict-align",
]

EL2 = _EL2_CODE + [
    # Archives are made by an ar that knows nothing of LTO.
    "-ffat-lto-objects",
    "-ffreestanding",
    "-fno-asynchronous-unwind-tables",
    "-fno-common",
    "-fno-omit-frame-pointer",
    "-fno-pic",
    "-fno-stack-protector",
    "-fdata-sections",
    "-ffunction-sections",
    "-g",
]

EL2_CXX = [
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
    "-fno-use-cxa-atexit",
]

EL2_LINK = _EL2_CODE + [
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

# Only clang has these: libFuzzer's instrumentation (its main comes with the target, see
# ravelin_fuzz_target) and source-based coverage. Each: when compiling, when linking.
CLANG_INSTRUMENTATION = {
    "fuzz": (
        ["-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize-recover=all"],
        ["-fsanitize=address,undefined", "-fsanitize-link-c++-runtime"],
    ),
    "source_coverage": (
        ["-fprofile-instr-generate", "-fcoverage-mapping"],
        ["-fprofile-instr-generate"],
    ),
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
