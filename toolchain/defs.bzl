# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Binaries for another platform than the build machine, inside a plain build.

    load("//toolchain:defs.bzl", "el2_binary", "linux_arm64_binary", "ravelin_fuzz_target")

`bazel build //...` on x86-64 then builds each of them for its own platform, and
puts the result where every other output is: bazel-bin/<package>/<name>.
"""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

EL2_ONLY = ["@platforms//cpu:aarch64", "@platforms//os:none"]
LINUX_ARM64_ONLY = ["@platforms//cpu:aarch64", "@platforms//os:linux"]

def _platform_transition_impl(settings, attr):
    return {"//command_line_option:platforms": attr.platform}

_platform_transition = transition(
    implementation = _platform_transition_impl,
    inputs = [],
    outputs = ["//command_line_option:platforms"],
)

_TRANSITION_ATTRS = {
    "platform": attr.string(mandatory = True, doc = "Label of the platform to build for."),
    "_allowlist_function_transition": attr.label(
        default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
    ),
}

def _raw_image_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    raw = ctx.actions.declare_file(ctx.label.name + ".bin")
    ctx.actions.run(
        executable = toolchain.objcopy_executable,
        arguments = ["-O", "binary", ctx.file.elf.path, raw.path],
        inputs = [ctx.file.elf],
        outputs = [raw],
        tools = toolchain.all_files,
        mnemonic = "RawImage",
    )
    return [DefaultInfo(files = depset([raw]))]

_raw_image = rule(
    implementation = _raw_image_impl,
    attrs = {
        "elf": attr.label(mandatory = True, allow_single_file = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
    doc = "The loadable bytes of an ELF file, by the objcopy of its own toolchain.",
)

def _copy(ctx, source, destination):
    ctx.actions.run_shell(
        inputs = [source],
        outputs = [destination],
        command = "cp \"$1\" \"$2\"",
        arguments = [source.path, destination.path],
        mnemonic = "CopyForPlatform",
    )

def _el2_image_impl(ctx):
    _copy(ctx, ctx.files.elf[0], ctx.outputs.elf_out)
    raw = ctx.actions.declare_file(ctx.label.name)
    _copy(ctx, ctx.files.raw[0], raw)
    files = depset([raw, ctx.outputs.elf_out])
    return [DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files))]

_el2_image = rule(
    implementation = _el2_image_impl,
    attrs = dict(
        _TRANSITION_ATTRS,
        elf = attr.label(cfg = _platform_transition, mandatory = True),
        elf_out = attr.output(mandatory = True),
        raw = attr.label(cfg = _platform_transition, mandatory = True),
    ),
    doc = "NAME.elf and NAME, built for the given platform.",
)

def _for_platform_impl(ctx):
    binary = ctx.actions.declare_file(ctx.label.name)
    _copy(ctx, ctx.files.binary[0], binary)
    return [DefaultInfo(
        files = depset([binary]),
        runfiles = ctx.runfiles(files = [binary]),
    )]

_for_platform = rule(
    implementation = _for_platform_impl,
    attrs = dict(
        _TRANSITION_ATTRS,
        binary = attr.label(cfg = _platform_transition, mandatory = True),
    ),
    doc = "One file of `binary`, built for the given platform.",
)

def el2_binary(
        name,
        linker_script,
        srcs = [],
        deps = [],
        platform = "//toolchain:el2",
        copts = [],
        linkopts = [],
        additional_linker_inputs = [],
        visibility = None,
        **kwargs):
    """A bare-metal program: the monitor, or a guest without an operating system.

    Gives `NAME.elf` and `NAME`, the raw bytes of it.

    Args:
      name: the raw image; the ELF file is `name` + ".elf".
      linker_script: label of the script; `-T` is passed here.
      srcs: C++, C and .S sources (libraries in `deps` are more usual).
      deps: cc_library targets; they are built for `platform`.
      platform: //toolchain:el2 or //toolchain:el2_debian.
      copts: more compiler flags for `srcs`.
      linkopts: more linker flags.
      additional_linker_inputs: files that the linker script includes.
      visibility: of `name` and `name`.elf.
      **kwargs: other attributes of cc_binary.
    """
    native.cc_binary(
        name = name + ".linked",
        srcs = srcs,
        additional_linker_inputs = [linker_script] + additional_linker_inputs,
        copts = copts,
        linkopts = ["-T$(execpath %s)" % linker_script] + linkopts,
        malloc = "//toolchain:no_malloc",
        tags = ["manual"],
        target_compatible_with = EL2_ONLY,
        visibility = ["//visibility:private"],
        deps = deps,
        **kwargs
    )
    _raw_image(
        name = name + ".raw",
        elf = name + ".linked",
        tags = ["manual"],
        target_compatible_with = EL2_ONLY,
        visibility = ["//visibility:private"],
    )
    _el2_image(
        name = name,
        elf = name + ".linked",
        elf_out = name + ".elf",
        platform = platform,
        raw = name + ".raw",
        visibility = visibility,
    )

def linux_arm64_binary(name, binary = None, srcs = [], deps = [], visibility = None, **kwargs):
    """A static program for an arm64 Linux.

    Args:
      name: the program's file name.
      binary: an existing cc_binary to build for arm64; or leave it out and give
        `srcs` and `deps`, and a cc_binary is made.
      srcs: sources, if there is no `binary`.
      deps: libraries, if there is no `binary`.
      visibility: of `name`.
      **kwargs: other attributes of cc_binary, if there is no `binary`.
    """
    if not binary:
        binary = name + ".linked"
        native.cc_binary(
            name = binary,
            srcs = srcs,
            tags = ["manual"],
            target_compatible_with = LINUX_ARM64_ONLY,
            visibility = ["//visibility:private"],
            deps = deps,
            **kwargs
        )
    _for_platform(
        name = name,
        binary = binary,
        platform = "//toolchain:linux_arm64",
        visibility = visibility,
    )

def ravelin_fuzz_target(name, srcs = [], deps = []):
    """A target of libFuzzer: sources that define LLVMFuzzerTestOneInput.

    Gives `NAME`, the fuzzer, which only `--config=fuzz` builds (`./ravelin fuzz NAME` runs it),
    and `NAME_replay`, a test that runs every input of the corpus, for any compiler.

    Args:
      name: the target; its inputs are in corpus/NAME.
      srcs: the sources; none if a library in `deps` has the entry.
      deps: libraries.
    """
    native.cc_library(
        name = name + "_entry",
        testonly = True,
        srcs = srcs,
        alwayslink = True,
        copts = ["-O2"],
        features = ["-fuzz"],  # what is explored is in the libraries
        deps = deps,
    )
    native.cc_binary(
        name = name,
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        target_compatible_with = ["//toolchain:clang"],
        deps = [name + "_entry"],
    )
    native.filegroup(
        name = name + "_corpus",
        srcs = native.glob(["corpus/%s/*" % name]),
    )
    native.cc_test(
        name = name + "_replay",
        size = "small",
        args = ["$(rootpaths %s_corpus)" % name],
        data = [name + "_corpus"],
        # After whatever has the entry: in a library of `deps` it is found only from here on.
        linkopts = ["-Wl,--undefined=LLVMFuzzerTestOneInput"],
        deps = [
            name + "_entry",
            "//tests/fuzz:replay",
        ],
    )
