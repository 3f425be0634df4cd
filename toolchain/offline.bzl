# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for the repositories that Bazel would otherwise download.

Bazel's built-in packages load from `@rules_cc` and friends even when nothing of
them is used. The native C++ rules are all that this repository needs.
"""

_HEADER = "# Stand-in written by //toolchain:offline.bzl.\n"

_RULES_CC_DEFS = _HEADER + """
cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
fdo_prefetch_hints = native.fdo_prefetch_hints
fdo_profile = native.fdo_profile
objc_import = native.objc_import
objc_library = native.objc_library
"""

_RULES_JAVA_DEFS = _HEADER + """
java_binary = native.java_binary
java_import = native.java_import
java_library = native.java_library
java_package_configuration = native.java_package_configuration
java_plugin = native.java_plugin
java_proto_library = native.java_proto_library
java_runtime = native.java_runtime
java_test = native.java_test
java_toolchain = native.java_toolchain
"""

_RULES_PROTO_DEFS = _HEADER + """
proto_lang_toolchain = native.proto_lang_toolchain
proto_library = native.proto_library
"""

_COVERAGE_BUILD = _HEADER + """
filegroup(
    name = "coverage_report_generator",
    srcs = [],
    visibility = ["//visibility:public"],
)
"""

def _stand_in_impl(repository_ctx):
    repository_ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % repository_ctx.name)
    for path, content in repository_ctx.attr.files.items():
        repository_ctx.file(path, content, executable = False)

_stand_in = repository_rule(
    implementation = _stand_in_impl,
    attrs = {"files": attr.string_dict(doc = "Path in the repository to its content.")},
    doc = "A repository made of the given files.",
)

def offline_repositories():
    """Declares every stand-in."""
    _stand_in(
        name = "rules_cc",
        files = {"BUILD": _HEADER, "cc/BUILD": _HEADER, "cc/defs.bzl": _RULES_CC_DEFS},
    )
    _stand_in(
        name = "rules_java",
        files = {"BUILD": _HEADER, "java/BUILD": _HEADER, "java/defs.bzl": _RULES_JAVA_DEFS},
    )
    _stand_in(
        name = "rules_proto",
        files = {"BUILD": _HEADER, "proto/BUILD": _HEADER, "proto/defs.bzl": _RULES_PROTO_DEFS},
    )
    _stand_in(name = "bazel_skylib", files = {"BUILD": _HEADER})
    _stand_in(name = "remote_coverage_tools", files = {"BUILD": _COVERAGE_BUILD})
