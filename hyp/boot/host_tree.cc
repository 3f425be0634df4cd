// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/boot/host_tree.h"

#include <libfdt.h>

#include <array>

namespace ravelin::boot {
namespace {

// Remembers the first error of a series of edits, so that each edit stays one line.
class Editor {
 public:
  explicit Editor(void* tree) : tree_(tree) {}

  [[nodiscard]] bool failed() const { return failed_; }

  int Find(const char* path) { return Check(fdt_path_offset(tree_, path)); }

  // The node `name` below `parent`, made if it is missing.
  int Child(int parent, const char* name) {
    const int found = fdt_subnode_offset(tree_, parent, name);
    return found >= 0 ? found : Check(fdt_add_subnode(tree_, parent, name));
  }

  void SetText(int node, const char* name, std::string_view text) {
    // libfdt wants the terminating zero; the text may be part of a longer one.
    void* value = nullptr;
    const int size = static_cast<int>(text.size()) + 1;
    if (Check(fdt_setprop_placeholder(tree_, node, name, size, &value)) == 0) {
      auto* const characters = static_cast<char*>(value);
      for (std::size_t i = 0; i < text.size(); ++i) {
        characters[i] = text[i];
      }
      characters[text.size()] = '\0';
    }
  }
  void SetBytes(int node, const char* name, std::string_view bytes) {
    Check(fdt_setprop(tree_, node, name, bytes.data(), static_cast<int>(bytes.size())));
  }
  void SetFlag(int node, const char* name) { Check(fdt_setprop_empty(tree_, node, name)); }
  void SetWord(int node, const char* name, std::uint32_t value) {
    Check(fdt_setprop_u32(tree_, node, name, value));
  }
  void SetLong(int node, const char* name, std::uint64_t value) {
    Check(fdt_setprop_u64(tree_, node, name, value));
  }
  void AppendWord(int node, const char* name, std::uint32_t value) {
    Check(fdt_appendprop_u32(tree_, node, name, value));
  }
  // `value` in as many cells as the tree uses for it, or a failure if it does not fit.
  void AppendCells(int node, const char* name, std::uint64_t value, int cells) {
    if (cells == 2) {
      Check(fdt_appendprop_u64(tree_, node, name, value));
    } else {
      Check(value >> 32 == 0 ? 0 : -FDT_ERR_BADVALUE);
      Check(fdt_appendprop_u32(tree_, node, name, static_cast<std::uint32_t>(value)));
    }
  }
  void Remove(int node) { Check(fdt_del_node(tree_, node)); }
  // Linux takes the properties over from the bootloader otherwise; absent ones are fine.
  void RemoveProperty(int node, const char* name) {
    const int status = fdt_delprop(tree_, node, name);
    if (status != -FDT_ERR_NOTFOUND) {
      Check(status);
    }
  }

 private:
  int Check(int status) {
    failed_ = failed_ || status < 0;
    return status;
  }

  void* tree_;
  bool failed_ = false;
};

void DescribePayload(void* tree, Editor& edit, const Machine& machine) {
  const int chosen = edit.Find("/chosen");
  for (int node = fdt_first_subnode(tree, chosen); node >= 0;) {
    if (fdt_node_check_compatible(tree, node, "multiboot,module") == 0) {
      edit.Remove(node);
      node = fdt_first_subnode(tree, chosen);
    } else {
      node = fdt_next_subnode(tree, node);
    }
  }
  edit.SetText(chosen, "bootargs", machine.bootargs);
  edit.RemoveProperty(chosen, "linux,initrd-start");
  edit.RemoveProperty(chosen, "linux,initrd-end");
  if (machine.ramdisk) {
    edit.SetLong(chosen, "linux,initrd-start", machine.ramdisk->first.raw());
    edit.SetLong(chosen, "linux,initrd-end", machine.ramdisk->end().raw());
  }
}

std::uint32_t Cells(int count) { return static_cast<std::uint32_t>(count); }

void ReserveCarveout(void* tree, Editor& edit, const Region& carveout) {
  const int root = 0;
  const bool exists = fdt_subnode_offset(tree, root, "reserved-memory") >= 0;
  const int parent = edit.Child(root, "reserved-memory");
  if (!exists) {
    edit.SetWord(parent, "#address-cells", Cells(fdt_address_cells(tree, root)));
    edit.SetWord(parent, "#size-cells", Cells(fdt_size_cells(tree, root)));
    edit.SetFlag(parent, "ranges");
  }
  const int address_cells = fdt_address_cells(tree, parent);
  const int size_cells = fdt_size_cells(tree, parent);
  const int node = edit.Child(parent, "ravelin-monitor");
  edit.RemoveProperty(node, "reg");
  edit.AppendCells(node, "reg", carveout.first.raw(), address_cells);
  edit.AppendCells(node, "reg", carveout.size, size_cells);
  edit.SetFlag(node, "no-map");
}

// Linux at EL1 uses the virtual timer if `interrupt-names` has "virt", else the physical one
// (Linux, arch_timer_of_init). The virtual timer is for guests: its name becomes "none", which has
// as many letters and means nothing to Linux.
void GivePhysicalTimer(void* tree, Editor& edit) {
  constexpr std::string_view kOrderOfBinding("sec-phys\0phys\0virt\0hyp-phys\0", 28);
  const char* const property = "interrupt-names";
  const int node = fdt_node_offset_by_compatible(tree, -1, "arm,armv8-timer");
  if (node < 0) {
    return;
  }
  if (fdt_getprop(tree, node, property, nullptr) == nullptr) {
    edit.SetBytes(node, property, kOrderOfBinding);
  }
  const int place = fdt_stringlist_search(tree, node, property, "virt");
  if (place >= 0) {
    const char* const name = fdt_stringlist_get(tree, node, property, place, nullptr);
    std::string_view("none").copy(const_cast<char*>(name), 4);
  }
}

// The node by which the driver knows that the monitor is there: the virtual timer's PPI and the GIC
// maintenance interrupt are those of the architecture's reference system (BSA): 27 and 25.
void AnnounceMonitor(Editor& edit, Mode mode) {
  constexpr std::uint32_t kPpi = 1, kVirtualTimer = 11, kMaintenance = 9, kLevelHigh = 4;
  const int node = edit.Child(0, "hypervisor");
  edit.SetText(node, "compatible", "ravelin,monitor");
  edit.SetText(node, "ravelin,mode", ModeName(mode));
  edit.RemoveProperty(node, "interrupts");
  for (const std::uint32_t interrupt : {kVirtualTimer, kMaintenance}) {
    for (const std::uint32_t cell : {kPpi, interrupt, kLevelHigh}) {
      edit.AppendWord(node, "interrupts", cell);
    }
  }
}

}  // namespace

Accepted<std::uint64_t> WriteHostTree(const void* source, std::span<std::byte> target,
                                      const HostTreePlan& plan) {
  void* const tree = target.data();
  if (fdt_open_into(source, tree, static_cast<int>(target.size())) != 0) {
    return Refusal("device tree: no room to edit it");
  }
  Editor edit(tree);
  DescribePayload(tree, edit, *plan.machine);
  ReserveCarveout(tree, edit, plan.carveout);
  GivePhysicalTimer(tree, edit);
  AnnounceMonitor(edit, plan.mode);
  if (edit.failed() || fdt_pack(tree) != 0) {
    return Refusal("device tree: cannot be edited");
  }
  return std::uint64_t{fdt_totalsize(tree)};
}

}  // namespace ravelin::boot
