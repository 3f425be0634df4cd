// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/observer/monitor_pages.h"

#include <algorithm>
#include <utility>

#include "tests/observer/descriptor.h"

namespace ravelin::observer {
namespace {

PfnRange PagesOfLeaf(std::uint64_t word, unsigned level) {
  return PagesOf(Descriptor{word}.output(level), Span(level));
}

}  // namespace

void MonitorPages::Learn(Pa root) {
  Link(ToPfn(root), 0);
  const PfnRange& ram = watched_->ram();
  for (Pfn page = ram.first; page < ram.end(); page = page + PageCount{1}) {
    if (mapped_.Any(page)) {
      fixed_.Add({page, PageCount{1}});
    }
  }
}

void MonitorPages::Link(Pfn table, unsigned level) {
  if (tables_.contains(table.raw())) {
    return;
  }
  watched_->Add({table, PageCount{1}});
  Table& made = tables_[table.raw()];
  made.level = level;
  made.words.resize(kEntries);
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    made.words[i] = memory_->Word(ToPa(table) + i * kEntryBytes);
    Map(made.words[i], level);
  }
}

void MonitorPages::Map(std::uint64_t word, unsigned level) {
  const Descriptor descriptor{word};
  if (descriptor.table(level)) {
    Link(ToPfn(descriptor.output(level)), level + 1);
  } else if (descriptor.valid()) {
    mapped_.Add(PagesOfLeaf(word, level));
  }
}

void MonitorPages::Unmap(std::uint64_t word, unsigned level) {
  if (Descriptor{word}.leaf(level)) {
    mapped_.Remove(PagesOfLeaf(word, level));
  }
}

void MonitorPages::Store(CpuIndex cpu, Pa entry, std::uint64_t value) {
  const auto found = tables_.find(ToPfn(entry).raw());
  if (found == tables_.end()) {
    return;
  }
  Table& table = found->second;
  std::uint64_t& word = table.words[entry.raw() % kPageSize / kEntryBytes];
  if (word == value) {
    return;
  }
  Unmap(word, table.level);
  word = value;
  Map(value, table.level);
  if (Descriptor{value}.leaf(table.level)) {
    fresh_[cpu.raw()].push_back(PagesOfLeaf(value, table.level).first);
  }
}

void MonitorPages::Rescan(CpuIndex cpu, Pfn page) {
  if (!tables_.contains(page.raw())) {
    return;
  }
  for (std::uint64_t at = 0; at < kPageSize; at += kEntryBytes) {
    const Pa entry = ToPa(page) + at;
    Store(cpu, entry, memory_->Word(entry));
  }
}

Pfn MonitorPages::FindMonitors(PfnRange pages) const {
  Pfn page = pages.first;
  while (page < pages.end() && !IsMonitors(page)) {
    page = page + PageCount{1};
  }
  return page;
}

std::vector<Pfn> MonitorPages::TakeFresh(CpuIndex cpu) {
  std::vector<Pfn> pages = std::exchange(fresh_[cpu.raw()], {});
  std::erase_if(pages, [&](Pfn page) { return !mapped_.Any(page); });
  return pages;
}

}  // namespace ravelin::observer
