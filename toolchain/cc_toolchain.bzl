# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""The C++ toolchains, from the compilers that //toolchain:repositories.bzl found."""

load(
    "@bazel_tools//tools/cpp:cc_toolchain_config_lib.bzl",
    "feature",
    "flag_group",
    "flag_set",
    "tool_path",
)
load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "ACTION_NAMES")
load("@ravelin_compilers//:compilers.bzl", "COMPILERS")
load(
    "//toolchain:flags.bzl",
    "CLANG_INSTRUMENTATION",
    "CXX_STANDARD",
    "CXX_WARNINGS",
    "C_STANDARD",
    "EL2",
    "EL2_CXX",
    "EL2_LIBRARIES",
    "EL2_LINK",
    "GCC_REPRODUCIBLE",
    "HOST",
    "HOSTED_LIBRARIES",
    "LINUX",
    "REPRODUCIBLE",
    "SANITIZERS",
    "WARNINGS",
)

_C = [ACTION_NAMES.c_compile]
_CXX = [
    ACTION_NAMES.cpp_compile,
    ACTION_NAMES.cpp_header_parsing,
    ACTION_NAMES.linkstamp_compile,
]
_ASSEMBLE = [ACTION_NAMES.assemble, ACTION_NAMES.preprocess_assemble]
_COMPILE = _C + _CXX + _ASSEMBLE
_LINK = [
    ACTION_NAMES.cpp_link_executable,
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
]

def _flags(actions, flags):
    """A flag set, or nothing if there are no flags."""
    return [flag_set(actions = actions, flag_groups = [flag_group(flags = flags)])] if flags else []

def _default_feature(attr):
    return feature(
        name = "ravelin_default_flags",
        enabled = True,
        flag_sets = _flags(_COMPILE, attr.compile_flags) +
                    _flags(_C, C_STANDARD) +
                    _flags(_CXX, CXX_STANDARD + attr.cxx_flags) +
                    _flags(_LINK, attr.link_flags),
    )

def _warnings_feature():
    return feature(
        name = "ravelin_warnings",
        enabled = True,
        flag_sets = _flags(_C + _CXX, WARNINGS) + _flags(_CXX, CXX_WARNINGS),
    )

def _sanitizer_features(attr):
    if not attr.sanitizers:
        return []
    return [
        feature(name = name, flag_sets = _flags(_COMPILE + _LINK, flags))
        for name, flags in SANITIZERS.items()
    ]

def _instrumentation_features(attr):
    if attr.compiler != "clang":
        return []
    return [
        feature(name = name, flag_sets = _flags(_COMPILE, compiling) + _flags(_LINK, linking))
        for name, (compiling, linking) in CLANG_INSTRUMENTATION.items()
    ]

def _reproducible_feature(attr, tools):
    # Replaces Bazel's own flags of the same purpose. A compiler in the cache
    # leaves no trace of the cache's place either.
    root = tools.get("gcc", "").rsplit("/bin/", 1)[0]
    own = [] if attr.compiler == "clang" else GCC_REPRODUCIBLE
    mapped = ["-ffile-prefix-map=%s=toolchain" % root] if root not in ["", "/usr"] else []
    return feature(
        name = "unfiltered_compile_flags",
        enabled = True,
        flag_sets = _flags(_C + _CXX + _ASSEMBLE, REPRODUCIBLE + own + mapped),
    )

def _libraries_feature(attr):
    return feature(
        name = "ravelin_libraries",
        enabled = True,
        flag_sets = _flags(_LINK, attr.libraries),
    )

def _config_impl(ctx):
    compiler = COMPILERS[ctx.attr.compiler]
    tools = compiler.tools if compiler.found else {}
    names = ["ar", "cpp", "gcc", "gcov", "ld", "nm", "objcopy", "objdump", "strip"]
    missing = "/bin/false"
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        abi_libc_version = "local",
        abi_version = "local",
        compiler = "gcc",
        cxx_builtin_include_directories = compiler.includes,
        features = [_default_feature(ctx.attr), _warnings_feature()] +
                   _sanitizer_features(ctx.attr) +
                   _instrumentation_features(ctx.attr) +
                   [_reproducible_feature(ctx.attr, tools), _libraries_feature(ctx.attr)],
        host_system_name = "local",
        target_cpu = ctx.attr.cpu,
        target_libc = "local",
        target_system_name = ctx.attr.cpu,
        tool_paths = [tool_path(name = name, path = tools.get(name, missing)) for name in names],
        toolchain_identifier = ctx.label.name,
    )

_config = rule(
    implementation = _config_impl,
    attrs = {
        "compile_flags": attr.string_list(),
        "compiler": attr.string(mandatory = True, doc = "A key of COMPILERS."),
        "cpu": attr.string(mandatory = True),
        "cxx_flags": attr.string_list(),
        "libraries": attr.string_list(),
        "link_flags": attr.string_list(),
        "sanitizers": attr.bool(default = False),
    },
    provides = [CcToolchainConfigInfo],
)

def _toolchain(name, toolchain_name, target_compatible_with, **config):
    _config(name = name + "_config", **config)
    native.cc_toolchain(
        name = name + "_cc",
        all_files = ":no_files",
        ar_files = ":no_files",
        compiler_files = ":no_files",
        dwp_files = ":no_files",
        linker_files = ":no_files",
        objcopy_files = ":no_files",
        strip_files = ":no_files",
        supports_param_files = True,
        toolchain_config = name + "_config",
        toolchain_identifier = name + "_config",
    )
    native.toolchain(
        name = toolchain_name or name + "_toolchain",
        target_compatible_with = target_compatible_with,
        toolchain = name + "_cc",
        toolchain_type = "@bazel_tools//tools/cpp:toolchain_type",
    )

def host_toolchain(name, target_compatible_with, compiler = "host"):
    """The build machine's own compiler, or clang for it."""
    _toolchain(
        name = name,
        toolchain_name = None,
        target_compatible_with = target_compatible_with,
        compiler = compiler,
        cpu = "k8",
        compile_flags = HOST,
        libraries = HOSTED_LIBRARIES,
        sanitizers = True,
    )

def el2_toolchain(name, compiler, constraint, toolchain_name = None):
    """Bare-metal AArch64 by the named compiler."""
    _toolchain(
        name = name,
        toolchain_name = toolchain_name,
        target_compatible_with = [
            "@platforms//cpu:aarch64",
            "@platforms//os:none",
            constraint,
        ],
        compiler = compiler,
        cpu = "aarch64",
        compile_flags = EL2,
        cxx_flags = EL2_CXX,
        libraries = EL2_LIBRARIES,
        link_flags = EL2_LINK,
    )

def linux_arm64_toolchain(name, toolchain_name = None):
    """Static programs for an arm64 Linux, by Debian's cross compiler."""
    _toolchain(
        name = name,
        toolchain_name = toolchain_name,
        target_compatible_with = ["@platforms//cpu:aarch64", "@platforms//os:linux"],
        compiler = "debian",
        cpu = "aarch64",
        compile_flags = LINUX,
        libraries = HOSTED_LIBRARIES,
        link_flags = ["-static"],
    )
