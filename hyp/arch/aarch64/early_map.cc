// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/arch/aarch64/early_map.h"

#include <array>

#include "hyp/arch/aarch64/barrier.h"
#include "hyp/arch/aarch64/cpu_boot.h"
#include "hyp/arch/aarch64/layout.h"
#include "hyp/arch/aarch64/stage1.h"

namespace ravelin {
namespace {

using Table = std::array<std::uint64_t, stage1::kEntries>;

constexpr std::uint64_t kBlock2M = std::uint64_t{1} << 21;
constexpr std::uint64_t kBlock1G = std::uint64_t{1} << 30;
constexpr std::uint64_t kLevel0Span = std::uint64_t{1} << 39;

struct EarlyTables {
  Table root;
  Table low;         // identity: the first 512 GiB, as device memory
  Table image_512g;  // identity: the 512 GiB around the image, if not the first
  Table image_1g;    // identity: the GiB around the image
  Table link_512g;   // the image at its link address
  Table link_1g;
  Table linear_512g;  // the carve-out at its linear address
  Table linear_1g;
};

alignas(kPageSize) constinit EarlyTables early_tables{};
constinit CpuBoot early_boot{};

// Table descriptors for the linear map, noted while addresses are still physical.
struct LinearLinks {
  std::uint64_t table_512g;
  std::uint64_t table_1g;
};
constinit LinearLinks linear_links{};

std::uint64_t Address(const void* object) { return reinterpret_cast<std::uint64_t>(object); }

std::uint64_t TableAt(const Table& table) { return Address(&table) | stage1::kTable; }

void FillIdentity(Table& table, std::uint64_t base) {
  for (std::uint64_t i = 0; i < stage1::kEntries; ++i) {
    table[i] = (base + i * kBlock1G) | stage1::kMmio | stage1::kBlock;
  }
}

}  // namespace

// Runs at the load address with the MMU off: everything is reached relative to the PC, and nothing
// here may use a pointer that the linker has computed.
extern "C" const CpuBoot* BuildEarlyMap(std::uint64_t load) {
  EarlyTables& t = early_tables;
  FillIdentity(t.low, 0);
  t.root[0] = TableAt(t.low);
  Table* image_512g = &t.low;
  if (load >= kLevel0Span) {
    FillIdentity(t.image_512g, AlignDown(load, kLevel0Span));
    t.root[stage1::Index(load, 0)] = TableAt(t.image_512g);
    image_512g = &t.image_512g;
  }
  // Only the image itself is Normal memory and executable: nothing may be fetched speculatively
  // from addresses that are not known to be RAM.
  const std::uint64_t gib = AlignDown(load, kBlock1G);
  for (std::uint64_t i = 0; i < stage1::kEntries; ++i) {
    t.image_1g[i] = (gib + i * kBlock2M) | stage1::kMmio | stage1::kBlock;
  }
  t.image_1g[stage1::Index(load, 2)] = load | stage1::kBootImage | stage1::kBlock;
  (*image_512g)[stage1::Index(load, 1)] = TableAt(t.image_1g);

  t.link_1g[stage1::Index(kImageBase, 2)] = load | stage1::kBootImage | stage1::kBlock;
  t.link_512g[stage1::Index(kImageBase, 1)] = TableAt(t.link_1g);
  t.root[stage1::Index(kImageBase, 0)] = TableAt(t.link_512g);

  linear_links = {.table_512g = TableAt(t.linear_512g), .table_1g = TableAt(t.linear_1g)};
  early_boot = {.ttbr = Address(&t.root),
                .tcr = stage1::Tcr(),
                .mair = stage1::kMair,
                .sctlr = stage1::kSctlrBoot,
                .per_cpu = 0,
                .stack = 0,
                .vectors = 0};
  return &early_boot;
}

bool EarlyMapShows(Pa pa) {
  const Table& root = early_tables.root;
  return pa.raw() < kLevel0Span * stage1::kEntries && root[stage1::Index(pa.raw(), 0)] != 0;
}

void MapEarlyLinear(Pa first, std::uint64_t size) {
  EarlyTables& t = early_tables;
  const std::uint64_t va = LinearVa(first).raw();
  for (std::uint64_t done = 0; done < size; done += kBlock2M) {
    t.linear_1g[stage1::Index(va + done, 2)] =
        (first.raw() + done) | stage1::kDataRw | stage1::kBlock;
  }
  t.linear_512g[stage1::Index(va, 1)] = linear_links.table_1g;
  t.root[stage1::Index(va, 0)] = linear_links.table_512g;
  DsbIshst();
  Isb();
}

}  // namespace ravelin
