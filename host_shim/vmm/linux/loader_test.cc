// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "host_shim/vmm/linux/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libfdt.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "host_shim/vmm/linux/image_header.h"
#include "host_shim/vmm/linux/layout.h"

namespace ravelin::vmm {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t kTextOffset = 0x80000;

// A property's cells.
std::vector<std::uint32_t> Cells(const void* tree, const char* node, const char* property) {
  int bytes = 0;
  const int offset = fdt_path_offset(tree, node);
  const auto* data = static_cast<const fdt32_t*>(fdt_getprop(tree, offset, property, &bytes));
  std::vector<std::uint32_t> cells(data == nullptr ? 0 : static_cast<std::size_t>(bytes) / 4);
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = fdt32_to_cpu(data[i]);
  return cells;
}

std::string Text(const void* tree, const char* node, const char* property) {
  const int offset = fdt_path_offset(tree, node);
  const void* text = fdt_getprop(tree, offset, property, nullptr);
  return text == nullptr ? "(none)" : static_cast<const char*>(text);
}

class LoaderTest : public ::testing::Test {
 protected:
  LoaderTest() {
    WriteKernel(3 * kMebibyte);
    std::ofstream{initrd_, std::ios::binary} << "the initrd";
  }

  void WriteKernel(std::uint64_t image_size) {
    std::string image(4096, 'k');
    image.replace(8, 8, reinterpret_cast<const char*>(&kTextOffset), 8);
    image.replace(16, 8, reinterpret_cast<const char*>(&image_size), 8);
    image.replace(24, 8, std::string(8, '\0'));
    image.replace(56, 4, "ARM\x64");
    std::ofstream{kernel_, std::ios::binary} << image;
  }

  std::string Error(const LinuxFiles& files) {
    const auto entry = LoadLinux(memory_, files, {});
    return entry ? "no error" : entry.error().text;
  }

  const char* Host(Ipa ipa) {
    return reinterpret_cast<const char*>(memory_.host_address()) + (Raw(ipa) - Raw(kRamBase));
  }

  std::string kernel_ = ::testing::TempDir() + "/loader_test_kernel";
  std::string initrd_ = ::testing::TempDir() + "/loader_test_initrd";
  GuestMemory memory_ = *GuestMemory::Create(kRamBase, 16 * kMebibyte);
};

TEST_F(LoaderTest, PutsThePartsWhereLinuxWantsThem) {
  const auto entry = LoadLinux(memory_, {.kernel = kernel_, .initrd = initrd_}, {});
  ASSERT_TRUE(entry) << entry.error().text;
  EXPECT_EQ(Raw(entry->kernel) % kImageAlignment, kTextOffset);
  EXPECT_EQ(Host(entry->kernel)[100], 'k');
  EXPECT_EQ(Raw(entry->tree) % (2 * kMebibyte), 0U);
  EXPECT_GE(Raw(entry->tree), Raw(entry->kernel) + 3 * kMebibyte);

  const void* tree = Host(entry->tree);
  ASSERT_EQ(fdt_check_full(tree, kMostTreeBytes), 0);
  const auto start = Cells(tree, "/chosen", "linux,initrd-start");
  const auto end = Cells(tree, "/chosen", "linux,initrd-end");
  ASSERT_EQ(start.size(), 2U);
  ASSERT_EQ(end.size(), 2U);
  EXPECT_GE(start[1], Raw(entry->tree) + kMostTreeBytes);
  EXPECT_EQ(std::string_view(Host(Ipa{start[1]}), end[1] - start[1]), "the initrd");
  EXPECT_EQ(Cells(tree, "/memory@80000000", "reg"),
            (std::vector<std::uint32_t>{0, 0x80000000, 0, 16 << 20}));
}

TEST_F(LoaderTest, AnInitrdIsOptional) {
  const auto entry = LoadLinux(memory_, {.kernel = kernel_}, {});
  ASSERT_TRUE(entry);
  EXPECT_EQ(Text(Host(entry->tree), "/chosen", "linux,initrd-start"), "(none)");
}

TEST_F(LoaderTest, NamesTheFileThatIsWrong) {
  EXPECT_EQ(Error({.kernel = "/nonexistent"}),
            "cannot open kernel '/nonexistent': No such file or directory");
  EXPECT_EQ(Error({.kernel = initrd_}),
            "cannot start kernel '" + initrd_ + "': it is too short for an arm64 Image");
  EXPECT_EQ(Error({.kernel = kernel_, .initrd = "/nonexistent"}),
            "cannot stat '/nonexistent': No such file or directory");
}

TEST_F(LoaderTest, RefusesWhatDoesNotFit) {
  WriteKernel(16 * kMebibyte);
  EXPECT_THAT(Error({.kernel = kernel_}), HasSubstr("needs 16 MiB"));
  WriteKernel(15 * kMebibyte);
  EXPECT_EQ(Error({.kernel = kernel_}), "the device tree does not fit the guest's memory");
  WriteKernel(13 * kMebibyte);
  EXPECT_THAT(Error({.kernel = kernel_, .initrd = initrd_}), HasSubstr("does not fit"));
}

class DeviceTreeTest : public ::testing::Test {
 protected:
  // Builds the tree; what dtc makes of it, warnings included.
  std::string Source() {
    auto tree = BuildDeviceTree(config_);
    if (!tree) return tree.error().text;
    tree_ = std::move(*tree);
    const std::string path = ::testing::TempDir() + "/loader_test_tree.dtb";
    std::ofstream{path, std::ios::binary}.write(reinterpret_cast<const char*>(tree_.data()),
                                                static_cast<std::streamsize>(tree_.size()));
    std::string source;
    FILE* dtc = ::popen(("dtc -I dtb -O dts " + path + " 2>&1").c_str(), "r");
    std::array<char, 4096> part{};
    while (const std::size_t count = std::fread(part.data(), 1, part.size(), dtc)) {
      source.append(part.data(), count);
    }
    EXPECT_EQ(::pclose(dtc), 0);
    return source;
  }

  TreeConfig config_{
      .cpus = 18,
      .memory = {.start = kRamBase, .bytes = std::uint64_t{5} << 30},
      .virtio_devices = 3,
      .bootargs = "console=hvc0 quiet",
      .random_seed = std::vector<std::byte>(32, std::byte{7}),
      .layout_seed = 0x0123456789abcdef,
  };
  std::vector<std::byte> tree_;
};

TEST_F(DeviceTreeTest, IsWhatDtcCallsCorrect) {
  const std::string source = Source();
  EXPECT_THAT(source, HasSubstr("/dts-v1/;"));
  EXPECT_THAT(source, ::testing::Not(HasSubstr("Warning"))) << source;
  EXPECT_THAT(source, ::testing::Not(HasSubstr("Error")));
}

TEST_F(DeviceTreeTest, DescribesTheMachine) {
  ASSERT_THAT(Source(), HasSubstr("/dts-v1/;"));
  const void* tree = tree_.data();
  EXPECT_EQ(Text(tree, "/chosen", "bootargs"), "console=hvc0 quiet");
  EXPECT_EQ(Text(tree, "/chosen", "stdout-path"), "/pl011@9000000");
  EXPECT_EQ(Cells(tree, "/chosen", "kaslr-seed"),
            (std::vector<std::uint32_t>{0x01234567, 0x89abcdef}));
  EXPECT_EQ(Cells(tree, "/memory@80000000", "reg"),
            (std::vector<std::uint32_t>{0, 0x80000000, 1, 0x40000000}));
  EXPECT_EQ(
      Cells(tree, "/interrupt-controller@8000000", "reg"),
      (std::vector<std::uint32_t>{0, 0x08000000, 0, 0x10000, 0, 0x080a0000, 0, 18 * 0x20000}));
  EXPECT_EQ(Text(tree, "/psci", "method"), "hvc");
  EXPECT_EQ(Cells(tree, "/virtio_mmio@a002000", "interrupts"),
            (std::vector<std::uint32_t>{0, 18, 4}));
  EXPECT_LT(fdt_path_offset(tree, "/virtio_mmio@a003000"), 0);
}

TEST_F(DeviceTreeTest, NumbersCpusAsKvmDoes) {
  ASSERT_THAT(Source(), HasSubstr("/dts-v1/;"));
  EXPECT_EQ(Cells(tree_.data(), "/cpus/cpu@f", "reg"), (std::vector<std::uint32_t>{0xf}));
  EXPECT_EQ(Cells(tree_.data(), "/cpus/cpu@101", "reg"), (std::vector<std::uint32_t>{0x101}));
  EXPECT_LT(fdt_path_offset(tree_.data(), "/cpus/cpu@10"), 0);
  EXPECT_LT(fdt_path_offset(tree_.data(), "/cpus/cpu@102"), 0);
}

TEST_F(DeviceTreeTest, AProtectedVmCallsPsciBySmc) {
  config_.psci = PsciConduit::kSmc;
  ASSERT_THAT(Source(), HasSubstr("/dts-v1/;"));
  EXPECT_EQ(Text(tree_.data(), "/psci", "method"), "smc");
}

TEST_F(DeviceTreeTest, FitsWithTheMostOfEverything) {
  config_.cpus = kMostCpus;
  config_.virtio_devices = 16;
  config_.bootargs = std::string(4096, 'x');
  EXPECT_THAT(Source(), HasSubstr("/dts-v1/;"));
}

TEST_F(DeviceTreeTest, SaysThatATreeIsTooLarge) {
  config_.bootargs = std::string(kMostTreeBytes, 'x');
  EXPECT_EQ(Source(), "cannot write the device tree: FDT_ERR_NOSPACE");
}

}  // namespace
}  // namespace ravelin::vmm
